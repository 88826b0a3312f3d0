// Convolutions of 3x3, stride 1, by Winograd's minimal filtering F(4x4, 3x3) in fp32 (Lavin and
// Gray 2016, https://arxiv.org/abs/1509.09308): 36 products per 4x4 outputs and channel pair, not
// 144.
//
// Activations have the channels last, [N, H, W, C], or are blocked by channels, [N, C/B, H, W, B]
// with B of `winograd_channel_block` and channels beyond the last zero: in oneDNN's terms nhwc, and
// nChw16c or nChw8c. Everything is immutable once made and may be shared by threads, except scratch
// memory and destination.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// The instruction sets that there are kernels for, slowest first.
typedef enum { WINOGRAD_PORTABLE, WINOGRAD_AVX2, WINOGRAD_AVX512 } winograd_instructions;

// The fastest that this CPU and system have.
winograd_instructions winograd_instructions_best(void);

// B, the channels that lie beside each other.
int64_t winograd_channel_block(winograd_instructions instructions);

typedef struct {
  int64_t batch, input_channels, input_height, input_width, output_channels;
  // Rows above and below, columns left and right.
  int64_t padding_height, padding_width;
  // The destination holds a residual to which the result is added, before any ReLU.
  bool adds_to_destination;
  bool applies_relu;
  // Source and destination; their channels must then be multiples of B.
  bool channels_last;
  // Source and destination are bfloat16, rounded to nearest even; all sums are fp32 still.
  bool bfloat16;
  // That work on one run together.
  int threads;
  winograd_instructions instructions;
} winograd_convolution;

// Floats of the packed weights and bias.
size_t winograd_weight_count(const winograd_convolution *convolution);

// Transforms weights [K, C, 3, 3] and bias [K], row-major; without a bias it is zero. What was
// packed serves every batch size, number of threads and input size of the same channels and
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

#pragma clang assume_nonnull end
