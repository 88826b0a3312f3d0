#include "tile_lines.h"

#include <math.h>
#include <string.h>

#include "tile_numbers.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Outputs that are computed together, at a tile of positions in a line.
enum { group_outputs = 4 * tile_outputs };
// Positions that are finished after each tap's products, of the tile before: so few that the tiles
// multiply meanwhile.
enum { finished_positions = 2 };

// libgomp's team, as in winograd.c.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

static int64_t pixel_bytes(const tile_layer *layer) {
  return layer->convolution.channels * number_bytes(layer->source);
}

// Bytes that a window has of a line, in whole pairs or fours of numbers.
static int64_t depth_of(const tile_layer *layer) {
  return whole(layer->convolution.kernel_width * pixel_bytes(layer), 4);
}

bool tile_lines_computes(const tile_layer *layer) {
  const tile_convolution *c = &layer->convolution;
  return pixel_bytes(layer) % tile_row != 0 && depth_of(layer) <= tile_row &&
         c->outputs % (2 * tile_outputs) == 0 && c->output_width >= tile_positions &&
         c->kernel_height <= tap_limit && !layer->adds_to_destination &&
         !layer->sum_bounds.applies;
}

static int64_t weight_bytes(const tile_layer *layer) {
  return layer->convolution.kernel_height * depth_of(layer) * layer->convolution.outputs;
}

size_t tile_lines_weight_byte_count(const tile_layer *layer) {
  return (size_t)weight_bytes(layer) + 2 * (size_t)layer->convolution.outputs * sizeof(float);
}

// Packs a tile of one line of the kernel: [numbers that one step multiplies][output][number].
static void pack_tile(
    const tile_layer *layer, const void *weights, int64_t output, int64_t line, char *tile) {
  const tile_convolution *c = &layer->convolution;
  const int64_t step = 4 / number_bytes(layer->source);
  const int64_t count = depth_of(layer) / number_bytes(layer->source);
  for (int64_t i = 0; i < count; i++)
    for (int64_t k = 0; k < tile_outputs; k++) {
      const int64_t to = (i / step * tile_outputs + k) * step + i % step;
      const int64_t column = i / c->channels, channel = i % c->channels;
      const int64_t from =
          (((output + k) * c->channels + channel) * c->kernel_height + line) * c->kernel_width +
          column;
      const bool is_weight = column < c->kernel_width;
      if (layer->source == TILE_BF16)
        ((uint16_t *)tile)[to] = is_weight ? rounded(((const float *)weights)[from]) : 0;
      else
        tile[to] = is_weight ? ((const char *)weights)[from] : 0;
    }
}

// [K/64][line of the kernel][tile of outputs], then the bias [K] and scales [K].
void tile_lines_pack(
    const tile_layer *layer, const void *weights, const float *bias, const float *scales,
    void *packed) {
  const tile_convolution *c = &layer->convolution;
  const int64_t tile = depth_of(layer) * tile_outputs;
  char *next = packed;
  for (int64_t group = 0; group < c->outputs; group += group_outputs)
    for (int64_t line = 0; line < c->kernel_height; line++)
      for (int64_t k = group; k < least(c->outputs, group + group_outputs);
           k += tile_outputs, next += tile)
        pack_tile(layer, weights, k, line, next);
  pack_finish(layer, bias, scales, (float *)next);
}

// Lines of the image that windows of one line of results cover, with zeros around them. Those that
// the next windows cover too stay where they are.
typedef struct {
  char *lines;
  int64_t pitch, count;
} line_ring;

static line_ring ring_of(const tile_layer *layer, char *lines) {
  const tile_convolution *c = &layer->convolution;
  const int64_t last = (c->output_width - 1) * c->stride * pixel_bytes(layer);
  return (line_ring){lines, whole(last + depth_of(layer), tile_row), c->kernel_height};
}

// Sums of two tiles of positions, of which one is finished while the other is computed.
typedef struct {
  _Alignas(64) int32_t numbers[2][tile_positions * group_outputs];
} line_sums;

static int64_t scratch_bytes(const tile_layer *layer) {
  const line_ring ring = ring_of(layer, NULL);
  return ring.pitch * ring.count + (int64_t)sizeof(line_sums);
}

size_t tile_lines_scratch_byte_count(const tile_layer *layer) {
  return (size_t)(scratch_bytes(layer) * layer->threads);
}

static void copy_line(
    const tile_layer *layer, const line_ring *ring, const char *image, int64_t row, char *line) {
  const tile_convolution *c = &layer->convolution;
  const int64_t pixel = pixel_bytes(layer), before = c->padding_left * pixel;
  const bool is_inside = row >= 0 && row < c->input_height && before < ring->pitch;
  const int64_t left = is_inside ? before : ring->pitch;
  const int64_t count = least(c->input_width * pixel, ring->pitch - left);
  memset(line, 0, (size_t)left);
  if (count > 0) memcpy(line + left, image + row * c->input_width * pixel, (size_t)count);
  memset(line + left + count, 0, (size_t)(ring->pitch - left - count));
}

