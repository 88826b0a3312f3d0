// The gradient of a convolution's filters from bfloat16 by the tiles of AMX.
//
// Sums are fp32, in an order that depends on nothing but the shape. Everything is immutable and may
// be shared by threads, except the filters and scratch memory.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Without groups, dilation and bias.
typedef struct {
  int64_t images, channels, input_height, input_width, outputs, output_height, output_width;
  int64_t kernel_height, kernel_width, stride;
  // Above the first row and left of the first column.
  int64_t padding_top, padding_left;
} tile_convolution;

// Tells whether the CPU has tiles for bfloat16 and the system lets this process use them; must have
// been called before anything is run.
bool tile_gradient_prepare(void);

// Tells whether the channels of both sides are multiples of 16, and an image has at most 2^30
// numbers.
bool tile_gradient_computes(const tile_convolution *convolution);

size_t tile_gradient_scratch_byte_count(const tile_convolution *convolution);

// Writes the filters' gradient [kernel height][kernel width][C][K] from source and gradient of the
// destination, both with the channels last and at any alignment; scratch memory is at that of a
// cache line.
void tile_gradient_run(
    const tile_convolution *convolution, const void *source, const void *gradient, float *filters,
    void *scratch);

#pragma clang assume_nonnull end
