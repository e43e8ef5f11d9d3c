// Rows of (R, L), contiguous: softmax, cross entropy, layer norm. A team of `width` threads, a power of two, has a row;
// rows are short enough to be read again from the cache. No thread returns early: all take part in team_join.

struct Row {
    int row, lane;
    bool there;  // the last block may have more teams than rows are left
};

__device__ inline Row row_of(int rows, int width) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / width;
    return {row, static_cast<int>(threadIdx.x) & (width - 1), row < rows};
}

// The largest element of a row, and the logarithm of Σ exp(x − largest).
template <typename T>
struct Peak {
    T largest, log_sum;
};

template <typename T>
__device__ Peak<T> peak_of(const T* x, const Row& at, int length, int width, T lowest) {
    T largest = lowest, sum = 0;
    for (int j = at.lane; at.there && j < length; j += width) largest = larger(x[j], largest);
    largest = team_max(largest, width);
    for (int j = at.lane; at.there && j < length; j += width) sum += exp(x[j] - largest);
    return {largest, log(team_sum(sum, width))};
}

template <typename T>
__global__ void softmax(const T* __restrict__ x, T* __restrict__ y, int rows, int length, int width, T lowest) {
    Row at = row_of(rows, width);
    const T* from = x + static_cast<long long>(at.row) * length;
    T* to = y + static_cast<long long>(at.row) * length;
    T largest = lowest, sum = 0;
    for (int j = at.lane; at.there && j < length; j += width) largest = larger(from[j], largest);
    largest = team_max(largest, width);
    for (int j = at.lane; at.there && j < length; j += width) sum += exp(from[j] - largest);
    sum = team_sum(sum, width);
    for (int j = at.lane; at.there && j < length; j += width) to[j] = exp(from[j] - largest) / sum;
}

// dx = y · (g − Σ g·y).
template <typename T>
__global__ void softmax_grad(const T* __restrict__ g, const T* __restrict__ y, T* __restrict__ dx, int rows,
                             int length, int width) {
    Row at = row_of(rows, width);
    long long begin = static_cast<long long>(at.row) * length;
    T sum = 0;
    for (int j = at.lane; at.there && j < length; j += width) sum += g[begin + j] * y[begin + j];
    sum = team_sum(sum, width);
    for (int j = at.lane; at.there && j < length; j += width)
        dx[begin + j] = y[begin + j] * (g[begin + j] - sum);
}

template <typename T>
__global__ void log_softmax(const T* __restrict__ x, T* __restrict__ y, int rows, int length, int width, T lowest) {
    Row at = row_of(rows, width);
    long long begin = static_cast<long long>(at.row) * length;
    Peak<T> peak = peak_of(x + begin, at, length, width, lowest);
    for (int j = at.lane; at.there && j < length; j += width)
        y[begin + j] = (x[begin + j] - peak.largest) - peak.log_sum;
}

// dx = g − exp(y) · Σ g.
template <typename T>
__global__ void log_softmax_grad(const T* __restrict__ g, const T* __restrict__ y, T* __restrict__ dx, int rows,
                                 int length, int width) {
    Row at = row_of(rows, width);
    long long begin = static_cast<long long>(at.row) * length;
    T sum = 0;
    for (int j = at.lane; at.there && j < length; j += width) sum += g[begin + j];
    sum = team_sum(sum, width);
    for (int j = at.lane; at.there && j < length; j += width) dx[begin + j] = g[begin + j] - exp(y[begin + j]) * sum;
}

// Of each row, log p = log softmax(x), what its class weighs (0 where it is not alive), and its loss
// (1 − s) · weight · (−log p[target]) + s/L · Σ w · (−log p). A class outside the row gives NaN, and reads nothing.
template <typename T>
__global__ void cross_entropy(const T* __restrict__ x, const long long* __restrict__ target,
                              const T* __restrict__ alive, const T* __restrict__ weight, T* __restrict__ log_p,
                              T* __restrict__ picked, T* __restrict__ loss, T smoothing, int rows, int length,
                              int width, T lowest) {
    Row at = row_of(rows, width);
    long long begin = static_cast<long long>(at.row) * length;
    Peak<T> peak = peak_of(x + begin, at, length, width, lowest);
    T spread = 0;
    for (int j = at.lane; at.there && j < length; j += width) {
        T value = (x[begin + j] - peak.largest) - peak.log_sum;
        log_p[begin + j] = value;
        spread += weight ? value * weight[j] : value;
    }
    spread = team_sum(spread, width);
    if (!at.there || at.lane != 0) return;
    long long t = target[at.row];
    T here = alive[at.row], weighs = here, total = 0;
    if (t < 0 || t >= length) {
        total = weighs = lowest - lowest;  // −∞ − (−∞)
    } else if (here != 0) {  // chosen, not multiplied by 0: an ignored row may hold −∞
        if (weight) weighs = here * weight[t];
        total = ((x[begin + t] - peak.largest) - peak.log_sum) * weighs * (smoothing - 1);
        if (smoothing != 0) total -= spread * (smoothing / length);
    } else if (weight) {
        weighs = here * weight[t];
    }
    picked[at.row] = weighs;
    loss[at.row] = total;
}

