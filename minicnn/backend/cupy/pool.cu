// Pooling: one thread an output place forward; backward one thread an element of x, which gathers, so there are no
// atomics and the sums have one order.

// The maximum of each window, and its offset in the window: of equal ones the first; of NaN, which wins, the last. A
// window of -inf alone names its first element that is not padding before the image.
template <typename T, typename I>
__global__ void max_pool(const T* __restrict__ x, T* __restrict__ y, I* __restrict__ index, Windows windows,
                         T lowest, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.out, windows.places);
    const T* from = x + at.plane * windows.pixels.by;
    int start[3] = {at.d * windows.stride[0].by - windows.low[0], at.h * windows.stride[1].by - windows.low[1],
                    at.w * windows.stride[2].by - windows.low[2]};
    int best = 0;
    for (int dim = 0; dim < 3; dim++) {
        int dilation = windows.dilation[dim], last = windows.kernel[dim] - 1;
        int first = start[dim] < 0 ? (dilation - 1 - start[dim]) / dilation : 0;
        best = best * windows.kernel[dim] + (first < last ? first : last);
    }
    T most = lowest;
    int k = 0;
    for (int kd = 0; kd < windows.kernel[0]; kd++) {
        int d = start[0] + kd * windows.dilation[0];
        for (int kh = 0; kh < windows.kernel[1]; kh++) {
            int h = start[1] + kh * windows.dilation[1];
            bool inside = d >= 0 && d < windows.size[0].by && h >= 0 && h < windows.size[1].by;
            for (int kw = 0; kw < windows.kernel[2]; kw++, k++) {
                int w = start[2] + kw * windows.dilation[2];
                if (!inside || w < 0 || w >= windows.size[2].by) continue;
                T value = from[(d * windows.size[1].by + h) * windows.size[2].by + w];
                if (value > most || value != value) {  // nothing is larger than NaN but a later NaN
                    most = value;
                    best = k;
                }
            }
        }
    }
    y[i] = most;
    index[i] = static_cast<I>(best);
}

template <typename T, typename I>
__global__ void max_pool_grad(const T* __restrict__ grad, const I* __restrict__ index, T* __restrict__ dx,
                              Windows windows, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.size, windows.pixels);
    int plane = at.plane * windows.places.by, k = 0;
    T sum = 0;
    for (int kd = 0; kd < windows.kernel[0]; kd++) {
        int d = window_at(at.d, kd, windows, 0);
        for (int kh = 0; kh < windows.kernel[1]; kh++) {
            int h = window_at(at.h, kh, windows, 1);
            for (int kw = 0; kw < windows.kernel[2]; kw++, k++) {
                int w = window_at(at.w, kw, windows, 2);
                if (d < 0 || h < 0 || w < 0) continue;
                int place = plane + (d * windows.out[1].by + h) * windows.out[2].by + w;
                if (index[place] == k) sum += grad[place];
            }
        }
    }
    dx[i] = sum;
}

// The sum of each window, zeros around.
template <typename T>
__global__ void sum_pool(const T* __restrict__ x, T* __restrict__ y, Windows windows, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.out, windows.places);
    const T* from = x + at.plane * windows.pixels.by;
    int d0 = at.d * windows.stride[0].by - windows.low[0];
    int h0 = at.h * windows.stride[1].by - windows.low[1];
    int w0 = at.w * windows.stride[2].by - windows.low[2];
    T sum = 0;
    for (int d = d0; d < d0 + windows.kernel[0]; d++) {
        for (int h = h0; h < h0 + windows.kernel[1]; h++) {
            bool inside = d >= 0 && d < windows.size[0].by && h >= 0 && h < windows.size[1].by;
            for (int w = w0; w < w0 + windows.kernel[2]; w++)
                if (inside && w >= 0 && w < windows.size[2].by)
                    sum += from[(d * windows.size[1].by + h) * windows.size[2].by + w];
        }
    }
    y[i] = sum;
}

template <typename T>
__global__ void sum_pool_grad(const T* __restrict__ grad, T* __restrict__ dx, Windows windows, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    Place at = place_of(i, windows.size, windows.pixels);
    const T* from = grad + at.plane * windows.places.by;
    T sum = 0;
    for (int kd = 0; kd < windows.kernel[0]; kd++) {
        int d = window_at(at.d, kd, windows, 0);
        for (int kh = 0; kh < windows.kernel[1]; kh++) {
            int h = window_at(at.h, kh, windows, 1);
            for (int kw = 0; kw < windows.kernel[2]; kw++) {
                int w = window_at(at.w, kw, windows, 2);
                if (d >= 0 && h >= 0 && w >= 0) sum += from[(d * windows.out[1].by + h) * windows.out[2].by + w];
            }
        }
    }
    dx[i] = sum;
}
