// cuBLAS as far as minicnn calls it, on the host: plain loops over columns, which is how cuBLAS counts.
#include <cstddef>

static int mode = 0, calls = 0;
static void *stream = nullptr;

extern "C" {
int cublasCreate_v2(void **handle) { *handle = &mode; return 0; }
int cublasSetStream_v2(void *, void *given) { stream = given; return 0; }
int cublasSetWorkspace_v2(void *, void *, size_t) { return 0; }
int cublasSetMathMode(void *, int given) { mode = given; return 0; }
int seen_mode() { return mode; }
int seen_calls() { return calls; }
long long seen_stream() { return (long long)stream; }
}

template <typename T>
static int product(int opa, int opb, int m, int n, int k, const T *alpha, const T *a, int lda, long long sa, const T *b,
                   int ldb, long long sb, const T *beta, T *c, int ldc, long long sc, int count) {
    if (lda < (opa ? k : m) || ldb < (opb ? n : k) || ldc < m || k < 1 || m < 1 || n < 1) return 7;
    calls++;
    for (int i = 0; i < count; i++, a += sa, b += sb, c += sc)
        for (int col = 0; col < n; col++)
            for (int row = 0; row < m; row++) {
                double sum = 0;
                for (int j = 0; j < k; j++)
                    sum += (double)a[opa ? j + (long long)row * lda : row + (long long)j * lda] *
                           b[opb ? col + (long long)j * ldb : j + (long long)col * ldb];
                T &out = c[row + (long long)col * ldc];
                out = *alpha * (T)sum + (*beta ? *beta * out : 0);
            }
    return 0;
}

extern "C" {
int cublasSgemmStridedBatched(void *, int opa, int opb, int m, int n, int k, const float *alpha, const float *a, int lda,
                              long long sa, const float *b, int ldb, long long sb, const float *beta, float *c, int ldc,
                              long long sc, int count) {
    return product(opa, opb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count);
}
int cublasDgemmStridedBatched(void *, int opa, int opb, int m, int n, int k, const double *alpha, const double *a,
                              int lda, long long sa, const double *b, int ldb, long long sb, const double *beta,
                              double *c, int ldc, long long sc, int count) {
    return product(opa, opb, m, n, k, alpha, a, lda, sa, b, ldb, sb, beta, c, ldc, sc, count);
}
}
