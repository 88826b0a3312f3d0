#include "tile_products.h"

#if defined(__x86_64__)
#include <immintrin.h>

TILES static inline __attribute__((always_inline)) void multiply(
    const int quarter, const tile_number number) {
  // Numbers of tiles are part of the instructions.
#define PRODUCT(sums, source, weights)                               \
  switch (number) {                                                  \
    case TILE_BF16: _tile_dpbf16ps(sums, source, weights); break;    \
    case TILE_U8: _tile_dpbusd(sums, source, weights); break;        \
    case TILE_S8: _tile_dpbssd(sums, source, weights); break;        \
  }
  switch (quarter) {
    case 0: PRODUCT(0, 4, 6) break;
    case 1: PRODUCT(1, 4, 7) break;
    case 2: PRODUCT(2, 5, 6) break;
    default: PRODUCT(3, 5, 7)
  }
#undef PRODUCT
}

// Sums up to two tiles of positions by up to two of outputs.
TILES static inline __attribute__((always_inline)) void sum(
    const tile_products *p, const char *source, const char *weights, int32_t *sums,
    const int rows, const int columns, const tile_number number) {
  const tile_division *d = p->division;
  const int64_t pixel = d->pixel;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t first = 0; first < pixel; first += chunk_bytes) {
    const int64_t end = least(pixel, first + chunk_bytes);
    for (int64_t tap = 0; tap < d->tap_count; tap++) {
      const char *read = source + p->offsets[tap];
      for (int64_t at = first; at < end; at += tile_row) {
        _tile_loadd(6, weights, tile_row);
        _tile_loadd(4, read + at, pixel);
        multiply(0, number);
        if (columns > 1) {
          _tile_loadd(7, weights + weight_tile, tile_row);
          multiply(1, number);
        }
        if (rows > 1) {
          _tile_loadd(5, read + tile_positions * pixel + at, pixel);
          multiply(2, number);
          if (columns > 1) multiply(3, number);
        }
        weights += columns * weight_tile;
      }
    }
  }
  const int64_t row = panel_outputs * (int64_t)sizeof *sums;
  int32_t *second = sums + tile_positions * panel_outputs;
  _tile_stored(0, sums, row);
  if (columns > 1) _tile_stored(1, sums + tile_outputs, row);
  if (rows > 1) _tile_stored(2, second, row);
  if (rows > 1 && columns > 1) _tile_stored(3, second + tile_outputs, row);
}

TILES static void sum_block(
    const tile_products *p, const char *source, const char *weights, int32_t *sums, int rows,
    int columns) {
#define SUM(number)                                              \
  if (rows > 1 && columns > 1)                                   \
    sum(p, source, weights, sums, 2, 2, number);                 \
  else if (rows > 1)                                             \
    sum(p, source, weights, sums, 2, 1, number);                 \
  else if (columns > 1)                                          \
    sum(p, source, weights, sums, 1, 2, number);                 \
  else                                                           \
    sum(p, source, weights, sums, 1, 1, number);
  switch (p->layer->source) {
    case TILE_BF16: SUM(TILE_BF16) break;
    case TILE_U8: SUM(TILE_U8) break;
    case TILE_S8: SUM(TILE_S8) break;
  }
#undef SUM
}

// Sixteen numbers of a pixel in single precision.
TILES static inline __attribute__((always_inline)) __m512 read(
    const char *numbers, tile_number number) {
  if (number == TILE_BF16) {
    const __m256i halves = _mm256_loadu_si256((const __m256i *)numbers);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
  }
  const __m128i bytes = _mm_loadu_si128((const __m128i *)numbers);
  return _mm512_cvtepi32_ps(
      number == TILE_U8 ? _mm512_cvtepu8_epi32(bytes) : _mm512_cvtepi8_epi32(bytes));
}

// How sixteen outputs come from their sums. It is a copy, so that the compiler need not read it
// again after each pixel that is written.
typedef struct {
  __m512 bias, scale, residual_scale;
  tile_number residual, destination;
  result_bounds bounds, sum_bounds;
  bool adds_to_destination, applies_relu;
} finish_rule;

TILES static inline __attribute__((always_inline)) finish_rule rule_of(
    const tile_products *p, int64_t output) {
  const tile_layer *layer = p->layer;
  return (finish_rule){
      _mm512_loadu_ps(p->bias + output), _mm512_loadu_ps(p->scales + output),
      _mm512_set1_ps(layer->residual_scale), layer->residual, layer->destination,
      layer->bounds, layer->sum_bounds, layer->adds_to_destination, layer->applies_relu};
}

// NaN stays: of two numbers that cannot be compared both operations take the second.
TILES static inline __attribute__((always_inline)) __m512 clipped(
    __m512 numbers, result_bounds bounds) {
  if (!bounds.applies) return numbers;
  return _mm512_min_ps(
      _mm512_set1_ps(bounds.upper), _mm512_max_ps(_mm512_set1_ps(bounds.lower), numbers));
}

