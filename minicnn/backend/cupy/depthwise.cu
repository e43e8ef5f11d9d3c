// Convolution with a group a channel, directly: as a matrix product it would be thousands of products of one row, of
// columns that are K times the image. Each channel c has `each` kernels; weight (O, K) with O = C · each.

// y: one thread an output place.
template <typename T>
__global__ void depthwise(const T* __restrict__ x, const T* __restrict__ weight, const T* __restrict__ bias,
                          T* __restrict__ y, Windows windows, Divisor outputs, Divisor each, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.out, windows.places);
    int n = divide(at.plane, outputs), o = at.plane - n * outputs.by;
    const T* from = x + divide(at.plane, each) * windows.pixels.by;  // plane (n, o) reads plane (n, o / each)
    const T* factors = weight + o * windows.kernel[0] * windows.kernel[1] * windows.kernel[2];
    T sum = 0;
    for (int kd = 0; kd < windows.kernel[0]; kd++) {
        int d = at.d * windows.stride[0].by - windows.low[0] + kd * windows.dilation[0];
        for (int kh = 0; kh < windows.kernel[1]; kh++) {
            int h = at.h * windows.stride[1].by - windows.low[1] + kh * windows.dilation[1];
            bool inside = d >= 0 && d < windows.size[0].by && h >= 0 && h < windows.size[1].by;
            for (int kw = 0; kw < windows.kernel[2]; kw++, factors++) {
                int w = at.w * windows.stride[2].by - windows.low[2] + kw * windows.dilation[2];
                if (inside && w >= 0 && w < windows.size[2].by)
                    sum += *factors * from[(d * windows.size[1].by + h) * windows.size[2].by + w];
            }
        }
    }
    y[i] = bias ? sum + bias[o] : sum;
}

// dx: one thread an element of x; it gathers from all windows of its channel's kernels that read it.
template <typename T>
__global__ void depthwise_dx(const T* __restrict__ grad, const T* __restrict__ weight, T* __restrict__ dx,
                             Windows windows, Divisor channels, int each, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.size, windows.pixels);
    int n = divide(at.plane, channels), c = at.plane - n * channels.by;
    const T* factors = weight + c * each * windows.kernel[0] * windows.kernel[1] * windows.kernel[2];
    const T* from = grad + at.plane * each * windows.places.by;
    T sum = 0;
    for (int j = 0; j < each; j++, from += windows.places.by) {
        for (int kd = 0; kd < windows.kernel[0]; kd++) {
            int d = window_at(at.d, kd, windows, 0);
            for (int kh = 0; kh < windows.kernel[1]; kh++) {
                int h = window_at(at.h, kh, windows, 1);
                for (int kw = 0; kw < windows.kernel[2]; kw++, factors++) {
                    int w = window_at(at.w, kw, windows, 2);
                    if (d >= 0 && h >= 0 && w >= 0)
                        sum += *factors * from[(d * windows.out[1].by + h) * windows.out[2].by + w];
                }
            }
        }
    }
    dx[i] = sum;
}

// Parts of dw, (parts, O · K): grid (O · K, parts), a block for a part of the N·P places that one weight is used at.
template <typename T>
__global__ void depthwise_dw(const T* __restrict__ grad, const T* __restrict__ x, T* __restrict__ out,
                             Windows windows, int outputs, int each, int count, int part) {
    int kernel = windows.kernel[0] * windows.kernel[1] * windows.kernel[2];
    int o = blockIdx.x / kernel, k = blockIdx.x - o * kernel, row = k / windows.kernel[2];
    int kw = k - row * windows.kernel[2], kd = row / windows.kernel[1], kh = row - kd * windows.kernel[1];
    int begin = blockIdx.y * part, end = count - begin < part ? count : begin + part;
    T sum = 0;
    for (int j = begin + threadIdx.x; j < end; j += blockDim.x) {
        Place at = place_of(j, windows.out, windows.places);  // its plane is the image
        int d = at.d * windows.stride[0].by - windows.low[0] + kd * windows.dilation[0];
        int h = at.h * windows.stride[1].by - windows.low[1] + kh * windows.dilation[1];
        int w = at.w * windows.stride[2].by - windows.low[2] + kw * windows.dilation[2];
        if (d < 0 || d >= windows.size[0].by || h < 0 || h >= windows.size[1].by || w < 0 || w >= windows.size[2].by)
            continue;
        int plane = at.plane * outputs + o;
        T value = x[plane / each * windows.pixels.by + (d * windows.size[1].by + h) * windows.size[2].by + w];
        sum += grad[plane * windows.places.by + at.inner] * value;
    }
    sum = team_sum(sum, blockDim.x);
    if (threadIdx.x == 0) out[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}
