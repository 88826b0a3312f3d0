// Winograd's filtering on integers by products of AVX-512 that are summed at once (VNNI).
#define VECTOR 64
#include "integer_winograd.h"

#if defined(__x86_64__)
// Panels of a whole group.
enum { group_panels = 4 };

// Sums the products of `count` rows, 1 to 6, with so many panels that lie together:
// [count][panels][16], rows of products a whole group apart.
INTEGERS_INLINE void sum(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t weight_stride,
    int64_t pairs, int32_t *products, const int count, const int panels) {
  __m512i sums[row_limit][group_panels];
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++)
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++) sums[r][p] = _mm512_setzero_si512();
  // Two pointers and one distance reach all rows.
  const int64_t distance = stride * (int64_t)sizeof *rows;
  const char *first_rows = (const char *)rows, *last_rows = first_rows + 3 * distance;
#pragma clang loop unroll(disable)
  for (; pairs > 0; pairs--, weights += weight_stride) {
    __m512i panel[group_panels];
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++)
      panel[p] = _mm512_load_si512(weights + p * 2 * panel_outputs);
#pragma clang loop unroll(full)
    for (int r = 0; r < count; r++) {
      int32_t pair;
      memcpy(&pair, (r < 3 ? first_rows : last_rows) + r % 3 * distance, sizeof pair);
      const __m512i both = _mm512_set1_epi32(pair);
      // As written: the compiler takes the intrinsic apart into a product and a sum.
#pragma clang loop unroll(full)
      for (int p = 0; p < panels; p++)
        __asm__("vpdpwssd %2, %1, %0" : "+v"(sums[r][p]) : "v"(both), "v"(panel[p]));
    }
    first_rows += sizeof(int32_t);
    last_rows += sizeof(int32_t);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++)
#pragma clang loop unroll(full)
    for (int p = 0; p < panels; p++)
      _mm512_store_si512(products + (r * group_panels + p) * panel_outputs, sums[r][p]);
}

INTEGERS_INLINE void multiply_panels(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t weight_stride,
    int64_t pairs, int64_t count, int32_t *products, const int panels) {
#define ROWS(count) sum(rows, stride, weights, weight_stride, pairs, products, count, panels)
  switch (count) {
    case 6: ROWS(6); break;
    case 5: ROWS(5); break;
    case 4: ROWS(4); break;
    case 3: ROWS(3); break;
    case 2: ROWS(2); break;
    default: ROWS(1);
  }
#undef ROWS
}

// A group that is not whole is computed by single panels.
INTEGERS static void multiply(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t width, int64_t pairs,
    int64_t count, int32_t *products) {
  if (width == group_panels * panel_outputs) {
    multiply_panels(
        rows, stride, weights, 2 * width, pairs, count, products, group_panels);
    return;
  }
  for (int64_t k = 0; k < width; k += panel_outputs)
    multiply_panels(
        rows, stride, weights + 2 * k, 2 * width, pairs, count, products + k, 1);
}

#define PART integer_winograd_part_vnni
#include "integer_winograd_part.h"
#endif
