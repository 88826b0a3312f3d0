// What the sources of the kernels on tiles share.
#pragma once

#include <stdint.h>

#if defined(__x86_64__)
#define TILES                                                                              \
  __attribute__((                                                                          \
      target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,amx-int8")))

// Makes all eight tiles 16 rows of 64 bytes; `_tile_release` frees them.
void tiles_configure(void);

// Makes rows of the tiles 4 and 5 so many bytes, which the tiles 6 and 7 have a fourth of as rows,
// and all else as above.
void tiles_configure_depth(int64_t bytes);

// Zeros at the end of a line that are those at the beginning of the next as well.
int64_t tiles_shared_zeros(
    int64_t stride, int64_t input, int64_t output, int64_t kernel, int64_t before);

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t whole(int64_t count, int64_t unit) {
  return (count + unit - 1) / unit * unit;
}
#endif
