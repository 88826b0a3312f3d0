// Direct convolution: what a window of the image sees is a row of bytes, and rows are multiplied
// with panels of weights, in one of two ways.
#pragma once

#include "integer_products.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

typedef struct {
  int64_t positions, block, blocks;
  // Bytes of a row: whole vectors of them, once they are 16-bit integers.
  int64_t depth;
  int64_t panels;
  // Whether rows are copied together, or lie in the source as they are needed.
  bool copies;
} direct_division;

// Reads the weights of a panel for so many bytes of a row from a place on, [count][16]; zero for
// outputs and places beyond the last.
void integer_direct_read(
    const integer_layer *layer, const int8_t *weights, int64_t panel, int64_t place,
    int64_t count, int8_t (*read)[panel_outputs]);

// Products of bytes whose sums fit 16 bits.

// Steps and bytes of packed weights, and the time that they take relative to weights of which none
// is large.
typedef struct {
  int64_t step_count;
  size_t byte_count;
  double relative_time;
} integer_bytes_measure;

integer_bytes_measure integer_bytes_measured(
    const integer_layer *layer, const direct_division *division, const int8_t *weights);
void integer_bytes_pack(
    const integer_layer *layer, const direct_division *division, const int8_t *weights,
    int64_t step_count, char *packed);

// Sums the products of some rows, at most `bytes_rows`, with a panel of weights: [count][16]. They
// begin with `start` [16].
enum { bytes_rows = 5 };
void integer_bytes_sum(
    const direct_division *division, const char *packed, int64_t panel, const uint8_t *rows,
    int64_t count, const int32_t *start, int32_t *sums);

#pragma clang assume_nonnull end
#endif
