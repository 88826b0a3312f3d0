// Winograd's filtering on integers by products and sums of AVX2.
#include "integer_winograd.h"

#if defined(__x86_64__)
// What sums of products begin with.
static const _Alignas(32) int32_t zeros[panel_outputs];

// A group is one panel.
static void multiply(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t width, int64_t pairs,
    int64_t count, int32_t *products) {
  (void)width;
  integer_products_sum(rows, stride, weights, pairs, count, zeros, products);
}

#define PART integer_winograd_part_avx2
#include "integer_winograd_part.h"
#endif
