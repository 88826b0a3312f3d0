// The gradient of a convolution's filters from bfloat16 by the tiles of AMX.
//
// Sums are fp32, in an order that depends on nothing but the shape. Everything is immutable and may
// be shared by threads, except the filters and scratch memory.
#pragma once

#include <stddef.h>

#include "tiles.h"

#pragma clang assume_nonnull begin

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
