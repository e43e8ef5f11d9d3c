// Optimizers' steps, each in one pass over flat memory: what is read and written is the parameters and their state, and
// nothing between. Total is in packs of V values.

// A number that the host knows at launch, or that stands on the device, where a captured step finds a new one.
template <typename T>
__device__ inline T number(T value, const T* place) {
    return place ? *place : value;
}

// g ← ±g + λ·p; m ← β₁·m + gain1·g; v ← β₂·v + gain2·g²; p ← shrink·p − rate · m / (√v · root + eps),
// with gain1 = 1 − β₁ and gain2 = 1 − β₂, whose digits a T would lose, rate = lr / (1 − β₁ᵗ) and root = 1 / √(1 − β₂ᵗ).
// With `largest`, the largest v so far takes v's place.
template <typename T, int V>
__global__ void adam(T* __restrict__ p, const T* __restrict__ grad, T* __restrict__ m, T* __restrict__ v,
                     T* __restrict__ largest, T sign, T decay, T beta1, T gain1, T beta2, T gain2, T eps,
                     T shrink_value, const T* shrink_place, T rate_value, const T* rate_place, T root_value,
                     const T* root_place, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    T shrink = number(shrink_value, shrink_place), rate = number(rate_value, rate_place);
    T root = number(root_value, root_place);
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
__global__ void sgd(T* __restrict__ p, const T* __restrict__ grad, T* __restrict__ momentum, T sign, T decay, T mu,
                    T gain, bool first, bool nesterov, T rate_value, const T* rate_place, int total) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= total) return;
    T rate = number(rate_value, rate_place);
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
