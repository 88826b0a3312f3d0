// The largest numbers of the windows of maps.
//
// A window that has a NaN gives one, and +0 is larger than -0, as `maximum` of IEEE 754-2019 has
// it. Every result is a number of the source, to the bit.
#pragma once

#include "winograd.h"

#pragma clang assume_nonnull begin

typedef enum { MAXIMUM_FP32, MAXIMUM_BF16, MAXIMUM_U8, MAXIMUM_S8 } maximum_number;

// Maps have the channels last, [N, H, W, C]. Those in blocks of channels, [N, C/B, H, W, B], are
// N * C/B maps of B channels.
typedef struct {
  int64_t images, channels, input_height, input_width, output_height, output_width;
  int64_t window_height, window_width, stride_height, stride_width;
  // Above the first row and left of the first column; every window covers a pixel.
  int64_t padding_top, padding_left;
  maximum_number number;
  // Threads of libgomp's team.
  int threads;
  winograd_instructions instructions;
} maximum_pooling;

// Tells whether the channels of a pixel fill a vector.
bool maximum_pooling_computes(const maximum_pooling *pooling);

// Runs on memory at any alignment.
void maximum_pooling_run(const maximum_pooling *pooling, const void *source, void *destination);

#pragma clang assume_nonnull end