// How the outputs of a group come from their sums.
typedef struct {
  __m512 bias[4], scale[4], lower, upper;
  bool is_signed;
} group_rule;

TILES static inline __attribute__((always_inline)) group_rule rule_of(
    const tile_layer *layer, const float *bias, const int pairs) {
  group_rule rule = {.is_signed = layer->destination == TILE_S8};
  for (int t = 0; t < 2 * pairs; t++) {
    rule.bias[t] = _mm512_loadu_ps(bias + t * tile_outputs);
    rule.scale[t] = _mm512_loadu_ps(bias + layer->convolution.outputs + t * tile_outputs);
  }
  float lower = layer->bounds.applies ? layer->bounds.lower : -INFINITY;
  float upper = layer->bounds.applies ? layer->bounds.upper : INFINITY;
  if (layer->applies_relu) lower = fmaxf(lower, 0), upper = fmaxf(upper, 0);
  if (layer->destination != TILE_BF16) {
    const float least_byte = rule.is_signed ? -128 : 0, largest_byte = rule.is_signed ? 127 : 255;
    lower = fminf(fmaxf(lower, least_byte), largest_byte);
    upper = fminf(fmaxf(upper, least_byte), largest_byte);
  }
  rule.lower = _mm512_set1_ps(lower);
  rule.upper = _mm512_set1_ps(upper);
  return rule;
}

// NaN stays: of two numbers that cannot be compared both operations take the second.
TILES static inline __attribute__((always_inline)) __m512 clipped(
    const group_rule *rule, __m512 numbers) {
  return _mm512_min_ps(rule->upper, _mm512_max_ps(rule->lower, numbers));
}

TILES static inline __attribute__((always_inline)) __m512i byte_integers(
    const group_rule *rule, const int32_t *sums, int t) {
  const __m512 numbers = _mm512_cvtepi32_ps(_mm512_load_si512(sums + t * tile_outputs));
  return _mm512_cvtps_epi32(clipped(
      rule, _mm512_mul_ps(_mm512_add_ps(numbers, rule->bias[t]), rule->scale[t])));
}

// Writes the outputs of a position.
TILES static inline __attribute__((always_inline)) void finish(
    const group_rule *rule, const int32_t *sums, char *destination, const int pairs,
    const bool is_bf16) {
  for (int t = 0; t < 2 * pairs; t += 2) {
    if (is_bf16) {
      const float *numbers = (const float *)sums + t * tile_outputs;
      const __m512 low = _mm512_add_ps(_mm512_load_ps(numbers), rule->bias[t]);
      const __m512 high = _mm512_add_ps(_mm512_load_ps(numbers + tile_outputs), rule->bias[t + 1]);
      _mm512_storeu_si512(
          destination + 2 * t * tile_outputs,
          (__m512i)_mm512_cvtne2ps_pbh(clipped(rule, high), clipped(rule, low)));
    } else {
      const __m512i low = byte_integers(rule, sums, t), high = byte_integers(rule, sums, t + 1);
      __m128i *to = (__m128i *)(destination + t * tile_outputs);
      _mm_storeu_si128(to, _mm512_cvtepi32_epi8(low));
      _mm_storeu_si128(to + 1, _mm512_cvtepi32_epi8(high));
    }
  }
}

// A tile of positions whose sums wait to be finished; none where `destination` is NULL.
typedef struct {
  const int32_t *sums;
  char *destination;
} unfinished;

TILES static inline __attribute__((always_inline)) void multiply(
    const int t, const tile_number number) {
  // Numbers of tiles are part of the instructions.
#define PRODUCT(sums, weights)                                  \
  switch (number) {                                             \
    case TILE_BF16: _tile_dpbf16ps(sums, 4, weights); break;    \
    case TILE_U8: _tile_dpbusd(sums, 4, weights); break;        \
    case TILE_S8: _tile_dpbssd(sums, 4, weights); break;        \
  }
  switch (t) {
    case 0: PRODUCT(0, 6) break;
    case 1: PRODUCT(1, 7) break;
    case 2: PRODUCT(2, 6) break;
    default: PRODUCT(3, 7)
  }
#undef PRODUCT
}

// What is the same for all tiles of a group of outputs.
typedef struct {
  const char *weights;
  int64_t taps, distance, tile, output_pixel;
  group_rule rule;
} group_work;

