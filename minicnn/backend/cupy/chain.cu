// Joined elementwise chains: what would be two to five passes over memory, in one. Total is in packs of V values.

// 1 / (1 + e⁻ˣ) by e to the power of -|x|, which never overflows.
struct Sigmoid {
    template <typename T>
    __device__ static T of(T x) {
        T tail = exp(-fabs(x));
        return (x >= 0 ? T(1) : tail) / (1 + tail);
    }
};

struct SigmoidGrad {
    template <typename T>
    __device__ static T of(T y, T g) {
        return (y - y * y) * g;
    }
};

struct TanhGrad {
    template <typename T>
    __device__ static T of(T y, T g) {
        return g - y * y * g;
    }
};

struct ReluGrad {
    template <typename T>
    __device__ static T of(T y, T g) {
        return y <= 0 ? T(0) : g;  // where y is NaN, the gradient passes
    }
};

template <typename T, int V, typename Function>
__global__ void single(const T* __restrict__ x, T* __restrict__ y, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    long long at = static_cast<long long>(i) * V;
    Pack<T, V> values = load<T, V>(x + at);
    for (int v = 0; v < V; v++) values.at[v] = Function::of(values.at[v]);
    store<T, V>(y + at, values);
}

template <typename T, int V, typename Function>
__global__ void couple(const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ y, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    long long at = static_cast<long long>(i) * V;
    Pack<T, V> values = load<T, V>(a + at), others = load<T, V>(b + at);
    for (int v = 0; v < V; v++) values.at[v] = Function::of(values.at[v], others.at[v]);
    store<T, V>(y + at, values);
}

// y = x · mask · scale.
template <typename T, int V>
__global__ void dropout(const T* __restrict__ x, const bool* __restrict__ mask, T* __restrict__ y, T scale,
                        int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    long long at = static_cast<long long>(i) * V;
    Pack<T, V> values = load<T, V>(x + at);
    Pack<bool, V> kept = load<bool, V>(mask + at);
    for (int v = 0; v < V; v++) values.at[v] = values.at[v] * T(kept.at[v]) * scale;
    store<T, V>(y + at, values);
}
