// Sizes of tiles, and numbers that the convolutions on tiles share.
#pragma once

#include <string.h>

#include "tile_configuration.h"
#include "tile_layer.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

// Positions of a tile of the source, outputs of a tile of weights, and bytes of a row of either.
enum { tile_positions = 16, tile_outputs = 16, tile_row = 64 };
enum { tap_limit = 49 };

static inline int64_t number_bytes(tile_number number) { return number == TILE_BF16 ? 2 : 1; }

// Rounds to bfloat16; NaN stays.
static inline uint16_t rounded(float number) {
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Writes what follows the packed weights: the bias [K] and scales [K].
static inline void pack_finish(
    const tile_layer *layer, const float *_Nullable bias, const float *_Nullable scales,
    float *packed) {
  const int64_t outputs = layer->convolution.outputs;
  for (int64_t k = 0; k < outputs; k++) {
    packed[k] = bias ? bias[k] : 0;
    packed[outputs + k] = scales ? scales[k] : 1;
  }
}

#pragma clang assume_nonnull end
#endif
