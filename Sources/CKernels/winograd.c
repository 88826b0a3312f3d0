#include "winograd.h"

#include <string.h>

#include "blocking.h"

// The filter's transform G: rows by interpolation point, columns by tap.
static const double filter_transform[WINOGRAD_INPUTS][WINOGRAD_KERNEL] = {
    {1. / 4, 0, 0},          {-1. / 6, -1. / 6, -1. / 6}, {-1. / 6, 1. / 6, -1. / 6},
    {1. / 24, 1. / 12, 1. / 6}, {1. / 24, -1. / 12, 1. / 6}, {0, 0, 1}};

// libgomp's entry to a parallel region (the Swift toolchain's clang has no OpenMP): its team is the
// one that oneDNN's primitives use, so that there are never more threads than were asked for.
void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_get_num_threads(void);

winograd_instructions winograd_instructions_best(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return WINOGRAD_AVX512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return WINOGRAD_AVX2;
#endif
  return WINOGRAD_PORTABLE;
}

int64_t winograd_channel_block(winograd_instructions instructions) {
  return instructions == WINOGRAD_AVX512 ? 16 : 8;
}

static size_t transformed_count(const winograd_blocking *b) {
  return (size_t)(
      WINOGRAD_POINTS * b->input_blocks * b->output_blocks * b->channel_block * b->channel_block);
}

size_t winograd_weight_count(const winograd_convolution *convolution) {
  const winograd_blocking b = winograd_blocking_make(convolution);
  return transformed_count(&b) + (size_t)(b.output_blocks * b.channel_block);
}

// G g G^T in double, so that packing adds no error of its own.
static void transform_filter(const float *filter, double transformed[WINOGRAD_POINTS]) {
  double half[WINOGRAD_INPUTS][WINOGRAD_KERNEL] = {0};
  for (int i = 0; i < WINOGRAD_INPUTS; i++)
    for (int j = 0; j < WINOGRAD_KERNEL; j++)
      for (int k = 0; k < WINOGRAD_KERNEL; k++)
        half[i][j] += filter_transform[i][k] * filter[k * WINOGRAD_KERNEL + j];
  for (int i = 0; i < WINOGRAD_INPUTS; i++)
    for (int j = 0; j < WINOGRAD_INPUTS; j++) {
      double sum = 0;
      for (int k = 0; k < WINOGRAD_KERNEL; k++) sum += half[i][k] * filter_transform[j][k];
      transformed[i * WINOGRAD_INPUTS + j] = sum;
    }
}

// U[pairs of K/B][36][C][2 B], an odd last block by itself, then the bias [K].
void winograd_weights_pack(
    const winograd_convolution *convolution, const float *weights, const float *bias,
    float *packed) {
  const winograd_blocking b = winograd_blocking_make(convolution);
  const int64_t block = b.channel_block, channels = b.input_blocks * block;
  memset(packed, 0, winograd_weight_count(convolution) * sizeof *packed);
  for (int64_t k = 0; k < convolution->output_channels; k++) {
    const int64_t first = k / (2 * block) * 2;
    const int64_t width = first + 1 < b.output_blocks ? 2 * block : block;
    float *pair = packed + first * block * WINOGRAD_POINTS * channels + (k - first * block);
    for (int64_t c = 0; c < convolution->input_channels; c++) {
      double transformed[WINOGRAD_POINTS];
      transform_filter(
          weights + (k * convolution->input_channels + c) * WINOGRAD_KERNEL * WINOGRAD_KERNEL,
          transformed);
      for (int point = 0; point < WINOGRAD_POINTS; point++)
        pair[(point * channels + c) * width] = (float)transformed[point];
    }
  }
  if (bias)
    memcpy(
        packed + transformed_count(&b), bias,
        (size_t)convolution->output_channels * sizeof *bias);
}

static size_t scratch_count(const winograd_blocking *b) {
  return (size_t)(WINOGRAD_POINTS * (b->input_stride + b->product_stride));
}

