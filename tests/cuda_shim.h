// CUDA's words for C++: kernels run on the CPU, one block after another, its threads taking turns at each barrier.
//
// A thread runs until it ends or meets __syncthreads; then the next one runs. So a barrier that is missing shows: the
// threads before it have not written yet. Threads that end while others wait are an error, as on a device. `turned`
// runs the threads of a block in the opposite order: a result that depends on it is a race.
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__
#define __align__(n) __attribute__((aligned(n)))

struct Dim3 {
    unsigned x, y, z;
};
static Dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int ROOM = 1 << 17;
alignas(16) unsigned char memory[ROOM];  // shared memory, which kernels declare as extern

using std::exp;
using std::fabs;
using std::log;
using std::sqrt;
static inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<std::uint64_t>(a) * b >> 32; }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return static_cast<unsigned long long>(static_cast<unsigned __int128>(a) * b >> 64);
}

namespace shim {
struct Fiber {  // what threads run on, one after another, until one of them has to wait
    ucontext_t place;
    std::vector<char> stack = std::vector<char>(1 << 16);
    unsigned thread = 0;
};
static std::function<void()> kernel;
static ucontext_t scheduler;
static Fiber* running;
static std::vector<Fiber*> idle, waiting;
static unsigned started, ended, total;
static bool turned;

static void work() {
    while (started < total) {
        unsigned next = started++;
        running->thread = threadIdx.x = turned ? total - 1 - next : next;
        kernel();
        ended++;
    }
    idle.push_back(running);
    swapcontext(&running->place, &scheduler);
}

static void go(Fiber* fiber) {
    running = fiber;
    threadIdx.x = fiber->thread;
    swapcontext(&scheduler, &fiber->place);
}

static void begin() {
    if (idle.empty()) idle.push_back(new Fiber);
    Fiber* fiber = idle.back();
    idle.pop_back();
    getcontext(&fiber->place);
    fiber->place.uc_stack.ss_sp = fiber->stack.data();
    fiber->place.uc_stack.ss_size = fiber->stack.size();
    fiber->place.uc_link = nullptr;
    makecontext(&fiber->place, work, 0);
    go(fiber);
}

// Run a grid; return what went wrong, or nullptr.
static const char* run(const unsigned* grid, unsigned threads, unsigned shared, bool order) {
    const char* wrong = nullptr;
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {threads, 1, 1};
    total = threads;
    turned = order;
    if (shared > ROOM - 64) return "more shared memory than the shim has";
    for (unsigned z = 0; z < grid[2]; z++)
        for (unsigned y = 0; y < grid[1]; y++)
            for (unsigned x = 0; x < grid[0]; x++) {
                blockIdx = {x, y, z};
                std::memset(memory, 0xFF, shared + 64);  // NaN, and a fence behind it
                started = ended = 0;
                while (started < total) begin();
                while (!waiting.empty()) {
                    if (ended) wrong = "threads of a block ended while others wait at a barrier";
                    std::vector<Fiber*> now;
                    now.swap(waiting);
                    for (Fiber* fiber : now) go(fiber);
                }
                for (unsigned i = shared; i < shared + 64; i++)
                    if (memory[i] != 0xFF) wrong = "a write past the block's shared memory";
            }
    return wrong;
}

template <typename T>
const char* letter() {
    if constexpr (std::is_same_v<T, float>) return "f";
    if constexpr (std::is_same_v<T, double>) return "d";
    if constexpr (std::is_same_v<T, int>) return "i";
    if constexpr (std::is_same_v<T, long long>) return "q";
    if constexpr (std::is_same_v<T, unsigned long long>) return "Q";
    if constexpr (std::is_same_v<T, unsigned char>) return "B";
    if constexpr (std::is_same_v<T, bool>) return "?";
    return "V";
}

// What an argument is: "*f" a float array that is written, "*f const" one that is read, "i" an int, "V12" a struct.
template <typename A>
std::string kind() {
    if constexpr (std::is_pointer_v<A>) {
        using T = std::remove_pointer_t<A>;
        return std::string("*") + letter<std::remove_const_t<T>>() + (std::is_const_v<T> ? " const" : "");
    }
    std::string name = letter<A>();
    return name == "V" ? name + std::to_string(sizeof(A)) : name;
}

template <typename... A>
std::string signature(void (*)(A...)) {
    std::string all;
    ((all += kind<A>() + ","), ...);
    return all;
}

template <typename... A, std::size_t... I>
const char* launch(void (*function)(A...), void** args, const unsigned* grid, unsigned threads, unsigned shared,
                   bool order, std::index_sequence<I...>) {
    std::tuple<A...> values = {*static_cast<A*>(args[I])...};
    kernel = [=] { std::apply(function, values); };
    return run(grid, threads, shared, order);
}

template <typename... A>
const char* launch(void (*function)(A...), void** args, const unsigned* grid, unsigned threads, unsigned shared,
                   bool order) {
    return launch(function, args, grid, threads, shared, order, std::index_sequence_for<A...>());
}
}  // namespace shim

static inline void __syncthreads() {
    shim::Fiber* me = shim::running;
    shim::waiting.push_back(me);
    swapcontext(&me->place, &shim::scheduler);
    threadIdx.x = me->thread;
}
