// Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, https://arxiv.org/abs/1509.09308)
// on integers, without any rounding.
//
// The filter's transform has fractions, 1/4, 1/6 and 1/24. Here each of its rows is multiplied so
// that it is whole numbers, and the transform of the outputs makes up for that: it gives 24, 12, 6
// and 6 times the outputs of a column or row. Sums are taken modulo 2^32, where 9 has an inverse,
// so that what is left to divide by is a power of two, 64 at most. The outputs are exact if none of
// them needs more than 26 bits, whatever the sums between were.
//
// A transformed filter is at most 49 times a weight, a transformed byte at most 68 times a byte of
// 255 or 100 times one of 128: both are 16-bit integers.
#include "integer_winograd.h"

#if defined(__x86_64__)
enum { kernel_side = 3 };

// Tiles that are transformed and multiplied together: a pass over the weights serves as many.
// Where the weights do not stay in a cache, it serves more.
static const int64_t tiles_per_pass = 24, tiles_per_pass_of_many = 48;
static const int64_t cached_weight_byte_limit = 4 << 20;
// Tiles below which a thread shares them and takes a part of the outputs instead.
static const int64_t tiles_per_thread = 8;

// The filter's transform times 24, 6, 6, 24, 24 and 6.
static const int filter_transform[inputs_side][kernel_side] = {{6, 0, 0}, {-1, -1, -1},
                                                               {-1, 1, -1}, {1, 2, 4},
                                                               {1, -2, 4}, {0, 0, 6}};

// Vectors of each instruction set: their bytes, and the outputs that a group has.
static int64_t vector_byte_count(const integer_layer *l) {
  return l->instructions == INTEGER_LAYER_VNNI ? 64 : 32;
}

static int64_t group_limit(const integer_layer *l) {
  return (l->instructions == INTEGER_LAYER_VNNI ? 4 : 1) * panel_outputs;
}

bool integer_winograd_computes(const integer_layer *l) {
  return l->kernel_height == kernel_side && l->kernel_width == kernel_side &&
         l->stride_height == 1 && l->stride_width == 1 && l->dilation_height == 1 &&
         l->dilation_width == 1 && l->source_zero == 0 && l->outputs % panel_outputs == 0 &&
         l->channels % (vector_byte_count(l) / (int64_t)sizeof(int16_t)) == 0;
}

static winograd_division divide(const integer_layer *l) {
  winograd_division d = {
      .tile_rows = divided_up(l->output_height, outputs_side),
      .tile_columns = divided_up(l->output_width, outputs_side),
      .group_outputs = group_limit(l),
      .groups = divided_up(l->outputs, group_limit(l)),
  };
  d.tile_count = l->images * d.tile_rows * d.tile_columns;
  d.tile_parts = least(l->threads, divided_up(d.tile_count, tiles_per_thread));
  d.group_parts = least(l->threads / d.tile_parts, d.groups);
  const bool is_cached =
      (int64_t)integer_winograd_weight_byte_count(l) <= cached_weight_byte_limit;
  const int64_t limit = is_cached ? tiles_per_pass : tiles_per_pass_of_many;
  const int64_t per_part = divided_up(d.tile_count, d.tile_parts);
  // Passes of one size, so that the last is not a small remainder.
  d.tiles = divided_up(divided_up(per_part, divided_up(per_part, limit)), row_limit) * row_limit;
  // A vector more, so that the points of a tile do not fall into one set of the cache.
  d.input_stride = d.tiles * l->channels + vector_byte_count(l) / (int64_t)sizeof(int16_t);
  d.product_stride = d.tiles * d.group_outputs + panel_outputs;
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

void integer_winograd_pack(const integer_layer *l, const int8_t *weights, int16_t *packed) {
  const int64_t limit = group_limit(l);
  for (int64_t k = 0; k < l->outputs; k++) {
    const int64_t first = k / limit * limit, width = least(limit, l->outputs - first);
    int16_t *group = packed + first * points * l->channels + (k - first) * 2;
    for (int64_t c = 0; c < l->channels; c++) {
      int16_t transformed[points];
      transform_filter(
          weights + (k * l->channels + c) * kernel_side * kernel_side, transformed);
      for (int64_t point = 0; point < points; point++)
        group[(point * l->channels + c / 2 * 2) * width + c % 2] = transformed[point];
    }
  }
}

size_t integer_winograd_scratch_byte_count(const integer_layer *layer) {
  const winograd_division d = divide(layer);
  return (size_t)(d.tile_parts * d.group_parts) * part_scratch_byte_count(&d);
}

// The team may be smaller than was asked for; its threads then each do several parts.
static void run_parts(void *data) {
  const winograd_work *work = data;
  winograd_part *part = work->layer->instructions == INTEGER_LAYER_VNNI
                            ? integer_winograd_part_vnni
                            : integer_winograd_part_avx2;
  const int64_t parts = work->division->tile_parts * work->division->group_parts;
  for (int64_t index = omp_get_thread_num(); index < parts; index += omp_get_num_threads())
    part(work, index);
}

void integer_winograd_run(
    const integer_layer *layer, const uint8_t *source, const int16_t *packed,
    const integer_finish *finish, char *destination, char *scratch) {
  const winograd_division division = divide(layer);
  winograd_work work = {layer, &division, source, packed, finish, destination, scratch};
  run_share(run_parts, &work, (int)(division.tile_parts * division.group_parts));
}
#endif
