// Passes over the activations, gradients and parameters of a network in training.
//
// Activations have the channels last, [rows, C] with a row for each pixel of each image, at any
// alignment. They and their gradients are fp32, or where `bfloat16` says so bfloat16, rounded to
// nearest even; everything else is fp32. Sums over rows are in double precision and in an order
// that depends on nothing but the shape and the instruction set. Nothing here has threads of its
// own.
#pragma once

#include <string.h>

#include "winograd.h"

#pragma clang assume_nonnull begin

// Rounds to the nearest bfloat16, ties to even.
static inline uint16_t training_bfloat16(float value) {
  uint32_t whole;
  memcpy(&whole, &value, sizeof whole);
  return (uint16_t)((whole + 0x7fff + (whole >> 16 & 1)) >> 16);
}

// destination = source * scale + shift + addend * addend_scale, then ReLU.
typedef struct {
  int64_t rows, channels;
  bool bfloat16;
  const void *source;
  // [C]; both NULL for 1 and 0.
  const float *_Nullable scale, *_Nullable shift;
  // Of the source's size; NULL for none. `addend_scale` [C] is NULL for 1.
  const void *_Nullable addend;
  const float *_Nullable addend_scale;
  bool rectifies;
  // May be the source.
  void *destination;
} training_combination;

void training_combine(winograd_instructions instructions, const training_combination *combination);

// Writes the sums over rows of the numbers and of their squares, [C] each.
void training_sum(
    winograd_instructions instructions, int64_t rows, int64_t channels, bool bfloat16,
    const void *values, double *sums, double *squares);

// Gradient before ReLU from the one after it, in place, and its sums for the gradient of batch
// normalisations whose results were added up before the ReLU.
typedef struct {
  int64_t rows, channels;
  bool bfloat16;
  void *gradient;
  // Where it is not above zero, the gradient becomes 0: a stored result, or else the first term's
  // value * scale + shift as `training_combine` computes it. Both NULL for no ReLU.
  const void *_Nullable result;
  const float *_Nullable scale, *_Nullable shift;
  int term_count;
  // For each normalisation its source and its mean [C].
  const void *_Nullable values[2];
  const float *_Nullable means[2];
  // Sums over rows of the gradient, and of gradient * (value - mean); [C] each.
  double *_Nullable sums;
  double *_Nullable products[2];
} training_rectification;

void training_rectify(
    winograd_instructions instructions, const training_rectification *rectification);

typedef struct {
  int64_t images, channels, input_height, input_width, output_height, output_width;
  // At most 255 numbers.
  int64_t window_height, window_width, stride_height, stride_width, padding_top, padding_left;
  bool is_maximum;
  // Whether padding counts in an average's divisor.
  bool counts_padding;
  bool bfloat16;
} training_pooling;

// `choices` takes for each maximum its place in the window, the first of equal ones.
void training_pool(
    winograd_instructions instructions, const training_pooling *pooling, const void *source,
    void *destination, uint8_t *_Nullable choices);
// Writes the gradient of the source.
void training_pool_back(
    winograd_instructions instructions, const training_pooling *pooling, const void *gradient,
    const uint8_t *_Nullable choices, void *source_gradient);

// Every `stride`-th pixel, its channels after `leading` zeros and before other zeros.
typedef struct {
  int64_t images, input_height, input_width, input_channels, output_height, output_width,
      output_channels, stride, leading;
  bool bfloat16;
} training_sampling;

void training_sample(
    winograd_instructions instructions, const training_sampling *sampling, const void *source,
    void *destination);
void training_sample_back(
    winograd_instructions instructions, const training_sampling *sampling, const void *gradient,
    void *source_gradient);

// fp32 [C, pixels] to [pixels, C].
void training_interleave(
    int64_t channels, int64_t pixels, const float *planes, bool bfloat16, void *destination);

// Adds `count` arrays, `stride` floats apart, by a fixed tree into `sum`; overwrites the arrays.
void training_reduce(
    winograd_instructions instructions, float *arrays, int64_t count, int64_t stride,
    int64_t length, float *sum);

// Transforms filters that lie as [3][3][C][K] into the packed weights of `convolution`, as
// winograd_weights_pack does, but in fp32 and for all output channels of a vector at once; C and K
// are multiples of the channel block. `turned` filters are those of the convolution whose source's
// gradient is computed: they lie as [3][3][C][K] of `convolution` too, with their taps still in the
// order of the other. The bias is left as it is. Packs only the output channels from the first one,
// a multiple of two channel blocks, so that threads can share the work.
void training_pack_winograd(
    const winograd_convolution *convolution, const float *filters, bool turned,
    int64_t first_output, int64_t output_count, float *packed);

double training_square_sum(
    winograd_instructions instructions, int64_t count, const float *values);

// One update of `count` parameters, and of their running average if there is one.
typedef struct {
  int64_t count;
  float *parameters;
  const float *gradients;
  // Factor of the gradients, for clipping.
  float gradient_scale;
  float rate, decay;
  float *_Nullable average;
  float average_decay;
} training_update;

// Stochastic gradient descent as torch.optim.SGD defines it; `velocity` begins as zeros.
void training_update_sgd(
    winograd_instructions instructions, const training_update *update, float *velocity,
    float momentum, bool is_nesterov);

typedef struct {
  float first_decay, second_decay, epsilon;
  // 1 - decay^step of both moments.
  double first_correction, second_correction;
} training_adam;

// AdamW (Loshchilov and Hutter 2019) as torch.optim.AdamW computes it.
void training_update_adam(
    winograd_instructions instructions, const training_update *update,
    const training_adam *adam, float *first, float *second);

#pragma clang assume_nonnull end
