// Rows of results, compiled for each instruction set by the file that includes maximum_part.h.
#pragma once

#include "maximum_pooling.h"

#pragma clang assume_nonnull begin

static inline int64_t maximum_byte_count(maximum_number number) {
  return number == MAXIMUM_FP32 ? 4 : number == MAXIMUM_BF16 ? 2 : 1;
}

// Computes the rows of results of all images from the first one to before the last one.
typedef void maximum_rows(
    const maximum_pooling *pooling, const uint8_t *source, uint8_t *destination, int64_t first,
    int64_t last);

maximum_rows maximum_rows_portable, maximum_rows_avx2, maximum_rows_avx512;

#pragma clang assume_nonnull end
