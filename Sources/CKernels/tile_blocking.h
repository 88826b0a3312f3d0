// Division of the work on a gradient of filters by tiles.
#pragma once

#include "tile_configuration.h"
#include "tile_gradient.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

// Pixels that one tile of the transposed source holds, and channels of a block.
enum { tile_pixels = 32, tile_channels = 16 };

// Division of the work. A source is split into stride x stride planes, so that each tap reads one
// of them at a constant distance from the gradient's pixel.
typedef struct {
  // Pixels along a row of a plane, rows of an image in it.
  int64_t pitch, rows;
  // Images that are transposed together.
  int64_t group;
  // Positions of a plane of a group, and of all planes with what is read past their end.
  int64_t plane, source_positions;
  // Positions of the gradient of a group, whole tiles.
  int64_t gradient_positions;
} tile_blocking;

// A chunk of pixels, and the memory of both operands and of the sums.
typedef struct {
  const tile_convolution *convolution;
  const tile_blocking *blocking;
  const uint16_t *source, *gradient;
  float *filters;
  int64_t first, count;
  bool adds;
} tile_chunk;

// Adds a chunk to all sums; the tiles must be configured.
void tile_gradient_add(const tile_chunk *chunk);

#pragma clang assume_nonnull end
#endif
