// Convolution's windows: im2col copies them into columns for a matrix product, col2im adds columns up to an image.
//
// Column (n, c, k) of P places begins at n · image + (c · K + k) · row: with image = C·K·P and row = P the columns of
// an image lie together, (N, C·K, P); with image = P and row = N·P all images are joined, (C·K, N·P).

// One thread an output place and channel: it reads its window, which its neighbours read too (cache), and threads side
// by side write side by side.
template <typename T>
__global__ void im2col(const T* __restrict__ x, T* __restrict__ columns, Windows windows, Divisor channels,
                       long long image, long long row, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.out, windows.places);
    int n = divide(at.plane, channels), c = at.plane - n * channels.by;
    int kernel = windows.kernel[0] * windows.kernel[1] * windows.kernel[2];
    T* to = columns + n * image + static_cast<long long>(c) * kernel * row + at.inner;
    const T* from = x + at.plane * windows.pixels.by;
    int depth = windows.size[0].by, height = windows.size[1].by, width = windows.size[2].by;
    int d0 = at.d * windows.stride[0].by - windows.low[0];
    int h0 = at.h * windows.stride[1].by - windows.low[1];
    int w0 = at.w * windows.stride[2].by - windows.low[2];
    for (int kd = 0; kd < windows.kernel[0]; kd++) {
        int d = d0 + kd * windows.dilation[0];
        for (int kh = 0; kh < windows.kernel[1]; kh++) {
            int h = h0 + kh * windows.dilation[1];
            bool inside = d >= 0 && d < depth && h >= 0 && h < height;
            for (int kw = 0; kw < windows.kernel[2]; kw++) {
                int w = w0 + kw * windows.dilation[2];
                *to = inside && w >= 0 && w < width ? from[(d * height + h) * width + w] : T(0);
                to += row;
            }
        }
    }
}

// One thread an element of x: it gathers from all windows that read it. A scatter would need atomics, whose sums come
// out in another order each time.
template <typename T>
__global__ void col2im(const T* __restrict__ columns, T* __restrict__ x, Windows windows, Divisor channels,
                       long long image, long long row, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.size, windows.pixels);
    int n = divide(at.plane, channels), c = at.plane - n * channels.by;
    int kernel = windows.kernel[0] * windows.kernel[1] * windows.kernel[2];
    const T* from = columns + n * image + static_cast<long long>(c) * kernel * row;
    T sum = 0;
    for (int kd = 0; kd < windows.kernel[0]; kd++) {
        int d = window_at(at.d, kd, windows, 0);
        for (int kh = 0; kh < windows.kernel[1]; kh++) {
            int h = window_at(at.h, kh, windows, 1);
            for (int kw = 0; kw < windows.kernel[2]; kw++) {
                int w = window_at(at.w, kw, windows, 2);
                if (d >= 0 && h >= 0 && w >= 0) sum += from[(d * windows.out[1].by + h) * windows.out[2].by + w];
                from += row;
            }
        }
    }
    x[i] = sum;
}

// y += one value a channel: what a convolution adds to the matrix product.
template <typename T, int V>
__global__ void add_bias(T* __restrict__ y, const T* __restrict__ bias, Divisor packs, Divisor channels, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    int plane = divide(i, packs), c = plane - divide(plane, channels) * channels.by;
    Pack<T, V> values = load<T, V>(y + static_cast<long long>(i) * V);
    for (int v = 0; v < V; v++) values.at[v] += bias[c];
    store<T, V>(y + static_cast<long long>(i) * V, values);
}
