#include "tile_layer.h"

#include <string.h>

#include "tile_lines.h"
#include "tile_products.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Bytes of copied pixels that the second cache holds beside weights.
static const int64_t group_byte_limit = 1 << 19;
// Bytes of weights that stay in the second cache while all of them are applied to one block of
// positions after the other; of more than that, each panel is applied to all positions in turn.
static const int64_t cached_weight_byte_limit = 5 << 18;

// libgomp's team, as in winograd.c.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

bool tile_layer_computes(const tile_layer *layer) {
  const tile_convolution *c = &layer->convolution;
  if (tile_lines_computes(layer)) return true;
  return c->channels * number_bytes(layer->source) % tile_row == 0 &&
         c->outputs % tile_outputs == 0 && c->output_height * c->output_width >= tile_positions &&
         c->kernel_height * c->kernel_width <= tap_limit;
}

static tile_division divide(const tile_layer *layer) {
  const tile_convolution *c = &layer->convolution;
  const int64_t stride = c->stride;
  tile_division d = {
      .copies = stride > 1 || c->kernel_height > 1 || c->kernel_width > 1 || c->padding_top > 0 ||
                c->padding_left > 0 ||
                // A last block that begins earlier must not begin before the first position.
                c->images * c->output_height * c->output_width < block_positions,
      .pixel = c->channels * number_bytes(layer->source),
      .tap_count = c->kernel_height * c->kernel_width,
  };
  if (!d.copies) {
    d.pitch = d.output_columns = c->images * c->output_height * c->output_width;
    d.lines = d.output_lines = 1;
    d.group = c->images;
    return d;
  }
  d.output_columns = c->output_width;
  d.output_lines = c->output_height;
  d.pitch = c->output_width + (c->kernel_width - 1) / stride -
            tiles_shared_zeros(
                stride, c->input_width, c->output_width, c->kernel_width, c->padding_left);
  d.lines = c->output_height + (c->kernel_height - 1) / stride -
            tiles_shared_zeros(
                stride, c->input_height, c->output_height, c->kernel_height, c->padding_top);
  d.plane_columns = least(stride, c->kernel_width);
  d.planes = least(stride, c->kernel_height) * d.plane_columns;
  const int64_t image = d.pitch * d.lines * d.pixel;
  d.group = group_byte_limit / (d.planes * image);
  d.group = d.group < 1 ? 1 : least(d.group, c->images);
  d.plane = d.group * image;
  return d;
}

static int64_t weight_bytes(const tile_layer *layer) {
  const tile_convolution *c = &layer->convolution;
  return c->kernel_height * c->kernel_width * c->channels * c->outputs *
         number_bytes(layer->source);
}

size_t tile_layer_weight_byte_count(const tile_layer *layer) {
  if (tile_lines_computes(layer)) return tile_lines_weight_byte_count(layer);
  return (size_t)weight_bytes(layer) + 2 * (size_t)layer->convolution.outputs * sizeof(float);
}

// Packs a tile: [group of channels][output][channels that one step multiplies].
static void pack_tile(
    const tile_layer *layer, const void *weights, int64_t channel, int64_t output, int64_t tap,
    char *tile) {
  const tile_convolution *c = &layer->convolution;
  const int64_t taps = c->kernel_height * c->kernel_width;
  const int64_t row = tile_row / number_bytes(layer->source);
  const int64_t step = row / tile_positions;
  for (int64_t i = 0; i < row; i++)
    for (int64_t k = 0; k < tile_outputs; k++) {
      const int64_t from = ((output + k) * c->channels + channel + i) * taps + tap;
      const int64_t to = (i / step * tile_outputs + k) * step + i % step;
      if (layer->source == TILE_BF16)
        ((uint16_t *)tile)[to] = rounded(((const float *)weights)[from]);
      else
        tile[to] = ((const char *)weights)[from];
    }
}