// Sums a tile of positions over all lines of the kernel, and finishes the one before.
TILES static inline __attribute__((always_inline)) void sum(
    const group_work *g, const char *const *lines, int64_t offset, int32_t *sums,
    unfinished before, const int pairs, const tile_number number) {
  const bool is_bf16 = number == TILE_BF16;
  const char *weights = g->weights;
  int64_t position = 0;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t tap = 0; tap < g->taps; tap++) {
    _tile_loadd(4, lines[tap] + offset, g->distance);
    _tile_loadd(6, weights, tile_row);
    multiply(0, number);
    _tile_loadd(7, weights + g->tile, tile_row);
    multiply(1, number);
    if (pairs > 1) {
      _tile_loadd(6, weights + 2 * g->tile, tile_row);
      multiply(2, number);
      _tile_loadd(7, weights + 3 * g->tile, tile_row);
      multiply(3, number);
    }
    weights += 2 * pairs * g->tile;
    if (!before.destination || position == tile_positions) continue;
    for (int i = 0; i < finished_positions; i++, position++)
      finish(
          &g->rule, before.sums + position * group_outputs,
          before.destination + position * g->output_pixel, pairs, is_bf16);
  }
  if (before.destination)
    for (; position < tile_positions; position++)
      finish(
          &g->rule, before.sums + position * group_outputs,
          before.destination + position * g->output_pixel, pairs, is_bf16);
  const int64_t row = group_outputs * (int64_t)sizeof *sums;
  _tile_stored(0, sums, row);
  _tile_stored(1, sums + tile_outputs, row);
  if (pairs > 1) _tile_stored(2, sums + 2 * tile_outputs, row);
  if (pairs > 1) _tile_stored(3, sums + 3 * tile_outputs, row);
}

typedef struct {
  const tile_layer *layer;
  const char *source, *packed;
  char *destination, *scratch;
} layer_work;

// Computes a group of outputs for the lines of results of all images from the first to before the
// last.
TILES static inline __attribute__((always_inline)) void run_group(
    const layer_work *work, int64_t output, int64_t first, int64_t last, char *scratch,
    const int pairs, const tile_number number) {
  const tile_layer *layer = work->layer;
  const tile_convolution *c = &layer->convolution;
  const int64_t pixel = pixel_bytes(layer), size = number_bytes(layer->destination);
  line_sums *sums = (line_sums *)scratch;
  const line_ring ring = ring_of(layer, scratch + sizeof *sums);
  const float *bias = (const float *)(work->packed + weight_bytes(layer));
  const group_work g = {
      .weights = work->packed + c->kernel_height * depth_of(layer) * output,
      .taps = c->kernel_height,
      .distance = c->stride * pixel,
      .tile = depth_of(layer) * tile_outputs,
      .output_pixel = c->outputs * size,
      .rule = rule_of(layer, bias + output, pairs),
  };
  const char *lines[tap_limit];
  unfinished before = {0};
  int64_t copied = 0;
  int half = 0;
  for (int64_t line = first; line < last; line++) {
    const int64_t image = line / c->output_height, y = line % c->output_height;
    const char *from = work->source + image * c->input_height * c->input_width * pixel;
    // Rows count from the first one above the image; those before `copied` are in the ring.
    const int64_t top = y * c->stride;
    if (line == first || y == 0 || copied < top) copied = top;
    for (; copied < top + c->kernel_height; copied++)
      copy_line(
          layer, &ring, from, copied - c->padding_top,
          ring.lines + copied % ring.count * ring.pitch);
    for (int64_t i = 0; i < c->kernel_height; i++)
      lines[i] = ring.lines + (top + i) % ring.count * ring.pitch;
    for (int64_t next = 0; next < c->output_width; next += tile_positions) {
      // The last tile begins earlier, with positions that are finished already.
      const int64_t x = least(next, c->output_width - tile_positions);
      sum(&g, lines, x * g.distance, sums->numbers[half], before, pairs, number);
      before = (unfinished){
          sums->numbers[half], work->destination + (line * c->output_width + x) * g.output_pixel +
                                   output * size};
      half ^= 1;
    }
  }
  for (int64_t position = 0; before.destination && position < tile_positions; position++)
    finish(
        &g.rule, before.sums + position * group_outputs,
        before.destination + position * g.output_pixel, pairs, number == TILE_BF16);
}

TILES static void run_lines(
    const layer_work *work, int64_t first, int64_t last, char *scratch) {
  const tile_convolution *c = &work->layer->convolution;
#define RUN(number)                                                       \
  if (output + group_outputs <= c->outputs)                               \
    run_group(work, output, first, last, scratch, 2, number);             \
  else                                                                    \
    run_group(work, output, first, last, scratch, 1, number);
  for (int64_t output = 0; output < c->outputs; output += group_outputs) {
    switch (work->layer->source) {
      case TILE_BF16: RUN(TILE_BF16) break;
      case TILE_U8: RUN(TILE_U8) break;
      case TILE_S8: RUN(TILE_S8) break;
    }
  }
#undef RUN
}

TILES static void run_share(void *data) {
  const layer_work *work = data;
  const tile_convolution *c = &work->layer->convolution;
  const int64_t lines = c->images * c->output_height;
  const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  tiles_configure_depth(depth_of(work->layer));
  run_lines(
      work, thread * lines / threads, (thread + 1) * lines / threads,
      work->scratch + thread * scratch_bytes(work->layer));
  _tile_release();
}

void tile_lines_run(
    const tile_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch) {
  layer_work work = {layer, source, packed, destination, scratch};
  if (layer->threads == 1)
    run_share(&work);
  else
    GOMP_parallel(run_share, &work, (unsigned)layer->threads, 0);
}
#endif
