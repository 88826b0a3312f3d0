#include "tile_blocking.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Sums of two taps, or blocks of channels, by two blocks of outputs.
typedef struct {
  const uint16_t *source[2];
  const uint16_t *gradient[2];
  float *filters[2][2];
} tile_quad;

TILES static inline __attribute__((always_inline)) void correlate_quad(
    const tile_quad *quad, int64_t source_stride, int64_t filter_stride, int64_t pixels, bool adds,
    const int taps) {
  const int64_t stride = filter_stride * (int64_t)sizeof(float);
  if (adds) {
    _tile_loadd(0, quad->filters[0][0], stride);
    _tile_loadd(1, quad->filters[0][1], stride);
    if (taps > 1) _tile_loadd(2, quad->filters[1][0], stride);
    if (taps > 1) _tile_loadd(3, quad->filters[1][1], stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const int64_t row = source_stride * (int64_t)sizeof(uint16_t);
  for (int64_t q = 0; q < pixels; q += tile_pixels) {
    _tile_loadd(6, quad->gradient[0] + q * tile_channels, 64);
    _tile_loadd(4, quad->source[0] + q, row);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, quad->gradient[1] + q * tile_channels, 64);
    _tile_dpbf16ps(1, 4, 7);
    if (taps > 1) {
      _tile_loadd(5, quad->source[1] + q, row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, quad->filters[0][0], stride);
  _tile_stored(1, quad->filters[0][1], stride);
  if (taps > 1) _tile_stored(2, quad->filters[1][0], stride);
  if (taps > 1) _tile_stored(3, quad->filters[1][1], stride);
}

// Sums of up to five taps, or blocks of channels, by a single block of outputs: so many that a sum
// is complete before it is added to again.
typedef struct {
  const uint16_t *source[5];
  const uint16_t *gradient;
  float *filters[5];
} tile_column;

TILES static inline __attribute__((always_inline)) void correlate_column(
    const tile_column *column, int64_t source_stride, int64_t filter_stride, int64_t pixels,
    bool adds, const int taps) {
  const int64_t stride = filter_stride * (int64_t)sizeof(float);
  if (adds) {
    _tile_loadd(0, column->filters[0], stride);
    if (taps > 1) _tile_loadd(1, column->filters[1], stride);
    if (taps > 2) _tile_loadd(2, column->filters[2], stride);
    if (taps > 3) _tile_loadd(3, column->filters[3], stride);
    if (taps > 4) _tile_loadd(4, column->filters[4], stride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
  }
  const int64_t row = source_stride * (int64_t)sizeof(uint16_t);
  for (int64_t q = 0; q < pixels; q += tile_pixels) {
    _tile_loadd(7, column->gradient + q * tile_channels, 64);
    _tile_loadd(5, column->source[0] + q, row);
    _tile_dpbf16ps(0, 5, 7);
    if (taps > 1) {
      _tile_loadd(6, column->source[1] + q, row);
      _tile_dpbf16ps(1, 6, 7);
    }
    if (taps > 2) {
      _tile_loadd(5, column->source[2] + q, row);
      _tile_dpbf16ps(2, 5, 7);
    }
    if (taps > 3) {
      _tile_loadd(6, column->source[3] + q, row);
      _tile_dpbf16ps(3, 6, 7);
    }
    if (taps > 4) {
      _tile_loadd(5, column->source[4] + q, row);
      _tile_dpbf16ps(4, 5, 7);
    }
  }
  _tile_stored(0, column->filters[0], stride);
  if (taps > 1) _tile_stored(1, column->filters[1], stride);
  if (taps > 2) _tile_stored(2, column->filters[2], stride);
  if (taps > 3) _tile_stored(3, column->filters[3], stride);
  if (taps > 4) _tile_stored(4, column->filters[4], stride);
}

// A unit is one tap of one block of channels, the taps of a block in a row.
static const uint16_t *unit_source(const tile_chunk *chunk, int64_t unit) {
  const tile_convolution *c = chunk->convolution;
  const tile_blocking *b = chunk->blocking;
  const int64_t taps = c->kernel_height * c->kernel_width, tap = unit % taps;
  const int64_t i = tap / c->kernel_width, j = tap % c->kernel_width;
  const int64_t plane = i % c->stride * c->stride + j % c->stride;
  return chunk->source + unit / taps * tile_channels * b->source_positions + plane * b->plane +
         i / c->stride * b->pitch + j / c->stride + chunk->first;
}

static float *unit_filters(const tile_chunk *chunk, int64_t unit, int64_t output) {
  const tile_convolution *c = chunk->convolution;
  const int64_t taps = c->kernel_height * c->kernel_width;
  return chunk->filters +
         (unit % taps * c->channels + unit / taps * tile_channels) * c->outputs + output;
}

static const uint16_t *block_gradient(const tile_chunk *chunk, int64_t output) {
  return chunk->gradient + output * chunk->blocking->gradient_positions +
         chunk->first * tile_channels;
}

TILES static void correlate_pair(const tile_chunk *chunk, int64_t units, int64_t k) {
  const int64_t positions = chunk->blocking->source_positions;
  const int64_t width = chunk->convolution->outputs;
  for (int64_t unit = 0; unit < units; unit += 2) {
    const int64_t other = unit + 1 < units ? unit + 1 : unit;
    const tile_quad quad = {
        .source = {unit_source(chunk, unit), unit_source(chunk, other)},
        .gradient = {block_gradient(chunk, k), block_gradient(chunk, k + tile_channels)},
        .filters =
            {{unit_filters(chunk, unit, k), unit_filters(chunk, unit, k + tile_channels)},
             {unit_filters(chunk, other, k), unit_filters(chunk, other, k + tile_channels)}},
    };
    if (other > unit)
      correlate_quad(&quad, positions, width, chunk->count, chunk->adds, 2);
    else
      correlate_quad(&quad, positions, width, chunk->count, chunk->adds, 1);
  }
}

TILES static void correlate_single(const tile_chunk *chunk, int64_t units, int64_t k) {
  const int64_t positions = chunk->blocking->source_positions;
  const int64_t width = chunk->convolution->outputs;
  for (int64_t unit = 0; unit < units; unit += 5) {
    const int64_t taps = least(5, units - unit);
    tile_column column = {.gradient = block_gradient(chunk, k)};
    for (int64_t t = 0; t < taps; t++) {
      column.source[t] = unit_source(chunk, unit + t);
      column.filters[t] = unit_filters(chunk, unit + t, k);
    }
    switch (taps) {
      case 5: correlate_column(&column, positions, width, chunk->count, chunk->adds, 5); break;
      case 4: correlate_column(&column, positions, width, chunk->count, chunk->adds, 4); break;
      case 3: correlate_column(&column, positions, width, chunk->count, chunk->adds, 3); break;
      case 2: correlate_column(&column, positions, width, chunk->count, chunk->adds, 2); break;
      default: correlate_column(&column, positions, width, chunk->count, chunk->adds, 1);
    }
  }
}

TILES void tile_gradient_add(const tile_chunk *chunk) {
  const tile_convolution *c = chunk->convolution;
  const int64_t units = c->kernel_height * c->kernel_width * (c->channels / tile_channels);
  for (int64_t k = 0; k < c->outputs; k += 2 * tile_channels)
    if (k + tile_channels < c->outputs)
      correlate_pair(chunk, units, k);
    else
      correlate_single(chunk, units, k);
}
#endif