// dx[n, c] = p · (aₙ + bₙ · Σ w) − bₙ · w_c − aₙ · [c = tₙ], with aₙ = gₙ · pickedₙ · (1 − s), bₙ = gₙ · s/L of rows
// that are alive; `step` is 1 where there is a g for each row, and 0 where all share one.
template <typename T>
__global__ void cross_entropy_grad(const T* __restrict__ g, const long long* __restrict__ target,
                                   const T* __restrict__ alive, const T* __restrict__ weight,
                                   const T* __restrict__ log_p, const T* __restrict__ picked, T* __restrict__ dx,
                                   T smoothing, int step, int rows, int length, int width) {
    Row at = row_of(rows, width);
    T total = 0;
    for (int j = at.lane; j < length; j += width) total += weight ? weight[j] : T(1);
    total = team_sum(total, width);
    if (!at.there) return;
    long long begin = static_cast<long long>(at.row) * length;
    bool counts = alive[at.row] != 0;
    T grad = counts ? g[static_cast<long long>(at.row) * step] : T(0);
    T hit = counts ? grad * picked[at.row] * (1 - smoothing) : T(0);
    T spread = counts ? grad * alive[at.row] * (smoothing / length) : T(0);
    for (int j = at.lane; j < length; j += width) {
        T value = exp(log_p[begin + j]) * (hit + spread * total);
        if (smoothing != 0) value -= weight ? spread * weight[j] : spread;
        dx[begin + j] = j == target[at.row] ? value - hit : value;
    }
}

// y = x̂ · weight + bias with x̂ = (x − mean) · scale, scale = 1 / √(variance + eps); x̂ and scale are kept for
// the gradient.
template <typename T>
__global__ void layer_norm(const T* __restrict__ x, const T* __restrict__ weight, const T* __restrict__ bias,
                           T* __restrict__ y, T* __restrict__ normal, T* __restrict__ scale, T eps, int rows,
                           int length, int width) {
    Row at = row_of(rows, width);
    long long begin = static_cast<long long>(at.row) * length;
    T sum = 0, square = 0;
    for (int j = at.lane; at.there && j < length; j += width) sum += x[begin + j];
    T mean = team_sum(sum, width) / length;
    for (int j = at.lane; at.there && j < length; j += width) square += (x[begin + j] - mean) * (x[begin + j] - mean);
    T factor = 1 / sqrt(team_sum(square, width) / length + eps);
    for (int j = at.lane; at.there && j < length; j += width) {
        T value = (x[begin + j] - mean) * factor;
        normal[begin + j] = value;
        if (weight) value *= weight[j];
        y[begin + j] = bias ? value + bias[j] : value;
    }
    if (at.there && at.lane == 0) scale[at.row] = factor;
}

// dx = scale · (γg − mean(γg) − x̂ · mean(γg · x̂)).
template <typename T>
__global__ void layer_norm_dx(const T* __restrict__ g, const T* __restrict__ weight, const T* __restrict__ normal,
                              const T* __restrict__ scale, T* __restrict__ dx, int rows, int length, int width) {
    Row at = row_of(rows, width);
    long long begin = static_cast<long long>(at.row) * length;
    T sum = 0, product = 0;
    for (int j = at.lane; at.there && j < length; j += width) {
        T value = weight ? g[begin + j] * weight[j] : g[begin + j];
        sum += value;
        product += value * normal[begin + j];
    }
    T level = team_sum(sum, width) / length, along = team_sum(product, width) / length;
    for (int j = at.lane; at.there && j < length; j += width) {
        T value = weight ? g[begin + j] * weight[j] : g[begin + j];
        dx[begin + j] = (value - level - normal[begin + j] * along) * scale[at.row];
    }
}

// Sum the columns of g, and of g · x where x is given: grid (⌈L / width⌉, parts), teams of `width` threads side by side
// read a row together, and each of the block's teams takes every so many rows. Written as (parts, 2, L), or (parts, L).
template <typename T>
__global__ void column_sums(const T* __restrict__ g, const T* __restrict__ x, T* __restrict__ out, int rows,
                            int length, int width, int part) {
    extern __shared__ __align__(16) unsigned char memory[];
    T* held = reinterpret_cast<T*>(memory);
    int lane = threadIdx.x & (width - 1), team = threadIdx.x / width, teams = blockDim.x / width;
    int j = blockIdx.x * width + lane, begin = blockIdx.y * part;
    int end = rows - begin < part ? rows : begin + part;
    T plain = 0, product = 0;
    for (int i = begin + team; j < length && i < end; i += teams) {
        long long at = static_cast<long long>(i) * length + j;
        plain += g[at];
        if (x) product += g[at] * x[at];
    }
    held[threadIdx.x] = plain;
    held[blockDim.x + threadIdx.x] = product;
    __syncthreads();
    if (team != 0 || j >= length) return;
    plain = product = 0;
    for (int i = 0; i < teams; i++) {
        plain += held[i * width + lane];
        product += held[blockDim.x + i * width + lane];
    }
    out[static_cast<long long>(blockIdx.y) * (x ? 2 : 1) * length + j] = plain;
    if (x) out[(static_cast<long long>(blockIdx.y) * 2 + 1) * length + j] = product;
}
