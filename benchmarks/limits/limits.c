// What the cores and the memory of this machine can do, per kind of instruction: a line of name,
// threads, unit and figure for each of several turns, with tabs between.
//
// usage: limits THREADS TURNS
//
// Products are counted one by one (a fused product and sum is one), in billions a second, in loops
// that keep everything in registers. Memory is read from a block that no cache holds.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { accumulators = 12, steps = 8000000, reads = 4, turns_limit = 100, threads_limit = 256 };
static const size_t block_byte_count = 256 << 20;
static const int passes = 16;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// A loop of products whose operands and sums stay in registers; no compiler may leave any out.
#define PRODUCTS(name, instructions, vector, instruction)                                   \
  __attribute__((target(instructions))) static void name(void *memory) {                    \
    (void)memory;                                                                           \
    vector sums[accumulators], a, b;                                                        \
    memset(sums, 0, sizeof sums);                                                           \
    memset(&a, 0, sizeof a);                                                                \
    memset(&b, 0, sizeof b);                                                                \
    for (int64_t i = 0; i < steps; i++) {                                                   \
      _Pragma("clang loop unroll(full)") for (int k = 0; k < accumulators; k++)             \
          __asm__ volatile(instruction : "+v"(sums[k]) : "v"(a), "v"(b));                   \
    }                                                                                       \
  }

PRODUCTS(fma_avx2, "avx2,fma", __m256, "vfmadd231ps %2, %1, %0")
PRODUCTS(fma_avx512, "avx512f", __m512, "vfmadd231ps %2, %1, %0")
PRODUCTS(bf16_avx512, "avx512f,avx512bf16", __m512, "vdpbf16ps %2, %1, %0")
PRODUCTS(bytes_avx512, "avx512f,avx512vnni", __m512i, "vpdpbusd %2, %1, %0")
PRODUCTS(words_avx512, "avx512f,avx512vnni", __m512i, "vpdpwssd %2, %1, %0")
PRODUCTS(bytes_avx_vnni, "avx2,avxvnni", __m256i, "%{vex%} vpdpbusd %2, %1, %0")

// Without VNNI a product of bytes takes three instructions, of 16-bit integers two.
#define SUMS(name, first, second)                                                           \
  __attribute__((target("avx2"))) static void name(void *memory) {                          \
    (void)memory;                                                                           \
    __m256i sums[accumulators], a = _mm256_setzero_si256(), b = a, ones = a;                \
    memset(sums, 0, sizeof sums);                                                           \
    for (int64_t i = 0; i < steps; i++) {                                                   \
      _Pragma("clang loop unroll(full)") for (int k = 0; k < accumulators; k++) {           \
        __m256i product;                                                                    \
        __asm__ volatile(first : "=x"(product) : "x"(a), "x"(b));                           \
        second                                                                              \
        __asm__ volatile("vpaddd %1, %0, %0" : "+x"(sums[k]) : "x"(product));               \
      }                                                                                     \
    }                                                                                       \
    (void)ones;                                                                             \
  }

SUMS(bytes_avx2, "vpmaddubsw %2, %1, %0",
     __asm__ volatile("vpmaddwd %1, %0, %0" : "+x"(product) : "x"(ones));)
SUMS(words_avx2, "vpmaddwd %2, %1, %0", )

// Tiles of AMX: 16 rows of 64 bytes.
typedef struct {
  uint8_t palette, start, reserved[14];
  uint16_t columns[16];
  uint8_t rows[16];
} tile_configuration;

