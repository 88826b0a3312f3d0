// What becomes of sums: bias, scale, residual sum, ReLU, clips and rounding.
#pragma once

#include "integer_vectors.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

// What the sums are finished by: arrays of whole panels.
typedef struct {
  const float *bias, *scales;
} integer_finish;

static inline size_t number_bytes(integer_layer_number number) {
  return number == INTEGER_LAYER_F32 ? sizeof(float) : 1;
}

// Vectors of a panel's sums.
enum { panel_vectors = panel_outputs / vector_sums };

// How a panel's outputs come from their sums. It is a copy, so that the compiler need not read it
// again after each pixel that is written.
typedef struct {
  number_vector bias[panel_vectors], scales[panel_vectors], residual_scale;
  integer_layer_number residual, destination;
  result_bounds bounds, sum_bounds;
  bool adds_to_destination, applies_relu;
} finish_rule;

INTEGERS_INLINE finish_rule rule_of(
    const integer_layer *layer, const integer_finish *finish, int64_t output) {
  finish_rule rule = {
      .residual_scale = SIMD(set1_ps)(layer->residual_scale),
      .residual = layer->residual,
      .destination = layer->destination,
      .bounds = layer->bounds,
      .sum_bounds = layer->sum_bounds,
      .adds_to_destination = layer->adds_to_destination,
      .applies_relu = layer->applies_relu,
  };
  for (int v = 0; v < panel_vectors; v++) {
    rule.bias[v] = *(const number_vector *)(finish->bias + output + v * vector_sums);
    rule.scales[v] = *(const number_vector *)(finish->scales + output + v * vector_sums);
  }
  return rule;
}

INTEGERS_INLINE number_vector clipped(number_vector x, result_bounds bounds) {
  if (!bounds.applies) return x;
  return SIMD(min_ps)(SIMD(set1_ps)(bounds.upper), SIMD(max_ps)(SIMD(set1_ps)(bounds.lower), x));
}

// As many numbers as a vector holds, in single precision.
INTEGERS_INLINE number_vector read_numbers(const char *from, integer_layer_number number) {
  if (number == INTEGER_LAYER_F32) return SIMD(loadu_ps)((const float *)from);
#if VECTOR == 64
  const __m128i bytes = _mm_loadu_si128((const __m128i *)from);
#else
  const __m128i bytes = _mm_loadl_epi64((const __m128i *)from);
#endif
  return SIMD(cvtepi32_ps)(
      number == INTEGER_LAYER_U8 ? SIMD(cvtepu8_epi32)(bytes) : SIMD(cvtepi8_epi32)(bytes));
}

// One vector of a panel's outputs, of which `destination` holds the residual.
INTEGERS_INLINE number_vector finished(
    const finish_rule *rule, sum_vector sum, const int index, const char *destination) {
  number_vector result = SIMD(cvtepi32_ps)((integer_vector)sum) + rule->bias[index];
  result = clipped(result * rule->scales[index], rule->bounds);
  if (rule->adds_to_destination)
    result = SIMD(fmadd_ps)(
        read_numbers(destination, rule->residual), rule->residual_scale, result);
  // NaN stays, in the clips too: of two numbers that cannot be compared this takes the second.
  if (rule->applies_relu) result = SIMD(max_ps)(SIMD(setzero_ps)(), result);
  return clipped(result, rule->sum_bounds);
}

INTEGERS_INLINE integer_vector rounded(number_vector x) {
  // Beyond the integers there are, the conversion gives the least.
  return SIMD(cvtps_epi32)(SIMD(min_ps)(x, SIMD(set1_ps)(255)));
}

// The bytes of sixteen rounded outputs.
INTEGERS_INLINE __m128i bytes_of(
    const number_vector *outputs, integer_layer_number number) {
#if VECTOR == 64
  const __m512i integers = rounded(outputs[0]);
  if (number == INTEGER_LAYER_S8) return _mm512_cvtsepi32_epi8(integers);
  return _mm512_cvtusepi32_epi8(_mm512_max_epi32(integers, _mm512_setzero_si512()));
#else
  const __m256i mixed = _mm256_packs_epi32(rounded(outputs[0]), rounded(outputs[1]));
  const __m256i ordered = _mm256_permute4x64_epi64(mixed, 0xd8);
  const __m128i first = _mm256_castsi256_si128(ordered);
  const __m128i second = _mm256_extracti128_si256(ordered, 1);
  return number == INTEGER_LAYER_U8 ? _mm_packus_epi16(first, second)
                                    : _mm_packs_epi16(first, second);
#endif
}

// Writes a panel's outputs at a pixel from their sums.
INTEGERS_INLINE void finish_panel(
    const finish_rule *rule, const sum_vector *panel, char *destination) {
  number_vector outputs[panel_vectors];
  const size_t residual_byte_count = vector_sums * number_bytes(rule->residual);
  for (int v = 0; v < panel_vectors; v++)
    outputs[v] = finished(rule, panel[v], v, destination + (size_t)v * residual_byte_count);
  if (rule->destination == INTEGER_LAYER_F32)
    for (int v = 0; v < panel_vectors; v++)
      SIMD(storeu_ps)((float *)destination + v * vector_sums, outputs[v]);
  else
    _mm_storeu_si128((__m128i *)destination, bytes_of(outputs, rule->destination));
}

#pragma clang assume_nonnull end
#endif
