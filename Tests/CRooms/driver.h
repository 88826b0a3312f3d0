// Functions that the drivers of the C rooms share.
//
// A driver calls a room on given inputs and prints what comes of it. scripts/check-aarch64 runs it
// compiled for this machine and, under qemu, for aarch64; compare.c holds both outputs against each
// other, line by line:
//
//   baseline.jpg 1/2: 0 3f2e…       the same on both
//   ~sums 1e-06 0.25 -1.5 …         numbers that may differ by that part of the largest
//   # gemm:ref                      a note, which may differ
#pragma once

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ends the driver with a sentence unless the condition holds.
#define require(condition, ...) \
  do { \
    if (!(condition)) fail(__FILE__, __LINE__, __VA_ARGS__); \
  } while (0)

__attribute__((noreturn, format(printf, 3, 4))) static inline void fail(
    const char *file, int line, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fflush(stdout);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

// Memory at the alignment of a cache line, full of a pattern that is not zero: what is in memory
// before must not matter.
static inline void *memory_of(size_t byte_count) {
  void *memory = NULL;
  require(posix_memalign(&memory, 64, byte_count + 64) == 0, "no memory");
  memset(memory, 0x5A, byte_count + 64);
  return memory;
}

typedef struct {
  uint8_t *bytes;
  size_t byte_count;
} contents;

// Reads a file into a block of exactly its size.
static inline contents read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  require(file && fseek(file, 0, SEEK_END) == 0, "cannot open %s", path);
  const long length = ftell(file);
  require(length >= 0 && fseek(file, 0, SEEK_SET) == 0, "cannot read %s", path);
  contents read = {.bytes = malloc((size_t)length + !length), .byte_count = (size_t)length};
  require(read.bytes, "no memory for %s", path);
  require(fread(read.bytes, 1, read.byte_count, file) == read.byte_count, "cannot read %s", path);
  fclose(file);
  return read;
}

static inline const char *name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

enum { no_bytes_digest = 0 };

// FNV-1a in 64 bits (RFC 9923), continued from the digest of what came before.
static inline uint64_t digest(uint64_t before, const void *bytes, size_t byte_count) {
  uint64_t value = before == no_bytes_digest ? 0xCBF29CE484222325 : before;
  for (size_t index = 0; index < byte_count; index++)
    value = (value ^ ((const uint8_t *)bytes)[index]) * 0x100000001B3;
  return value;
}

// Returns numbers that are the same everywhere, by Marsaglia's xorshift64.
static inline uint64_t next_bits(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

// Fills in numbers from -1 to 1, each exact in fp32.
static inline void fill_numbers(uint64_t seed, float *numbers, size_t count) {
  uint64_t state = seed * 0x9E3779B97F4A7C15 + 1;
  for (size_t index = 0; index < count; index++)
    numbers[index] = (float)(int64_t)(next_bits(&state) >> 40) / (1 << 23) - 1;
}

static inline float *numbers_of(uint64_t seed, size_t count) {
  float *numbers = memory_of(count * sizeof *numbers);
  fill_numbers(seed, numbers, count);
  return numbers;
}

static inline void print_numbers(
    const char *name, double tolerance, const float *numbers, size_t count) {
  printf("~%s %g", name, tolerance);
  for (size_t index = 0; index < count; index++) printf(" %.9g", (double)numbers[index]);
  putchar('\n');
}

// Requires numbers to be those of a computation in double precision, but for that part of the
// largest, and prints them.
static inline void expect_numbers(
    const char *name, double tolerance, const float *numbers, const double *expected,
    size_t count) {
  double largest = 0;
  for (size_t index = 0; index < count; index++) largest = fmax(largest, fabs(expected[index]));
  require(largest > 0, "%s: everything expected is zero", name);
  for (size_t index = 0; index < count; index++)
    require(
        fabs((double)numbers[index] - expected[index]) <= tolerance * largest,
        "%s: number %zu is %.9g, not %.9g", name, index, (double)numbers[index], expected[index]);
  print_numbers(name, tolerance, numbers, count);
}
