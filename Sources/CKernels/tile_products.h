// Division of a convolution by tiles into products of matrices.
#pragma once

#include "tile_numbers.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

// Bytes of a tile of weights.
enum { weight_tile = tile_outputs * tile_row };
// Positions and outputs that are computed together, by four tiles of sums. A position's outputs are
// a cache line.
enum { block_positions = 2 * tile_positions, panel_outputs = 2 * tile_outputs };
// Bytes of each position that are summed over all taps before the next ones: so few that the first
// cache holds them for a block of positions and its taps.
enum { chunk_bytes = 256 };

// Division of the work.
//
// Each output pixel has a position, and what a tap reads lies at one distance from it. Where a
// kernel is larger than a pixel, pixels are copied for that, with zeros around them: a stride
// splits them into planes, of each of which every position has a pixel. Positions at the end of
// lines and images then belong to no output; they are computed with the others and dropped.
typedef struct {
  bool copies;
  // Positions of a line, lines of an image, and those of them that have an output.
  int64_t pitch, lines, output_columns, output_lines;
  int64_t planes, plane_columns;
  // Images that are copied together.
  int64_t group;
  // Bytes of a position, which are whole rows of tiles, and of a plane of a group.
  int64_t pixel, plane;
  int64_t tap_count;
} tile_division;

// A group of images, and the memory of both operands and of the result.
typedef struct {
  const tile_layer *layer;
  const tile_division *division;
  const char *source, *weights;
  // Scales of bytes alone.
  const float *bias, *scales;
  char *destination;
  int64_t positions;
  // Distance of what each tap reads, in bytes.
  int64_t offsets[tap_limit];
} tile_products;

// Computes a panel of outputs at a block of positions, the last of which may be absent; the tiles
// must be configured. `sums` has room for the block's.
void tile_products_run(
    const tile_products *products, int64_t position, int64_t panel, int32_t *sums);

#pragma clang assume_nonnull end
#endif
