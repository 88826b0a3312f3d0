// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, https://arxiv.org/abs/1509.09308)
// on integers, without any rounding.
//
// The filter's transform has fractions, 1/4, 1/6 and 1/24. Here each of its rows is multiplied by
// its denominator, so that it is whole numbers, and the transform of the outputs makes up for that:
// it gives 24, 12, 6 and 6 times the outputs of a column or row. Sums are taken modulo 2^32, where
// 9 has an inverse, so that what is left to divide by is a power of two, 64 at most. The outputs
// are exact if none of them needs more than 26 bits, whatever the sums between were.
//
// A transformed filter is at most 49 times a weight, a transformed byte at most 68 times a byte of
// 255 or 100 times one of 128: both are 16-bit integers.
#include "integer_products.h"

#if defined(__x86_64__)
enum { outputs_side = 4, inputs_side = 6, points = inputs_side * inputs_side, kernel_side = 3 };

// Tiles that are transformed and multiplied together: a pass over the weights serves as many.
// Where the weights do not stay in a cache, it serves more.
static const int64_t tiles_per_pass = 24, tiles_per_pass_of_many = 48;
static const int64_t cached_weight_byte_limit = 4 << 20;
// Tiles below which a thread shares them and takes a part of the outputs instead.
static const int64_t tiles_per_thread = 8;

// 1/9 modulo 2^32.
static const int32_t inverse_of_nine = 0x38e38e39;
// Powers of two that are left of 24, 12, 6 and 6.
static const int powers[outputs_side] = {3, 2, 1, 1};

// What sums of products begin with.
static const _Alignas(32) int32_t zeros[panel_outputs];

// The filter's transform times 4, 6, 6, 24, 24 and 1.
static const int filter_transform[inputs_side][kernel_side] = {{1, 0, 0}, {-1, -1, -1},
                                                               {-1, 1, -1}, {1, 2, 4},
                                                               {1, -2, 4}, {0, 0, 1}};

typedef int16_t words __attribute__((vector_size(32), aligned(32)));
typedef uint32_t sums __attribute__((vector_size(32), aligned(32)));

typedef struct {
  int64_t tile_rows, tile_columns, tile_count;
  // Tiles of a pass at most.
  int64_t tiles;
  // Threads that divide the tiles, times threads that divide the outputs.
  int64_t tile_parts, panel_parts;
  int64_t panels;
  // Integers from one point of the transformed inputs to the next, and from one of the products.
  int64_t input_stride, product_stride;
} winograd_division;

static winograd_division divide(const integer_layer *l) {
  winograd_division d = {
      .tile_rows = divided_up(l->output_height, outputs_side),
      .tile_columns = divided_up(l->output_width, outputs_side),
      .panels = l->outputs / panel_outputs,
  };
  d.tile_count = l->images * d.tile_rows * d.tile_columns;
  d.tile_parts = least(l->threads, divided_up(d.tile_count, tiles_per_thread));
  d.panel_parts = least(l->threads / d.tile_parts, d.panels);
  const bool is_cached =
      (int64_t)integer_winograd_weight_byte_count(l) <= cached_weight_byte_limit;
  const int64_t limit = is_cached ? tiles_per_pass : tiles_per_pass_of_many;
  const int64_t per_part = divided_up(d.tile_count, d.tile_parts);
  // Passes of one size, so that the last is not a small remainder.
  d.tiles = divided_up(divided_up(per_part, divided_up(per_part, limit)), row_limit) * row_limit;
  // A vector more, so that the points of a tile do not fall into one set of the cache.
  d.input_stride = d.tiles * l->channels + vector_words;
  d.product_stride = d.tiles * panel_outputs + panel_outputs;
  return d;
}

size_t integer_winograd_weight_byte_count(const integer_layer *layer) {
  return (size_t)(points * layer->channels * layer->outputs) * sizeof(int16_t);
}

static void transform_filter(const int8_t *filter, int16_t transformed[points]) {
  int half[inputs_side][kernel_side] = {0};
  for (int i = 0; i < inputs_side; i++)
    for (int j = 0; j < kernel_side; j++)
      for (int k = 0; k < kernel_side; k++)
        half[i][j] += filter_transform[i][k] * filter[k * kernel_side + j];
  for (int i = 0; i < inputs_side; i++)
    for (int j = 0; j < inputs_side; j++) {
      int sum = 0;
      for (int k = 0; k < kernel_side; k++) sum += half[i][k] * filter_transform[j][k];
      transformed[i * inputs_side + j] = (int16_t)sum;
    }
}

// [K/16][36][C/2][16][2].
void integer_winograd_pack(const integer_layer *l, const int8_t *weights, int16_t *packed) {
  for (int64_t k = 0; k < l->outputs; k++) {
    int16_t *panel = packed + k / panel_outputs * points * l->channels * panel_outputs +
                     k % panel_outputs * 2;
    for (int64_t c = 0; c < l->channels; c++) {
      int16_t transformed[points];
      transform_filter(
          weights + (k * l->channels + c) * kernel_side * kernel_side, transformed);
      for (int64_t point = 0; point < points; point++)
        panel[(point * l->channels + c / 2 * 2) * panel_outputs + c % 2] = transformed[point];
    }
  }
}

