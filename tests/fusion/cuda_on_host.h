// What a kernel in CUDA C needs to run on a CPU: the 32 threads of a warp take turns, from one `__syncwarp` to the next.
#include <ucontext.h>

#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)
#define __align__(bytes) __attribute__((aligned(bytes)))

struct Number { unsigned x; };
static Number threadIdx, blockIdx;

template <class To, class From> static To bits(From x) { To y; std::memcpy(&y, &x, sizeof y); return y; }
static int __float_as_int(float x) { return bits<int>(x); }
static unsigned __float_as_uint(float x) { return bits<unsigned>(x); }
static float __int_as_float(int x) { return bits<float>(x); }
static float __uint_as_float(unsigned x) { return bits<float>(x); }
static long long __double_as_longlong(double x) { return bits<long long>(x); }
static double __longlong_as_double(long long x) { return bits<double>(x); }
static int __popc(unsigned x) { return __builtin_popcount(x); }
static int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static int __clz(unsigned x) { return x ? __builtin_clz(x) : 32; }
static int __clzll(unsigned long long x) { return x ? __builtin_clzll(x) : 64; }
// Newton's steps from a rough start; erf has the accuracy that they need.
static double erfinv(double x) {
  if (!(std::fabs(x) < 1)) return std::fabs(x) == 1 ? x * INFINITY : NAN;
  double w = std::log((1 - x) * (1 + x)), a = 2 / (M_PI * 0.147) + w / 2;
  double y = std::copysign(std::sqrt(std::sqrt(a * a - w / 0.147) - a), x);
  for (int k = 0; k < 6; ++k) y -= (std::erf(y) - x) / (2 / std::sqrt(M_PI) * std::exp(-y * y));
  return y;
}
static float erfinvf(float x) { return (float)erfinv(x); }

static std::vector<ucontext_t> fibers;
static std::vector<bool> running;
static ucontext_t home;
static unsigned current;

static void next_thread() {
  unsigned before = current;
  for (unsigned k = 1; k <= 32; ++k) {
    unsigned other = (before + k) % 32;
    if (!running[other]) continue;
    current = other;
    threadIdx.x = threadIdx.x / 32 * 32 + other;
    if (other != before) swapcontext(&fibers[before], &fibers[other]);
    return;
  }
  setcontext(&home);
}
static void __syncwarp() { next_thread(); }

template <class... A, std::size_t... I>
static void call(void (*kernel)(A...), void** parameters, std::index_sequence<I...>) {
  kernel(*(A*)parameters[I]...);
}
static void thread_main();
static void (*body)();

static void thread_main() {
  body();
  running[current] = false;
  next_thread();
}

static void run_blocks(unsigned blocks, unsigned threads, void (*function)()) {
  std::vector<std::vector<char>> stacks(32, std::vector<char>(1 << 20));
  fibers.resize(32);
  body = function;
  for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x)
    for (unsigned warp = 0; warp < threads / 32; ++warp) {
      running.assign(32, true);
      for (unsigned k = 0; k < 32; ++k) {
        getcontext(&fibers[k]);
        fibers[k].uc_stack.ss_sp = stacks[k].data();
        fibers[k].uc_stack.ss_size = stacks[k].size();
        fibers[k].uc_link = &home;
        makecontext(&fibers[k], thread_main, 0);
      }
      current = 0;
      threadIdx.x = warp * 32;
      swapcontext(&home, &fibers[0]);
    }
}