static bool may_use_tiles(void) {
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

#define TILES(name, instruction)                                                            \
  __attribute__((target("amx-tile,amx-int8,amx-bf16"))) static void name(void *memory) {    \
    (void)memory;                                                                           \
    tile_configuration configuration = {.palette = 1};                                      \
    for (int i = 0; i < 8; i++) configuration.columns[i] = 64, configuration.rows[i] = 16;  \
    _tile_loadconfig(&configuration);                                                       \
    for (int64_t i = 0; i < steps / 16; i++)                                                \
      __asm__ volatile(                                                                     \
          instruction " %%tmm5, %%tmm4, %%tmm0\n" instruction " %%tmm5, %%tmm4, %%tmm1\n"   \
          instruction " %%tmm5, %%tmm4, %%tmm2\n" instruction " %%tmm5, %%tmm4, %%tmm3\n" ::); \
    _tile_release();                                                                        \
  }

TILES(bytes_amx, "tdpbusd")
TILES(bf16_amx, "tdpbf16ps")

__attribute__((target("avx2"))) static void read_memory(void *memory) {
  const __m256i *end = (const __m256i *)memory + block_byte_count / sizeof *end;
  __m256i sum = _mm256_setzero_si256();
  for (int pass = 0; pass < passes; pass++)
    for (const __m256i *block = memory; block < end; block += reads)
      for (int k = 0; k < reads; k++) sum = _mm256_or_si256(sum, block[k]);
  __asm__ volatile("" ::"x"(sum));
}

typedef struct {
  const char *name, *unit;
  // Whether the CPU has the instructions, and this process may use them.
  bool present;
  void (*run)(void *memory);
  double count;
} limit;

typedef struct {
  const limit *limit;
  void *memory;
  pthread_barrier_t *barrier;
  int index;
  double begin, end;
} share;

// Keeps a thread on a core of its own, of those that the process may use.
static void keep_on_core(int index) {
  cpu_set_t allowed, own;
  if (sched_getaffinity(0, sizeof allowed, &allowed)) return;
  CPU_ZERO(&own);
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &allowed) && index-- == 0) CPU_SET(cpu, &own);
  if (CPU_COUNT(&own)) pthread_setaffinity_np(pthread_self(), sizeof own, &own);
}

static void *run_share(void *data) {
  share *s = data;
  keep_on_core(s->index);
  pthread_barrier_wait(s->barrier);
  s->begin = now();
  s->limit->run(s->memory);
  s->end = now();
  return NULL;
}

// From the first that begins to the last that ends.
static double elapsed(const limit *limit, int threads, void *const *memory) {
  pthread_barrier_t barrier;
  pthread_t ids[threads_limit];
  share shares[threads_limit];
  pthread_barrier_init(&barrier, NULL, (unsigned)threads);
  for (int i = 0; i < threads; i++) {
    shares[i] = (share){limit, memory[i], &barrier, i, 0, 0};
    if (pthread_create(&ids[i], NULL, run_share, &shares[i])) exit(1);
  }
  double begin = 1e300, end = 0;
  for (int i = 0; i < threads; i++) {
    pthread_join(ids[i], NULL);
    if (shares[i].begin < begin) begin = shares[i].begin;
    if (shares[i].end > end) end = shares[i].end;
  }
  pthread_barrier_destroy(&barrier);
  return end - begin;
}

int main(int argc, char **argv) {
  const int threads = argc > 2 ? atoi(argv[1]) : 0, turns = argc > 2 ? atoi(argv[2]) : 0;
  if (threads < 1 || threads > threads_limit || turns < 1 || turns > turns_limit) {
    fprintf(stderr, "usage: limits THREADS TURNS, up to %d and %d\n", threads_limit, turns_limit);
    return 2;
  }
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512bw");
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  const bool amx = __builtin_cpu_supports("amx-int8") && may_use_tiles();
  const double products = (double)accumulators * steps, tiles = (double)(steps / 16) * 4;
  const limit limits[] = {
      {"fp32 avx2", "G/s", avx2, fma_avx2, products * 8},
      {"fp32 avx512", "G/s", avx512, fma_avx512, products * 16},
      {"bf16 avx512", "G/s", __builtin_cpu_supports("avx512bf16"), bf16_avx512, products * 32},
      {"bf16 amx", "G/s", amx, bf16_amx, tiles * 16 * 16 * 32},
      {"int16 avx2", "G/s", avx2, words_avx2, products * 16},
      {"int16 avx512_vnni", "G/s", vnni, words_avx512, products * 32},
      {"int8 avx2", "G/s", avx2, bytes_avx2, products * 32},
      {"int8 avx_vnni", "G/s", __builtin_cpu_supports("avxvnni"), bytes_avx_vnni, products * 32},
      {"int8 avx512_vnni", "G/s", vnni, bytes_avx512, products * 64},
      {"int8 amx", "G/s", amx, bytes_amx, tiles * 16 * 16 * 64},
      {"memory read", "GB/s", avx2, read_memory, (double)block_byte_count * passes},
  };
  void *memory[threads_limit];
  for (int i = 0; i < threads; i++) {
    memory[i] = aligned_alloc(4096, block_byte_count);
    if (!memory[i]) {
      fprintf(stderr, "limits: no memory for %d blocks of 256 MB\n", threads);
      return 1;
    }
    memset(memory[i], 1, block_byte_count);
  }
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    if (!limits[i].present) continue;
    for (int turn = 0; turn < turns; turn++)
      printf("%s\t%d\t%s\t%.4g\n", limits[i].name, threads, limits[i].unit,
             threads * limits[i].count / elapsed(&limits[i], threads, memory) / 1e9);
    fflush(stdout);
  }
}
