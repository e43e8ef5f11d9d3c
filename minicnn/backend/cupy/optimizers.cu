// Optimizers' steps, each in one pass over flat memory: what is read and written is the parameters and their state, and
// nothing between. Total is in packs of V values.

// A number that the host knows at launch, or that stands on the device, where a captured step finds a new one.
template <typename T>
struct Number {
    T value;
    const T* place;
};

template <typename T>
__device__ inline T read(Number<T> number) {
    return number.place ? *number.place : number.value;
}

// g ← ±g + λ·p; m ← β₁·m + gain1·g; v ← β₂·v + gain2·g²; p ← shrink·p − rate · m / (√v · root + eps),
// with gain1 = 1 − β₁ and gain2 = 1 − β₂, whose digits a T would lose, rate = lr / (1 − β₁ᵗ) and root = 1 / √(1 − β₂ᵗ).
// With `largest`, the largest v so far takes v's place.
template <typename T, int V>
__global__ void adam(T* __restrict__ p, const T* __restrict__ grad, T* __restrict__ m, T* __restrict__ v,
                     T* __restrict__ largest, T sign, T decay, T eps, Number<T> beta1_, Number<T> gain1_,
                     Number<T> beta2_, Number<T> gain2_, Number<T> shrink_, Number<T> rate_, Number<T> root_,
                     int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    T beta1 = read(beta1_), gain1 = read(gain1_), beta2 = read(beta2_), gain2 = read(gain2_);
    T shrink = read(shrink_), rate = read(rate_), root = read(root_);
    long long at = static_cast<long long>(i) * V;
    Pack<T, V> weights = load<T, V>(p + at), means = load<T, V>(m + at), squares = load<T, V>(v + at);
    Pack<T, V> grads = load<T, V>(grad + at), most = squares;
    if (largest) most = load<T, V>(largest + at);
    for (int j = 0; j < V; j++) {
        T g = sign * grads.at[j] + decay * weights.at[j];
        means.at[j] = beta1 * means.at[j] + gain1 * g;
        squares.at[j] = beta2 * squares.at[j] + gain2 * (g * g);
        T second = squares.at[j];
        if (largest) second = most.at[j] = larger(most.at[j], second);
        weights.at[j] = shrink * weights.at[j] - rate * (means.at[j] / (sqrt(second) * root + eps));
    }
    store<T, V>(p + at, weights);
    store<T, V>(m + at, means);
    store<T, V>(v + at, squares);
    if (largest) store<T, V>(largest + at, most);
}

// g ← ±g + λ·p; b ← μ·b + gain·g, at first b = g; p ← p − lr · b, or with Nesterov's momentum p − lr · (g + μ·b).
// Without momentum there is no b.
template <typename T, int V>
__global__ void sgd(T* __restrict__ p, const T* __restrict__ grad, T* __restrict__ momentum, T sign, T decay, T gain,
                    bool first, bool nesterov, Number<T> mu_, Number<T> rate_, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    T mu = read(mu_), rate = read(rate_);
    long long at = static_cast<long long>(i) * V;
    Pack<T, V> weights = load<T, V>(p + at), grads = load<T, V>(grad + at), moving = grads;
    if (momentum && !first) moving = load<T, V>(momentum + at);
    for (int j = 0; j < V; j++) {
        T g = sign * grads.at[j] + decay * weights.at[j], step = g;
        if (momentum) {
            moving.at[j] = first ? g : mu * moving.at[j] + gain * g;
            step = nesterov ? g + mu * moving.at[j] : moving.at[j];
        }
        weights.at[j] -= rate * step;
    }
    store<T, V>(p + at, weights);
    if (momentum) store<T, V>(momentum + at, moving);
}