// [K/32][chunk][tap][row of a chunk][tile of outputs], then the bias [K] and scales [K].
void tile_layer_pack(
    const tile_layer *layer, const void *weights, const float *bias, const float *scales,
    void *packed) {
  if (tile_lines_computes(layer)) {
    tile_lines_pack(layer, weights, bias, scales, packed);
    return;
  }
  const tile_convolution *c = &layer->convolution;
  const int64_t bytes = number_bytes(layer->source);
  const int64_t chunk = chunk_bytes / bytes, row = tile_row / bytes;
  const int64_t taps = c->kernel_height * c->kernel_width;
  char *next = packed;
  for (int64_t panel = 0; panel < c->outputs; panel += panel_outputs)
    for (int64_t first = 0; first < c->channels; first += chunk)
      for (int64_t tap = 0; tap < taps; tap++)
        for (int64_t i = first; i < least(c->channels, first + chunk); i += row)
          for (int64_t k = panel; k < least(c->outputs, panel + panel_outputs);
               k += tile_outputs, next += weight_tile)
            pack_tile(layer, weights, i, k, tap, next);
  pack_finish(layer, bias, scales, (float *)next);
}

// Sums of a block, of each thread its own.
typedef struct {
  _Alignas(64) int32_t numbers[block_positions * panel_outputs];
} block_sums;

// Bytes of all planes with what is read past their end.
static int64_t copied_bytes(const tile_convolution *c, const tile_division *d) {
  if (!d->copies) return 0;
  const int64_t past =
      (c->kernel_height / c->stride + 1) * d->pitch + c->kernel_width + block_positions;
  return d->planes * d->plane + past * d->pixel;
}

size_t tile_layer_scratch_byte_count(const tile_layer *layer) {
  if (tile_lines_computes(layer)) return tile_lines_scratch_byte_count(layer);
  const tile_division d = divide(layer);
  return (size_t)copied_bytes(&layer->convolution, &d) +
         (size_t)layer->threads * sizeof(block_sums);
}

// Copies one line of a plane, with zeros around it.
static void copy_line(
    const tile_convolution *c, const tile_division *d, const char *image, int64_t plane,
    int64_t line, char *copied) {
  const int64_t stride = c->stride, pixel = d->pixel;
  const int64_t column = plane % d->plane_columns;
  const int64_t y = line * stride + plane / d->plane_columns - c->padding_top;
  if (y < 0 || y >= c->input_height) {
    memset(copied, 0, (size_t)(d->pitch * pixel));
    return;
  }
  // The first position inside the image, and the first beyond it.
  const int64_t left = c->padding_left - column;
  const int64_t first = left > 0 ? least(d->pitch, whole(left, stride) / stride) : 0;
  const int64_t end = least(d->pitch, (c->input_width + left + stride - 1) / stride);
  const char *source = image + (y * c->input_width + first * stride - left) * pixel;
  memset(copied, 0, (size_t)(first * pixel));
  if (stride == 1)
    memcpy(copied + first * pixel, source, (size_t)((end - first) * pixel));
  else
    for (int64_t i = first; i < end; i++, source += stride * pixel)
      memcpy(copied + i * pixel, source, (size_t)pixel);
  memset(copied + end * pixel, 0, (size_t)((d->pitch - end) * pixel));
}

typedef struct {
  tile_products products;
  const char *source;
  char *copied;
  block_sums *sums;
  int64_t images;
} group_work;

static void copy_share(void *data) {
  const group_work *work = data;
  const tile_convolution *c = &work->products.layer->convolution;
  const tile_division *d = work->products.division;
  const int64_t image_bytes = c->input_height * c->input_width * d->pixel;
  const int64_t lines = work->images * d->lines, count = d->planes * lines;
  const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  for (int64_t i = thread * count / threads; i < (thread + 1) * count / threads; i++)
    copy_line(
        c, d, work->source + i % lines / d->lines * image_bytes, i / lines, i % d->lines,
        work->copied + i / lines * d->plane + i % lines * d->pitch * d->pixel);
}

