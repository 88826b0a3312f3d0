// 3x3 convolutions of stride 1 by Winograd's minimal filtering F(4x4, 3x3) in fp32 (Lavin and Gray
// 2016, https://arxiv.org/abs/1509.09308): 36 products per 4x4 outputs and channel pair instead of
// 144.
//
// Activations have the channels last, [N, H, W, C], or are blocked by channels, [N, C/B, H, W, B]
// with B of `winograd_channel_block`, and zeros for channels beyond the last: in oneDNN's terms
// nhwc, and nChw16c or nChw8c. Everything is immutable once made and may be shared by threads,
// except scratch memory and destination.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bounds.h"

#pragma clang assume_nonnull begin

// Instruction sets that there are kernels for, slowest first.
typedef enum { WINOGRAD_PORTABLE, WINOGRAD_AVX2, WINOGRAD_AVX512 } winograd_instructions;

// The fastest set that this CPU and system have.
winograd_instructions winograd_instructions_best(void);

// B, the channels that lie next to each other.
int64_t winograd_channel_block(winograd_instructions instructions);

typedef struct {
  int64_t batch, input_channels, input_height, input_width, output_channels;
  // Rows above and below, columns left and right.
  int64_t padding_height, padding_width;
  // Bounds of the result before any residual sum, and of that sum.
  result_bounds bounds, sum_bounds;
  // The destination holds a residual to which the result is added, before any ReLU.
  bool adds_to_destination;
  bool applies_relu;
  // Whether source and destination are; their channels must then be multiples of B.
  bool channels_last;
  // Source and destination are bfloat16, rounded to nearest even; all sums are still fp32.
  bool bfloat16;
  // Threads that work together on one run.
  int threads;
  winograd_instructions instructions;
} winograd_convolution;

// Floats of the packed weights and bias.
size_t winograd_weight_count(const winograd_convolution *convolution);

// Transforms weights [K, C, 3, 3] and bias [K], row-major; without a bias it is zero. The packed
// weights serve every batch size, number of threads and input size with the same channels and
// instructions.
void winograd_weights_pack(
    const winograd_convolution *convolution, const float *weights, const float *_Nullable bias,
    float *packed);

size_t winograd_scratch_byte_count(const winograd_convolution *convolution);

// All memory is at the alignment of a cache line.
// Threads beyond the first come from OpenMP's team of the calling thread, as for oneDNN.
void winograd_run(
    const winograd_convolution *convolution, const void *source, const float *packed,
    void *destination, void *scratch);

// Gradient of the filters, [3][3][C][K] in fp32, from the source and the gradient of the
// destination, both with the channels last. Runs on the calling thread alone; neither `threads` nor
// the parts of the destination's description matter.
size_t winograd_gradient_scratch_byte_count(const winograd_convolution *convolution);
void winograd_gradient_run(
    const winograd_convolution *convolution, const void *source, const void *gradient,
    float *filters, void *scratch);

#pragma clang assume_nonnull end