size_t winograd_scratch_byte_count(const winograd_convolution *convolution) {
  const winograd_blocking b = winograd_blocking_make(convolution);
  return (size_t)(b.tile_parts * b.channel_parts) * scratch_count(&b) * sizeof(float);
}

typedef struct {
  const winograd_convolution *convolution;
  const winograd_blocking *blocking;
  const void *source;
  const float *packed;
  void *destination;
  float *scratch;
} run_arguments;

static void run_part(const run_arguments *arguments, int64_t index) {
  const winograd_blocking *b = arguments->blocking;
  const int64_t tile_part = index / b->channel_parts, channel_part = index % b->channel_parts;
  // Channels are distributed in pairs of blocks, as the weights lie.
  const int64_t pairs = (b->output_blocks + 1) / 2;
  const int64_t last_output = (channel_part + 1) * pairs / b->channel_parts * 2;
  const winograd_part part = {
      .convolution = arguments->convolution,
      .blocking = b,
      .source = arguments->source,
      .weights = arguments->packed,
      .bias = arguments->packed + transformed_count(b),
      .destination = arguments->destination,
      .scratch = arguments->scratch + (size_t)index * scratch_count(b),
      .first_tile = tile_part * b->tile_count / b->tile_parts,
      .last_tile = (tile_part + 1) * b->tile_count / b->tile_parts,
      .first_output = channel_part * pairs / b->channel_parts * 2,
      .last_output = last_output < b->output_blocks ? last_output : b->output_blocks,
  };
  switch (arguments->convolution->instructions) {
#if defined(__x86_64__)
    case WINOGRAD_AVX512: winograd_part_run_avx512(&part); break;
    case WINOGRAD_AVX2: winograd_part_run_avx2(&part); break;
#endif
    default: winograd_part_run_portable(&part);
  }
}

// The team may be smaller than was asked for; its threads then each do several parts.
static void run_share(void *data) {
  const run_arguments *arguments = data;
  const int64_t parts = arguments->blocking->tile_parts * arguments->blocking->channel_parts;
  for (int64_t index = omp_get_thread_num(); index < parts; index += omp_get_num_threads())
    run_part(arguments, index);
}

void winograd_run(
    const winograd_convolution *convolution, const void *source, const float *packed,
    void *destination, void *scratch) {
  const winograd_blocking blocking = winograd_blocking_make(convolution);
  run_arguments arguments = {convolution, &blocking, source, packed, destination, scratch};
  const int64_t parts = blocking.tile_parts * blocking.channel_parts;
  if (parts == 1)
    run_part(&arguments, 0);
  else
    GOMP_parallel(run_share, &arguments, (unsigned)parts, 0);
}

size_t winograd_gradient_scratch_byte_count(const winograd_convolution *convolution) {
  const winograd_blocking b = winograd_blocking_make_gradient(convolution);
  const int64_t block = b.channel_block;
  // Sums of several passes lie side by side, those of one only as long as they are computed.
  const int64_t sums = b.tiles < b.tile_count
                           ? b.input_blocks * b.output_blocks * block * block
                           : 2 * block * block;
  return (size_t)(WINOGRAD_POINTS * (b.input_stride + b.product_stride + sums)) * sizeof(float);
}

void winograd_gradient_run(
    const winograd_convolution *convolution, const void *source, const void *gradient,
    float *filters, void *scratch) {
  const winograd_blocking blocking = winograd_blocking_make_gradient(convolution);
  const winograd_gradient_part part = {convolution, &blocking, source, gradient, filters, scratch};
  switch (convolution->instructions) {
#if defined(__x86_64__)
    case WINOGRAD_AVX512: winograd_gradient_part_run_avx512(&part); break;
    case WINOGRAD_AVX2: winograd_gradient_part_run_avx2(&part); break;
#endif
    default: winograd_gradient_part_run_portable(&part);
  }
}
