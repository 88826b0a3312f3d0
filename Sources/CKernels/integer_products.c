#include "integer_products.h"

#if defined(__x86_64__)
INTEGERS_INLINE void sum(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t pairs,
    const int32_t *start, int32_t *sums, const int count) {
  __m256i low[row_limit], high[row_limit];
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    low[r] = _mm256_load_si256((const __m256i *)start);
    high[r] = _mm256_load_si256((const __m256i *)start + 1);
  }
  // Two pointers and one distance reach all rows, so that no register is missing.
  const int64_t distance = stride * (int64_t)sizeof *rows;
  const char *first_rows = (const char *)rows, *last_rows = first_rows + 3 * distance;
#pragma clang loop unroll(disable)
  for (; pairs > 0; pairs--, weights += 2 * vector_words) {
    const __m256i first = _mm256_load_si256((const __m256i *)weights);
    const __m256i second = _mm256_load_si256((const __m256i *)(weights + vector_words));
#pragma clang loop unroll(full)
    for (int r = 0; r < count; r++) {
      int32_t pair;
      memcpy(&pair, (r < 3 ? first_rows : last_rows) + r % 3 * distance, sizeof pair);
      const __m256i both = _mm256_set1_epi32(pair);
      low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(both, first));
      high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(both, second));
    }
    first_rows += sizeof(int32_t);
    last_rows += sizeof(int32_t);
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    _mm256_store_si256((__m256i *)(sums + r * panel_outputs), low[r]);
    _mm256_store_si256((__m256i *)(sums + r * panel_outputs + vector_sums), high[r]);
  }
}

INTEGERS void integer_products_sum(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t pairs, int64_t count,
    const int32_t *start, int32_t *sums) {
  switch (count) {
    case 6: sum(rows, stride, weights, pairs, start, sums, 6); break;
    case 5: sum(rows, stride, weights, pairs, start, sums, 5); break;
    case 4: sum(rows, stride, weights, pairs, start, sums, 4); break;
    case 3: sum(rows, stride, weights, pairs, start, sums, 3); break;
    case 2: sum(rows, stride, weights, pairs, start, sums, 2); break;
    default: sum(rows, stride, weights, pairs, start, sums, 1);
  }
}
#endif
