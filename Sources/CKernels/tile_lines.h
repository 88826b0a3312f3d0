// Convolutions of few channels by tiles: what a window has of one line of the image is a row of a
// tile at most, and is multiplied at once.
#pragma once

#include "tile_layer.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

// As the functions of the same names in tile_layer.h, which call them.
bool tile_lines_computes(const tile_layer *layer);
size_t tile_lines_weight_byte_count(const tile_layer *layer);
void tile_lines_pack(
    const tile_layer *layer, const void *weights, const float *_Nullable bias,
    const float *_Nullable scales, void *packed);
size_t tile_lines_scratch_byte_count(const tile_layer *layer);
void tile_lines_run(
    const tile_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch);

#pragma clang assume_nonnull end
#endif
