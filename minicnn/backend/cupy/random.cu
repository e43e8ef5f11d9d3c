// Uniform numbers by Philox4x64-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011), table 2.
// A thread enciphers its place in the stream, so threads need nothing of one another.

// out[8·i ...] = the eight float32 numbers of block state[1] + i + 1 under the key state[0]: ⌊half word / 2⁸⌋ · 2⁻²⁴,
// the low half of a word first.
__global__ void philox(const unsigned long long* __restrict__ state, float* __restrict__ out, long long total) {
    long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i * 8 >= total) return;
    unsigned long long word[4] = {state[1] + i + 1, 0, 0, 0}, key[2] = {state[0], 0};
    for (int round = 0; round < 10; round++) {
        unsigned long long high0 = __umul64hi(0xD2E7470EE14C6C93ULL, word[0]), low0 = 0xD2E7470EE14C6C93ULL * word[0];
        unsigned long long high1 = __umul64hi(0xCA5A826395121157ULL, word[2]), low1 = 0xCA5A826395121157ULL * word[2];
        word[0] = high1 ^ word[1] ^ key[0];
        word[1] = low1;
        word[2] = high0 ^ word[3] ^ key[1];
        word[3] = low0;
        key[0] += 0x9E3779B97F4A7C15ULL;
        key[1] += 0xBB67AE8584CAA73BULL;
    }
    for (int j = 0; j < 8 && i * 8 + j < total; j++) {
        unsigned half = static_cast<unsigned>(word[j / 2] >> (j % 2 * 32));
        out[i * 8 + j] = static_cast<float>(half >> 8) * (1.0f / 16777216.0f);
    }
}
