// Division of the work of one convolution, for caches and for threads.
#pragma once

#include "winograd.h"

// Elements of a transformed tile: 6x6.
#define WINOGRAD_POINTS 36
// Outputs along a side of a tile, and inputs.
#define WINOGRAD_OUTPUTS 4
#define WINOGRAD_INPUTS 6
#define WINOGRAD_KERNEL 3
// Upper bound of `tiles` below.
#define WINOGRAD_TILE_LIMIT 56
// The same for the gradient of filters.
#define WINOGRAD_GRADIENT_TILE_LIMIT 128

typedef struct {
  int64_t channel_block;
  // Blocks of channels.
  int64_t input_blocks, output_blocks;
  int64_t output_height, output_width;
  int64_t tile_rows, tile_columns, tile_count;
  // Tiles that are transformed and multiplied together at most.
  int64_t tiles;
  // Threads that divide the tiles, times threads that divide the output channels.
  int64_t tile_parts, channel_parts;
  // Numbers between neighbouring pixels and between blocks of channels of one pixel.
  int64_t input_pixel, input_block, output_pixel, output_block;
  // Floats between the points of the transformed input and of the products.
  int64_t input_stride, product_stride;
} winograd_blocking;

winograd_blocking winograd_blocking_make(const winograd_convolution *convolution);

// For the gradient of filters: `product_stride` is that of the transformed gradient.
winograd_blocking winograd_blocking_make_gradient(const winograd_convolution *convolution);

// One thread's part of the work, compiled for each set of instructions.
typedef struct {
  const winograd_convolution *convolution;
  const winograd_blocking *blocking;
  const void *source;
  const float *weights, *bias;
  void *destination;
  // Memory of this thread alone: the transformed input, then the products.
  float *scratch;
  int64_t first_tile, last_tile;
  // Range in blocks of output channels.
  int64_t first_output, last_output;
} winograd_part;

void winograd_part_run_portable(const winograd_part *part);
void winograd_part_run_avx2(const winograd_part *part);
void winograd_part_run_avx512(const winograd_part *part);

// The gradient of a convolution's filters.
typedef struct {
  const winograd_convolution *convolution;
  const winograd_blocking *blocking;
  const void *source, *gradient;
  float *filters;
  // The transformed source, the transformed gradient, then their sums.
  float *scratch;
} winograd_gradient_part;

void winograd_gradient_part_run_portable(const winograd_gradient_part *part);
void winograd_gradient_part_run_avx2(const winograd_gradient_part *part);
void winograd_gradient_part_run_avx512(const winograd_gradient_part *part);
