// Winograd's minimal filtering on integers: how a layer is divided, and the parts that are compiled
// for each instruction set.
#pragma once

#include "integer_products.h"

#if defined(__x86_64__)
#pragma clang assume_nonnull begin

enum { outputs_side = 4, inputs_side = 6, points = inputs_side * inputs_side };

typedef struct {
  int64_t tile_rows, tile_columns, tile_count;
  // Tiles of a pass at most.
  int64_t tiles;
  // Threads that divide the tiles, times threads that divide the groups.
  int64_t tile_parts, group_parts;
  // Outputs that are computed together, fewer in the last group; they fill the registers.
  int64_t group_outputs, groups;
  // Integers from one point of the transformed inputs to the next, and from one of the products.
  int64_t input_stride, product_stride;
} winograd_division;

typedef struct {
  const integer_layer *layer;
  const winograd_division *division;
  const uint8_t *source;
  // [groups][36][C/2][outputs of a group][2].
  const int16_t *packed;
  const integer_finish *finish;
  char *destination, *scratch;
} winograd_work;

// Bytes that a part needs for transformed inputs, and for them and products.
static inline size_t input_byte_count(const winograd_division *division) {
  return (size_t)(points * division->input_stride) * sizeof(int16_t);
}

static inline size_t part_scratch_byte_count(const winograd_division *division) {
  return input_byte_count(division) +
         (size_t)(points * division->product_stride) * sizeof(int32_t);
}

// Computes one part of `tile_parts` x `group_parts`.
typedef void winograd_part(const winograd_work *work, int64_t index);
winograd_part integer_winograd_part_avx2, integer_winograd_part_vnni;

#pragma clang assume_nonnull end
#endif
