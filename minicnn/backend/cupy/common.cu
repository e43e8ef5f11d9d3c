// What the kernels share: each source is compiled with this one in front of it.
//
// Images are (N, C, D, H, W), contiguous; one and two spatial dims are three with sizes of 1 before them. A plane is
// one channel of one image. Offsets into x fit an int: the launcher leaves larger arrays to the plain kernels.

// Division by a number that is known at launch, as a product: for 0 <= n < 2^31,
// n / d = (mulhi(n, multiplier) + n) >> shift. Four instructions where a division takes some twenty.
// Granlund and Montgomery, "Division by Invariant Integers using Multiplication" (1994), figure 4.1.
struct Divisor {
    int by;
    unsigned multiplier, shift;
};

__device__ inline int divide(int n, Divisor d) { return (__umulhi(n, d.multiplier) + n) >> d.shift; }

// V values that are read and written at once: 16 bytes a thread keep the memory busy with fewer instructions.
template <typename T, int V>
struct alignas(sizeof(T) * V) Pack {
    T at[V];
};

template <typename T, int V>
__device__ inline Pack<T, V> load(const T* from) {
    return *reinterpret_cast<const Pack<T, V>*>(from);
}

template <typename T, int V>
__device__ inline void store(T* to, Pack<T, V> values) {
    *reinterpret_cast<Pack<T, V>*>(to) = values;
}

// Join one value a thread over teams of `width` threads, a power of two; every thread gets its team's result.
// All threads of the block must call it: no thread may have returned.
template <typename Value, typename Join>
__device__ Value team_join(Value value, int width, Join join) {
    extern __shared__ __align__(16) unsigned char memory[];
    Value* held = reinterpret_cast<Value*>(memory);
    int me = threadIdx.x, lane = me & (width - 1);
    held[me] = value;
    for (int half = width / 2; half > 0; half /= 2) {
        __syncthreads();
        if (lane < half) held[me] = join(held[me], held[me + half]);
    }
    __syncthreads();
    Value result = held[me - lane];
    __syncthreads();  // the next call writes where others may still read
    return result;
}

template <typename T>
__device__ T team_sum(T value, int width) {
    return team_join(value, width, [](T a, T b) { return a + b; });
}

// The larger one, and NaN where there is one: CUDA's own max leaves NaN out.
template <typename T>
__device__ inline T larger(T a, T b) {
    return a > b || a != a ? a : b;
}

template <typename T>
__device__ T team_max(T value, int width) {
    return team_join(value, width, [](T a, T b) { return larger(a, b); });
}

// What slides over an image: sizes, output sizes, kernel, strides, padding before, dilation; all of three dims.
struct Windows {
    Divisor size[3], out[3], stride[3], pixels, places;  // pixels = D·H·W, places = OD·OH·OW
    int kernel[3], low[3], dilation[3];
};

// An element's plane, and its place in it.
struct Place {
    int plane, inner, d, h, w;
};

__device__ inline Place place_of(int i, const Divisor size[3], Divisor all) {
    int plane = divide(i, all), inner = i - plane * all.by;
    int row = divide(inner, size[2]), d = divide(row, size[1]);
    return {plane, inner, d, row - d * size[1].by, inner - row * size[2].by};
}

// The window, along one dim, whose kernel offset k reads position i; -1 where there is none.
__device__ inline int window_at(int i, int k, const Windows& windows, int dim) {
    int start = i + windows.low[dim] - k * windows.dilation[dim];
    if (start < 0) return -1;
    int window = divide(start, windows.stride[dim]);
    return window * windows.stride[dim].by == start && window < windows.out[dim].by ? window : -1;
}