TILES static inline __attribute__((always_inline)) __m512 finished(
    const finish_rule *rule, const int32_t *sums, const char *destination, const bool is_bf16) {
  __m512 result;
  if (is_bf16) {
    result = _mm512_add_ps(_mm512_loadu_ps(sums), rule->bias);
    result = clipped(result, rule->bounds);
    if (rule->adds_to_destination) result = _mm512_add_ps(result, read(destination, TILE_BF16));
  } else {
    result = _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)), rule->bias);
    result = clipped(_mm512_mul_ps(result, rule->scale), rule->bounds);
    if (rule->adds_to_destination)
      result =
          _mm512_fmadd_ps(read(destination, rule->residual), rule->residual_scale, result);
  }
  // NaN stays: of two numbers that cannot be compared this takes the second.
  if (rule->applies_relu) result = _mm512_max_ps(_mm512_setzero_ps(), result);
  return clipped(result, rule->sum_bounds);
}

TILES static inline __attribute__((always_inline)) __m128i rounded_bytes(
    __m512 numbers, tile_number number) {
  // Beyond the integers there are, the conversion gives the least.
  const __m512i integers = _mm512_cvtps_epi32(_mm512_min_ps(numbers, _mm512_set1_ps(255)));
  return number == TILE_U8
             ? _mm512_cvtusepi32_epi8(_mm512_max_epi32(integers, _mm512_setzero_si512()))
             : _mm512_cvtsepi32_epi8(integers);
}

// Writes the outputs of pixels that lie in a row.
TILES static inline __attribute__((always_inline)) void finish_pixels(
    const tile_products *p, const int32_t *sums, int64_t output, char *destination, int64_t count,
    const int columns, const bool is_bf16) {
  const int64_t half = tile_outputs * (is_bf16 ? 2 : 1);
  const int64_t pixel = p->layer->convolution.outputs * (is_bf16 ? 2 : 1);
  const finish_rule first = rule_of(p, output);
  const finish_rule second = columns > 1 ? rule_of(p, output + tile_outputs) : first;
  for (int64_t i = 0; i < count; i++) {
    const __m512 low = finished(&first, sums, destination, is_bf16);
    if (columns > 1) {
      const __m512 high = finished(&second, sums + tile_outputs, destination + half, is_bf16);
      if (is_bf16)
        _mm512_storeu_si512(destination, (__m512i)_mm512_cvtne2ps_pbh(high, low));
      else
        _mm256_storeu_si256(
            (__m256i *)destination, _mm256_set_m128i(
                                        rounded_bytes(high, second.destination),
                                        rounded_bytes(low, first.destination)));
    } else if (is_bf16) {
      _mm256_storeu_si256((__m256i *)destination, (__m256i)_mm512_cvtneps_pbh(low));
    } else {
      _mm_storeu_si128((__m128i *)destination, rounded_bytes(low, first.destination));
    }
    sums += panel_outputs;
    destination += pixel;
  }
}

// Writes the outputs of those positions that have any.
TILES static inline __attribute__((always_inline)) void finish(
    const tile_products *p, const int32_t *sums, int64_t output, int64_t position, int64_t count,
    const int columns, const bool is_bf16) {
  const tile_division *d = p->division;
  const int64_t outputs = p->layer->convolution.outputs;
  const int64_t bytes = number_bytes(p->layer->destination);
  int64_t column = position % d->pitch;
  int64_t line = position / d->pitch % d->lines, image = position / d->pitch / d->lines;
  while (count > 0) {
    const int64_t run = least(count, d->pitch - column);
    if (line < d->output_lines) {
      const int64_t pixel = (image * d->output_lines + line) * d->output_columns + column;
      finish_pixels(
          p, sums, output, p->destination + (pixel * outputs + output) * bytes,
          least(run, d->output_columns - column), columns, is_bf16);
    }
    sums += run * panel_outputs;
    count -= run;
    column = 0;
    if (++line == d->lines) line = 0, image++;
  }
}

TILES void tile_products_run(
    const tile_products *p, int64_t position, int64_t panel, int32_t *sums) {
  const tile_division *d = p->division;
  const bool is_bf16 = p->layer->destination == TILE_BF16;
  const int64_t output = panel * panel_outputs;
  const int columns = output + tile_outputs < p->layer->convolution.outputs ? 2 : 1;
  const char *weights = p->weights + output * d->tap_count * d->pixel;
  const int64_t left = p->positions - position;
  const int rows = left > tile_positions ? 2 : 1;
  // Nothing may be read past a source that was not copied: a last block begins earlier, with
  // positions that are finished already.
  const int64_t over = rows * tile_positions - left, done = !d->copies && over > 0 ? over : 0;
  sum_block(p, p->source + (position - done) * d->pixel, weights, sums, rows, columns);
  sums += done * panel_outputs;
  const int64_t count = least(left, rows * tile_positions);
  if (columns > 1 && is_bf16)
    finish(p, sums, output, position, count, 2, true);
  else if (columns > 1)
    finish(p, sums, output, position, count, 2, false);
  else
    finish(p, sums, output, position, count, 1, is_bf16);
}
#endif
