// Batch norm: sums over each channel of (N, C, P), and what is done with them.
//
// A channel's N·P values are split into parts, a block each, so that few channels keep the whole device busy; a second,
// small kernel joins the parts. Where a channel is one part, its block writes the result itself. Packs of V values lie
// within a plane: V divides P.

// The values seen so far: how many, their mean, and the sum of their squared distances from it.
template <typename T>
struct Moments {
    T count, mean, squares;
};

// Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance" (1983), equation 2.1.
template <typename T>
__device__ Moments<T> join_moments(Moments<T> a, Moments<T> b) {
    T count = a.count + b.count;
    if (count == 0) return a;
    T apart = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * a.count * share};
}

// Mean and variance of each channel in one pass: grid (C, parts). Each thread sums distances from the first value it
// meets, which is as far from the mean as the values are from each other: nothing cancels.
template <typename T, int V>
__global__ void channel_moments(const T* __restrict__ x, T* __restrict__ mean, T* __restrict__ squares, Divisor packs,
                                int channels, int count, int part) {
    int c = blockIdx.x, begin = blockIdx.y * part, end = count - begin < part ? count : begin + part;
    T first = 0, sum = 0, square = 0;
    int seen = 0;
    for (int j = begin + threadIdx.x; j < end; j += blockDim.x) {
        int n = divide(j, packs), p = j - n * packs.by;
        Pack<T, V> values = load<T, V>(x + ((static_cast<long long>(n) * channels + c) * packs.by + p) * V);
        if (seen == 0) first = values.at[0];
        for (int v = 0; v < V; v++) {
            T far = values.at[v] - first;
            sum += far;
            square += far * far;
        }
        seen += V;
    }
    Moments<T> mine = {T(seen), T(0), T(0)};
    if (seen > 0) {
        mine.mean = first + sum / seen;
        mine.squares = square - sum * (sum / seen);
    }
    mine = team_join(mine, blockDim.x, [](Moments<T> a, Moments<T> b) { return join_moments(a, b); });
    if (threadIdx.x == 0) {
        int to = blockIdx.y * channels + c;
        mean[to] = mine.mean;
        squares[to] = gridDim.y == 1 ? mine.squares / mine.count : mine.squares;
    }
}

// Join the parts (parts, C) of each channel: a block a channel. `count` and `part` are in values.
template <typename T>
__global__ void channel_moments_join(const T* __restrict__ means, const T* __restrict__ squares,
                                     T* __restrict__ mean, T* __restrict__ variance, int channels, long long count,
                                     long long part, int parts) {
    int c = blockIdx.x;
    Moments<T> mine = {T(0), T(0), T(0)};
    for (int s = threadIdx.x; s < parts; s += blockDim.x) {
        long long left = count - s * part;
        Moments<T> next = {T(left < part ? left : part), means[s * channels + c], squares[s * channels + c]};
        mine = join_moments(mine, next);
    }
    mine = team_join(mine, blockDim.x, [](Moments<T> a, Moments<T> b) { return join_moments(a, b); });
    if (threadIdx.x == 0) {
        mean[c] = mine.mean;
        variance[c] = mine.squares / mine.count;
    }
}

// Two sums that are taken together.
template <typename T>
struct Sums {
    T plain, product;
};

// Sum each channel of g, and of g·x̂ with x̂ = (x − mean) · scale where x is given: grid (C, parts).
// Written as (parts, 2, C), or (parts, C) without x.
template <typename T, int V>
__global__ void channel_sums(const T* __restrict__ g, const T* __restrict__ x, const T* __restrict__ mean,
                             const T* __restrict__ scale, T* __restrict__ out, Divisor packs, int channels, int count,
                             int part) {
    int c = blockIdx.x, begin = blockIdx.y * part, end = count - begin < part ? count : begin + part;
    T centre = x ? mean[c] : T(0), factor = x ? scale[c] : T(0);
    Sums<T> mine = {T(0), T(0)};
    for (int j = begin + threadIdx.x; j < end; j += blockDim.x) {
        int n = divide(j, packs), p = j - n * packs.by;
        long long from = ((static_cast<long long>(n) * channels + c) * packs.by + p) * V;
        Pack<T, V> values = load<T, V>(g + from);
        for (int v = 0; v < V; v++) mine.plain += values.at[v];
        if (x) {
            Pack<T, V> others = load<T, V>(x + from);
            for (int v = 0; v < V; v++) mine.product += values.at[v] * ((others.at[v] - centre) * factor);
        }
    }
    mine = team_join(mine, blockDim.x, [](Sums<T> a, Sums<T> b) {
        return Sums<T>{a.plain + b.plain, a.product + b.product};
    });
    if (threadIdx.x == 0) {
        out[blockIdx.y * (x ? 2 : 1) * channels + c] = mine.plain;
        if (x) out[(blockIdx.y * 2 + 1) * channels + c] = mine.product;
    }
}

// Sum the first axis of (parts, outputs): a block an output.
template <typename T>
__global__ void sum_parts(const T* __restrict__ parts, T* __restrict__ out, int count, int outputs) {
    T sum = 0;
    for (int s = threadIdx.x; s < count; s += blockDim.x) sum += parts[s * outputs + blockIdx.x];
    sum = team_sum(sum, blockDim.x);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

// y = (x − mean) · scale · weight + bias, each a value a channel; weight and bias may be missing.
template <typename T, int V>
__global__ void normalize_channels(const T* __restrict__ x, const T* __restrict__ mean, const T* __restrict__ scale,
                                   const T* __restrict__ weight, const T* __restrict__ bias, T* __restrict__ y,
                                   Divisor packs, Divisor channels, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    int plane = divide(i, packs), c = plane - divide(plane, channels) * channels.by;
    T centre = mean[c], factor = weight ? scale[c] * weight[c] : scale[c], shift = bias ? bias[c] : T(0);
    Pack<T, V> values = load<T, V>(x + static_cast<long long>(i) * V);
    for (int v = 0; v < V; v++) values.at[v] = (values.at[v] - centre) * factor + shift;
    store<T, V>(y + static_cast<long long>(i) * V, values);
}

// dx = γ · scale · (g − Σg / count − x̂ · Σ(g·x̂) / count).
template <typename T, int V>
__global__ void batch_norm_dx(const T* __restrict__ g, const T* __restrict__ x, const T* __restrict__ mean,
                              const T* __restrict__ scale, const T* __restrict__ weight, const T* __restrict__ sums,
                              T* __restrict__ dx, Divisor packs, Divisor channels, T count, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    int plane = divide(i, packs), c = plane - divide(plane, channels) * channels.by;
    T centre = mean[c], factor = scale[c];
    T along = sums[channels.by + c] / count, level = sums[c] / count, gain = weight ? factor * weight[c] : factor;
    Pack<T, V> grads = load<T, V>(g + static_cast<long long>(i) * V);
    Pack<T, V> values = load<T, V>(x + static_cast<long long>(i) * V);
    for (int v = 0; v < V; v++) {
        T normal = (values.at[v] - centre) * factor;
        values.at[v] = (grads.at[v] - normal * along - level) * gain;
    }
    store<T, V>(dx + static_cast<long long>(i) * V, values);
}
