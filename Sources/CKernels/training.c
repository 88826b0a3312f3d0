#include "training_kernels.h"

static const training_kernels *kernels(winograd_instructions instructions) {
  switch (instructions) {
#if defined(__x86_64__)
    case WINOGRAD_AVX512: return &training_kernels_avx512;
    case WINOGRAD_AVX2: return &training_kernels_avx2;
#endif
    default: return &training_kernels_portable;
  }
}

void training_combine(winograd_instructions instructions, const training_combination *c) {
  kernels(instructions)->combine(c);
}

void training_sum(
    winograd_instructions instructions, int64_t rows, int64_t channels, bool bfloat16,
    const void *values, double *sums, double *squares) {
  kernels(instructions)->sum(rows, channels, bfloat16, values, sums, squares);
}

void training_rectify(winograd_instructions instructions, const training_rectification *r) {
  kernels(instructions)->rectify(r);
}

void training_pool(
    winograd_instructions instructions, const training_pooling *p, const void *source,
    void *destination, uint8_t *choices) {
  kernels(instructions)->pool(p, source, destination, choices);
}

void training_pool_back(
    winograd_instructions instructions, const training_pooling *p, const void *gradient,
    const uint8_t *choices, void *source_gradient) {
  kernels(instructions)->pool_back(p, gradient, choices, source_gradient);
}

void training_sample(
    winograd_instructions instructions, const training_sampling *s, const void *source,
    void *destination) {
  kernels(instructions)->sample(s, source, destination);
}

void training_sample_back(
    winograd_instructions instructions, const training_sampling *s, const void *gradient,
    void *source_gradient) {
  kernels(instructions)->sample_back(s, gradient, source_gradient);
}

// Pixels whose planes' lines stay in the cache while they are written.
static const int64_t interleaved_pixels = 64;

void training_interleave(
    int64_t channels, int64_t pixels, const float *planes, bool bfloat16, void *destination) {
  for (int64_t first = 0; first < pixels; first += interleaved_pixels) {
    const int64_t left = pixels - first;
    const int64_t count = left < interleaved_pixels ? left : interleaved_pixels;
    for (int64_t c = 0; c < channels; c++)
      for (int64_t p = first; p < first + count; p++) {
        const float value = planes[c * pixels + p];
        if (bfloat16)
          ((uint16_t *)destination)[p * channels + c] = training_bfloat16(value);
        else
          ((float *)destination)[p * channels + c] = value;
      }
  }
}

void training_reduce(
    winograd_instructions instructions, float *arrays, int64_t count, int64_t stride,
    int64_t length, float *sum) {
  kernels(instructions)->reduce(arrays, count, stride, length, sum);
}

void training_pack_winograd(
    const winograd_convolution *c, const float *filters, bool turned, int64_t first_output,
    int64_t output_count, float *packed) {
  kernels(c->instructions)
      ->pack_winograd(
          c->input_channels, c->output_channels, filters, turned, first_output, output_count,
          packed);
}

double training_square_sum(
    winograd_instructions instructions, int64_t count, const float *values) {
  return kernels(instructions)->square_sum(count, values);
}

void training_update_sgd(
    winograd_instructions instructions, const training_update *update, float *velocity,
    float momentum, bool is_nesterov) {
  kernels(instructions)->update_sgd(update, velocity, momentum, is_nesterov);
}

void training_update_adam(
    winograd_instructions instructions, const training_update *update,
    const training_adam *adam, float *first, float *second) {
  kernels(instructions)->update_adam(update, adam, first, second);
}