// Blocks of positions are divided among the threads if all weights are applied to one after the
// other and each thread has a few, otherwise panels of weights.
TILES static void multiply_share(void *data) {
  const group_work *work = data;
  const tile_products *p = &work->products;
  const tile_convolution *c = &p->layer->convolution;
  const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  const int64_t blocks = (p->positions + block_positions - 1) / block_positions;
  const int64_t panels = (c->outputs + panel_outputs - 1) / panel_outputs;
  int32_t *sums = work->sums[thread].numbers;
  tiles_configure();
  if (weight_bytes(p->layer) <= cached_weight_byte_limit && blocks >= 4 * threads) {
    for (int64_t i = thread * blocks / threads; i < (thread + 1) * blocks / threads; i++)
      for (int64_t panel = 0; panel < panels; panel++)
        tile_products_run(p, i * block_positions, panel, sums);
  } else {
    for (int64_t panel = thread * panels / threads; panel < (thread + 1) * panels / threads;
         panel++)
      for (int64_t i = 0; i < blocks; i++)
        tile_products_run(p, i * block_positions, panel, sums);
  }
  _tile_release();
}

static void run_share(void (*share)(void *), group_work *work) {
  const int threads = work->products.layer->threads;
  if (threads == 1)
    share(work);
  else
    GOMP_parallel(share, work, (unsigned)threads, 0);
}

void tile_layer_run(
    const tile_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch) {
  if (tile_lines_computes(layer)) {
    tile_lines_run(layer, source, packed, destination, scratch);
    return;
  }
  const tile_convolution *c = &layer->convolution;
  const tile_division d = divide(layer);
  const int64_t input = c->input_height * c->input_width * d.pixel;
  const int64_t output = c->output_height * c->output_width * c->outputs *
                         number_bytes(layer->destination);
  const int64_t copied = copied_bytes(c, &d);
  const float *bias = (const float *)((const char *)packed + weight_bytes(layer));
  group_work work = {
      .products =
          {.layer = layer,
           .division = &d,
           .weights = packed,
           .bias = bias,
           .scales = bias + c->outputs},
      .copied = scratch,
      .sums = (block_sums *)((char *)scratch + copied),
  };
  for (int64_t tap = 0; tap < d.tap_count; tap++) {
    const int64_t i = tap / c->kernel_width, j = tap % c->kernel_width;
    work.products.offsets[tap] =
        (i % c->stride * d.plane_columns + j % c->stride) * d.plane +
        (i / c->stride * d.pitch + j / c->stride) * d.pixel;
  }
  for (int64_t n = 0; n < c->images; n += d.group) {
    work.images = least(d.group, c->images - n);
    work.source = (const char *)source + n * input;
    work.products.source = d.copies ? work.copied : work.source;
    work.products.destination = (char *)destination + n * output;
    work.products.positions = d.copies ? work.images * d.lines * d.pitch : d.pitch;
    if (d.copies) {
      run_share(copy_share, &work);
      // What follows the last image of the last plane is read as zeros.
      const int64_t end = (d.planes - 1) * d.plane + work.images * d.lines * d.pitch * d.pixel;
      memset(work.copied + end, 0, (size_t)(copied - end));
    }
    run_share(multiply_share, &work);
  }
}
#else
bool tile_layer_computes(const tile_layer *layer) {
  (void)layer;
  return false;
}

size_t tile_layer_weight_byte_count(const tile_layer *layer) {
  (void)layer;
  return 0;
}

void tile_layer_pack(
    const tile_layer *layer, const void *weights, const float *bias, const float *scales,
    void *packed) {
  (void)layer, (void)weights, (void)bias, (void)scales, (void)packed;
}

size_t tile_layer_scratch_byte_count(const tile_layer *layer) {
  (void)layer;
  return 0;
}

void tile_layer_run(
    const tile_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch) {
  (void)layer, (void)source, (void)packed, (void)destination, (void)scratch;
}
#endif