static size_t part_scratch_byte_count(const winograd_division *d) {
  return (size_t)(points * d->input_stride) * sizeof(int16_t) +
         (size_t)(points * d->product_stride) * sizeof(int32_t);
}

size_t integer_winograd_scratch_byte_count(const integer_layer *layer) {
  const winograd_division d = divide(layer);
  return (size_t)(d.tile_parts * d.panel_parts) * part_scratch_byte_count(&d);
}

// One column of the inputs' transform: the points are 0, 1, -1, 2, -2 and infinity.
INTEGERS_INLINE void transform_input(
    words d0, words d1, words d2, words d3, words d4, words d5, words *out, int64_t step) {
  const words even = d4 - d2 * 4, odd = d3 - d1 * 4;
  const words even_by_two = d4 - d2, odd_by_two = (d3 - d1) * 2;
  out[0 * step] = even + d0 * 4 - d2;
  out[1 * step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = even_by_two + odd_by_two;
  out[4 * step] = even_by_two - odd_by_two;
  out[5 * step] = d5 - d3 - odd_by_two * 2;
}

// One column of the outputs' transform: 24, 12, 6 and 6 times the outputs.
INTEGERS_INLINE void transform_output(
    sums m0, sums m1, sums m2, sums m3, sums m4, sums m5, sums *out, int64_t step) {
  const sums sum = m1 + m2, difference = m1 - m2;
  const sums sum_by_two = m3 + m4, difference_by_two = m3 - m4;
  out[0 * step] = m0 * 6 + sum * 4 + sum_by_two;
  out[1 * step] = difference * 2 + difference_by_two;
  out[2 * step] = sum + sum_by_two;
  out[3 * step] = difference + difference_by_two * 2 + m5 * 6;
}

// Place of a tile: its image and its first output.
typedef struct {
  int64_t image, row, column;
} tile_place;

static tile_place place_of(const winograd_division *d, int64_t tile) {
  const int64_t per_image = d->tile_rows * d->tile_columns, within = tile % per_image;
  return (tile_place){
      tile / per_image, within / d->tile_columns * outputs_side,
      within % d->tile_columns * outputs_side};
}

INTEGERS_INLINE words read_words(const uint8_t *bytes, const bool is_signed) {
  const __m128i some = _mm_loadu_si128((const __m128i *)bytes);
  return (words)(is_signed ? _mm256_cvtepi8_epi16(some) : _mm256_cvtepu8_epi16(some));
}

// Transforms 6x6 inputs of sixteen channels; those at which `inside` is null are zero.
INTEGERS_INLINE void transform_patch(
    const uint8_t *patch, int64_t line, int64_t pixel, const bool *inside, int16_t *out,
    int64_t stride, const bool is_signed) {
  words half[points];
#pragma clang loop unroll(full)
  for (int j = 0; j < inputs_side; j++) {
    words d[inputs_side];
#pragma clang loop unroll(full)
    for (int i = 0; i < inputs_side; i++)
      d[i] = !inside || inside[i * inputs_side + j]
                 ? read_words(patch + i * line + j * pixel, is_signed)
                 : (words){0};
    transform_input(d[0], d[1], d[2], d[3], d[4], d[5], half + j, inputs_side);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < inputs_side; i++) {
    const words *h = half + i * inputs_side;
    words whole[inputs_side];
    transform_input(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
    for (int j = 0; j < inputs_side; j++)
      *(words *)(out + (i * inputs_side + j) * stride) = whole[j];
  }
}

// V[36][tiles][C].
INTEGERS_INLINE void transform_tiles(
    const integer_layer *l, const winograd_division *d, const uint8_t *source, int64_t first,
    int64_t count, int16_t *inputs, const bool is_signed) {
  const int64_t line = l->input_width * l->channels;
  for (int64_t t = 0; t < count; t++, inputs += l->channels) {
    const tile_place place = place_of(d, first + t);
    const int64_t top = place.row - l->padding_top, left = place.column - l->padding_left;
    const uint8_t *patch =
        source + (place.image * l->input_height + top) * line + left * l->channels;
    if (top >= 0 && left >= 0 && top + inputs_side <= l->input_height &&
        left + inputs_side <= l->input_width) {
      for (int64_t c = 0; c < l->channels; c += vector_words)
        transform_patch(
            patch + c, line, l->channels, NULL, inputs + c, d->input_stride, is_signed);
      continue;
    }
    bool inside[points];
    for (int64_t i = 0; i < inputs_side; i++)
      for (int64_t j = 0; j < inputs_side; j++)
        inside[i * inputs_side + j] = top + i >= 0 && top + i < l->input_height &&
                                      left + j >= 0 && left + j < l->input_width;
    for (int64_t c = 0; c < l->channels; c += vector_words)
      transform_patch(
          patch + c, line, l->channels, inside, inputs + c, d->input_stride, is_signed);
  }
}

INTEGERS_INLINE __m256i output_of(sums sum, const int power) {
  const __m256i product =
      _mm256_mullo_epi32((__m256i)sum, _mm256_set1_epi32(inverse_of_nine));
  return _mm256_srai_epi32(product, power);
}

// Outputs of half a panel at a tile, [4][4][8].
INTEGERS_INLINE void transform_products(
    const int32_t *products, int64_t stride, __m256i outputs[outputs_side * outputs_side]) {
  sums half[outputs_side * inputs_side];
#pragma clang loop unroll(full)
  for (int j = 0; j < inputs_side; j++) {
    const int32_t *p = products + j * stride;
#define POINT(i) *(const sums *)(p + (i) * inputs_side * stride)
    transform_output(
        POINT(0), POINT(1), POINT(2), POINT(3), POINT(4), POINT(5), half + j, inputs_side);
#undef POINT
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < outputs_side; i++) {
    const sums *h = half + i * inputs_side;
    sums whole[outputs_side];
    transform_output(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
    for (int j = 0; j < outputs_side; j++)
      outputs[i * outputs_side + j] = output_of(whole[j], powers[i] + powers[j]);
  }
}

INTEGERS static void write_tiles(
    const integer_layer *l, const winograd_division *d, const integer_finish *finish,
    const int32_t *products, int64_t first, int64_t count, int64_t output, char *destination) {
  const int64_t bytes = (int64_t)number_bytes(l->destination), pixel = l->outputs * bytes;
  const finish_rule rule = rule_of(l, finish, output);
  for (int64_t t = 0; t < count; t++, products += panel_outputs) {
    const tile_place place = place_of(d, first + t);
    __m256i low[outputs_side * outputs_side], high[outputs_side * outputs_side];
    transform_products(products, d->product_stride, low);
    transform_products(products + vector_sums, d->product_stride, high);
    const int64_t rows = least(outputs_side, l->output_height - place.row);
    const int64_t columns = least(outputs_side, l->output_width - place.column);
    for (int64_t i = 0; i < rows; i++) {
      const int64_t row = place.image * l->output_height + place.row + i;
      char *to =
          destination + (row * l->output_width + place.column) * pixel + output * bytes;
      for (int64_t j = 0; j < columns; j++, to += pixel)
        finish_panel(&rule, low[i * outputs_side + j], high[i * outputs_side + j], to);
    }
  }
}

typedef struct {
  const integer_layer *layer;
  const winograd_division *division;
  const uint8_t *source;
  const int16_t *packed;
  const integer_finish *finish;
  char *destination, *scratch;
} winograd_work;

INTEGERS static void run_part(const winograd_work *work, int64_t index) {
  const integer_layer *l = work->layer;
  const winograd_division *d = work->division;
  const int64_t tile_part = index / d->panel_parts, panel_part = index % d->panel_parts;
  const int64_t last = (tile_part + 1) * d->tile_count / d->tile_parts;
  const int64_t last_panel = (panel_part + 1) * d->panels / d->panel_parts;
  int16_t *inputs = (int16_t *)(work->scratch + (size_t)index * part_scratch_byte_count(d));
  int32_t *products = (int32_t *)(inputs + points * d->input_stride);
  const int64_t pairs = l->channels / 2;
  for (int64_t first = tile_part * d->tile_count / d->tile_parts; first < last;
       first += d->tiles) {
    const int64_t count = least(d->tiles, last - first);
    if (l->source == INTEGER_LAYER_S8)
      transform_tiles(l, d, work->source, first, count, inputs, true);
    else
      transform_tiles(l, d, work->source, first, count, inputs, false);
    for (int64_t panel = panel_part * d->panels / d->panel_parts; panel < last_panel; panel++) {
      const int16_t *weights = work->packed + panel * points * l->channels * panel_outputs;
      for (int64_t point = 0; point < points; point++, weights += l->channels * panel_outputs)
        for (int64_t t = 0; t < count; t += row_limit)
          integer_products_sum(
              inputs + point * d->input_stride + t * l->channels, l->channels, weights, pairs,
              least(row_limit, count - t), zeros,
              products + point * d->product_stride + t * panel_outputs);
      write_tiles(
          l, d, work->finish, products, first, count, panel * panel_outputs, work->destination);
    }
  }
}

// The team may be smaller than was asked for; its threads then each do several parts.
static void run_parts(void *data) {
  const winograd_work *work = data;
  const int64_t parts = work->division->tile_parts * work->division->panel_parts;
  for (int64_t index = omp_get_thread_num(); index < parts; index += omp_get_num_threads())
    run_part(work, index);
}

void integer_winograd_run(
    const integer_layer *layer, const uint8_t *source, const int16_t *packed,
    const integer_finish *finish, char *destination, char *scratch) {
  const winograd_division division = divide(layer);
  winograd_work work = {layer, &division, source, packed, finish, destination, scratch};
  run_share(run_parts, &work, (int)(division.tile_parts * division.panel_parts));
}
#endif
