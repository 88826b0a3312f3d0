// A convolution in bfloat16 or bytes by the tiles of AMX, with bias, residual sum, ReLU and clips.
//
// Sums are fp32, in an order that depends neither on the batch nor on the threads, or 32-bit
// integers. Everything is immutable and may be shared by threads, except the destination and
// scratch memory.
#pragma once

#include <stddef.h>

#include "bounds.h"
#include "tiles.h"

#pragma clang assume_nonnull begin

typedef enum { TILE_BF16, TILE_U8, TILE_S8 } tile_number;

typedef struct {
  tile_convolution convolution;
  // All are bfloat16, or none is. Weights are bfloat16 or signed bytes.
  tile_number source, residual, destination;
  // Bounds of the result before any residual sum, and of that sum.
  result_bounds bounds, sum_bounds;
  // The destination holds the residual before the run; of bytes, `residual_scale` times as much is
  // added.
  bool adds_to_destination;
  float residual_scale;
  bool applies_relu;
  // Threads of libgomp's team.
  int threads;
} tile_layer;

// Tells whether the bytes of a pixel of the source are a multiple of 64 and the outputs of 16, an
// image has at least 16 output pixels, and the kernel at most 49.
//
// Or whether the channels are few: then a line of a window has at most 64 bytes and a line of
// results at least 16 pixels, the outputs are a multiple of 32, and no residual is added. If a line
// of a window has an odd number of bfloat16, a NaN or infinity reaches the windows that end just
// before it too.
bool tile_layer_computes(const tile_layer *layer);

// Bytes of packed weights, bias and scales, for every batch size and number of threads.
size_t tile_layer_weight_byte_count(const tile_layer *layer);

// Packs weights [K, C, kernel height, kernel width] and bias [K], or none.
//
// Those of bfloat16 are fp32, rounded to the nearest. For bytes they are signed bytes, the bias is
// in units of the sums, and sums with bias are multiplied by `scales` [K] before the residual is
// added; the result is rounded to the nearest byte that there is.
void tile_layer_pack(
    const tile_layer *layer, const void *weights, const float *_Nullable bias,
    const float *_Nullable scales, void *packed);

size_t tile_layer_scratch_byte_count(const tile_layer *layer);

// Runs on source and destination with the channels last; packed weights and scratch memory are at
// the alignment of a cache line.
void tile_layer_run(
    const tile_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch);

#pragma clang assume_nonnull end
