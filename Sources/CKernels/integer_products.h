// Products of rows of 16-bit integers with panels of weights, and what becomes of their sums.
#pragma once

#include <string.h>

#include "integer_layer.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang assume_nonnull begin

#define INTEGERS __attribute__((target("avx2,fma")))
#define INTEGERS_INLINE INTEGERS static inline __attribute__((always_inline))

// Rows and outputs whose sums fill the registers beside operands, and 16-bit and 32-bit integers of
// a vector.
enum { row_limit = 6, panel_outputs = 16, vector_words = 16, vector_sums = 8 };

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Sums the products of `count` rows, 1 to 6 and `stride` integers apart, with a panel of weights
// [pairs][16][2]. The sums are [count][16] and begin with `start` [16].
void integer_products_sum(
    const int16_t *rows, int64_t stride, const int16_t *weights, int64_t pairs, int64_t count,
    const int32_t *start, int32_t *sums);

// What the sums are finished by: arrays of whole panels.
typedef struct {
  const float *bias, *scales;
} integer_finish;

static inline size_t number_bytes(integer_layer_number number) {
  return number == INTEGER_LAYER_F32 ? sizeof(float) : 1;
}

// How sixteen outputs come from their sums. It is a copy, so that the compiler need not read it
// again after each pixel that is written.
typedef struct {
  __m256 bias[2], scales[2], residual_scale;
  integer_layer_number residual, destination;
  result_bounds bounds, sum_bounds;
  bool adds_to_destination, applies_relu;
} finish_rule;

INTEGERS_INLINE finish_rule rule_of(
    const integer_layer *layer, const integer_finish *finish, int64_t output) {
  const float *bias = finish->bias + output, *scales = finish->scales + output;
  return (finish_rule){
      .bias = {_mm256_load_ps(bias), _mm256_load_ps(bias + vector_sums)},
      .scales = {_mm256_load_ps(scales), _mm256_load_ps(scales + vector_sums)},
      .residual_scale = _mm256_set1_ps(layer->residual_scale),
      .residual = layer->residual,
      .destination = layer->destination,
      .bounds = layer->bounds,
      .sum_bounds = layer->sum_bounds,
      .adds_to_destination = layer->adds_to_destination,
      .applies_relu = layer->applies_relu,
  };
}

INTEGERS_INLINE __m256 clipped(__m256 numbers, result_bounds bounds) {
  if (!bounds.applies) return numbers;
  return _mm256_min_ps(
      _mm256_set1_ps(bounds.upper), _mm256_max_ps(_mm256_set1_ps(bounds.lower), numbers));
}

// Eight numbers in single precision.
INTEGERS_INLINE __m256 read_numbers(const char *numbers, integer_layer_number number) {
  if (number == INTEGER_LAYER_F32) return _mm256_loadu_ps((const float *)numbers);
  const __m128i bytes = _mm_loadl_epi64((const __m128i *)numbers);
  return _mm256_cvtepi32_ps(
      number == INTEGER_LAYER_U8 ? _mm256_cvtepu8_epi32(bytes) : _mm256_cvtepi8_epi32(bytes));
}

// The first or second eight outputs of a pixel.
INTEGERS_INLINE __m256 finished(
    const finish_rule *rule, __m256i sums, const int half, const char *destination) {
  __m256 result = _mm256_add_ps(_mm256_cvtepi32_ps(sums), rule->bias[half]);
  result = clipped(_mm256_mul_ps(result, rule->scales[half]), rule->bounds);
  if (rule->adds_to_destination)
    result = _mm256_fmadd_ps(
        read_numbers(destination, rule->residual), rule->residual_scale, result);
  // NaN stays, in the clips too: of two numbers that cannot be compared this takes the second.
  if (rule->applies_relu) result = _mm256_max_ps(_mm256_setzero_ps(), result);
  return clipped(result, rule->sum_bounds);
}

INTEGERS_INLINE __m256i rounded(__m256 numbers) {
  // Beyond the integers there are, the conversion gives the least.
  return _mm256_cvtps_epi32(_mm256_min_ps(numbers, _mm256_set1_ps(255)));
}

// Writes sixteen outputs of a pixel from their sums.
INTEGERS_INLINE void finish_panel(
    const finish_rule *rule, __m256i low_sums, __m256i high_sums, char *destination) {
  const __m256 low = finished(rule, low_sums, 0, destination);
  const __m256 high =
      finished(rule, high_sums, 1, destination + vector_sums * number_bytes(rule->residual));
  if (rule->destination == INTEGER_LAYER_F32) {
    _mm256_storeu_ps((float *)destination, low);
    _mm256_storeu_ps((float *)destination + vector_sums, high);
    return;
  }
  const __m256i mixed = _mm256_packs_epi32(rounded(low), rounded(high));
  const __m256i words = _mm256_permute4x64_epi64(mixed, 0xd8);
  const __m128i first = _mm256_castsi256_si128(words);
  const __m128i second = _mm256_extracti128_si256(words, 1);
  _mm_storeu_si128(
      (__m128i *)destination, rule->destination == INTEGER_LAYER_U8
                                  ? _mm_packus_epi16(first, second)
                                  : _mm_packs_epi16(first, second));
}

// Both ways of computing a layer; `integer_layer.h` says what each of them does.
size_t integer_direct_weight_byte_count(const integer_layer *layer, const int8_t *weights);
void integer_direct_pack(const integer_layer *layer, const int8_t *weights, char *packed);
size_t integer_direct_scratch_byte_count(const integer_layer *layer);
void integer_direct_run(
    const integer_layer *layer, const uint8_t *source, const char *packed,
    const integer_finish *finish, char *destination, char *scratch);

size_t integer_winograd_weight_byte_count(const integer_layer *layer);
void integer_winograd_pack(const integer_layer *layer, const int8_t *weights, int16_t *packed);
size_t integer_winograd_scratch_byte_count(const integer_layer *layer);
void integer_winograd_run(
    const integer_layer *layer, const uint8_t *source, const int16_t *packed,
    const integer_finish *finish, char *destination, char *scratch);

// libgomp's entry to a parallel region, as in winograd.c.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

static inline void run_share(void (*share)(void *), void *work, int threads) {
  if (threads == 1)
    share(work);
  else
    GOMP_parallel(share, work, (unsigned)threads, 0);
}

#pragma clang assume_nonnull end
#endif
