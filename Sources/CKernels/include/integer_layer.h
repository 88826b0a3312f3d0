// A convolution on bytes: directly for CPUs that have AVX2 and FMA, but do not sum products of
// bytes in 32 bits (VNNI), and by Winograd's filtering for these and for AVX-512 with VNNI. Bias,
// residual sum, ReLU and clips are part of it.
//
// Sums are 32-bit integers and exact: those of a CPU that multiplies bytes. Everything is immutable
// and may be shared by threads, except the destination and scratch memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

#pragma clang assume_nonnull begin

typedef enum { INTEGER_LAYER_U8, INTEGER_LAYER_S8, INTEGER_LAYER_F32 } integer_layer_number;

// AVX2 and FMA, or AVX-512 F, BW, DQ and VL with VNNI.
typedef enum { INTEGER_LAYER_AVX2, INTEGER_LAYER_VNNI } integer_layer_instructions;

typedef struct {
  integer_layer_instructions instructions;
  int64_t images, channels, input_height, input_width, outputs, output_height, output_width;
  int64_t kernel_height, kernel_width, stride_height, stride_width;
  // Pixels from one tap of the kernel to the next.
  int64_t dilation_height, dilation_width;
  // Above the first row and left of the first column.
  int64_t padding_top, padding_left;
  // The source is bytes; the residual and the destination are bytes both, or fp32 both.
  integer_layer_number source, residual, destination;
  // What the source has for zero.
  int32_t source_zero;
  // Bounds of the result before any residual sum, and of that sum.
  result_bounds bounds, sum_bounds;
  // The destination holds the residual before the run, `residual_scale` times as much is added.
  bool adds_to_destination;
  float residual_scale;
  bool applies_relu;
  // By Winograd's minimal filtering F(4x4, 3x3) instead of directly.
  bool uses_winograd;
  // Threads of libgomp's team.
  int threads;
} integer_layer;

// Tells whether there is a kernel. Directly there is one with AVX2 for all that a layer can
// describe. Winograd's filtering is for 3x3 of stride 1 without dilation from a source without a
// zero point, with outputs that are a multiple of 16, and channels a multiple of 16 or, with VNNI,
// of 32.
bool integer_layer_computes(const integer_layer *layer);

// Tells whether Winograd's filtering is exact for weights [K, C, 3, 3]: no sum of products with any
// source exceeds 25 bits and a sign.
bool integer_layer_is_exact(const integer_layer *layer, const int8_t *weights);

// Bytes of packed weights, bias and scales, for every batch size and number of threads.
size_t integer_layer_weight_byte_count(const integer_layer *layer, const int8_t *weights);

// Packs weights [K, C, kernel height, kernel width] and bias [K], or none, in units of the sums.
// Sums with bias are multiplied by `scales` [K] before the residual is added; the result is rounded
// to the nearest byte that there is, or not at all.
void integer_layer_pack(
    const integer_layer *layer, const int8_t *weights, const float *_Nullable bias,
    const float *scales, void *packed);

size_t integer_layer_scratch_byte_count(const integer_layer *layer);

// Runs on source and destination with the channels last; packed weights and scratch memory are at
// the alignment of a cache line.
void integer_layer_run(
    const integer_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch);

#pragma clang assume_nonnull end
