// Convolves numbers by CKernels' portable kernels, and computes the gradients of filters; sums in
// double precision must give the same.
#include "CKernels.h"
#include "driver.h"

// Of F(4x4, 3x3) in single precision, as in Tests/EngineTests; bfloat16 has 8 bits.
static const double tolerance = 2e-5, bfloat16_tolerance = 1. / 128;

typedef struct {
  const char *name;
  winograd_convolution convolution;
  bool has_bias;
} convolution_case;

static float from_bfloat16(uint16_t bits) {
  const uint32_t word = (uint32_t)bits << 16;
  float number;
  memcpy(&number, &word, sizeof number);
  return number;
}

static uint16_t to_bfloat16(float number) {
  uint32_t word;
  memcpy(&word, &number, sizeof word);
  return (uint16_t)((word + 0x7FFF + (word >> 16 & 1)) >> 16);
}

// Place of a number of [N, C, H, W] in one of the two layouts.
static size_t place(
    const winograd_convolution *c, int64_t channels, int64_t height, int64_t width, int64_t n,
    int64_t channel, int64_t y, int64_t x) {
  const int64_t block = winograd_channel_block(c->instructions);
  const int64_t blocks = (channels + block - 1) / block;
  if (c->channels_last)
    return (size_t)(((n * height + y) * width + x) * blocks * block + channel);
  return (size_t)(
      (((n * blocks + channel / block) * height + y) * width + x) * block + channel % block);
}

// A tensor in a layout, as the kernels read and write it.
typedef struct {
  const winograd_convolution *convolution;
  int64_t channels, height, width;
  size_t count;
  void *numbers;
} tensor;

static tensor tensor_make(
    const winograd_convolution *c, int64_t channels, int64_t height, int64_t width) {
  const int64_t block = winograd_channel_block(c->instructions);
  const int64_t padded = (channels + block - 1) / block * block;
  tensor made = {c, channels, height, width, (size_t)(c->batch * padded * height * width), NULL};
  made.numbers = memory_of(made.count * sizeof(float));
  memset(made.numbers, 0, made.count * sizeof(float));
  return made;
}

static double get(const tensor *t, int64_t n, int64_t channel, int64_t y, int64_t x) {
  const size_t at = place(t->convolution, t->channels, t->height, t->width, n, channel, y, x);
  return t->convolution->bfloat16 ? from_bfloat16(((uint16_t *)t->numbers)[at])
                                  : ((float *)t->numbers)[at];
}

static void fill(const tensor *t, uint64_t seed) {
  uint64_t state = seed;
  for (int64_t n = 0; n < t->convolution->batch; n++)
    for (int64_t channel = 0; channel < t->channels; channel++)
      for (int64_t y = 0; y < t->height; y++)
        for (int64_t x = 0; x < t->width; x++) {
          float number;
          fill_numbers(next_bits(&state), &number, 1);
          const size_t at =
              place(t->convolution, t->channels, t->height, t->width, n, channel, y, x);
          if (t->convolution->bfloat16)
            ((uint16_t *)t->numbers)[at] = to_bfloat16(number);
          else
            ((float *)t->numbers)[at] = number;
        }
}

static double convolve_one(
    const convolution_case *which, const tensor *source, const float *weights, const float *bias,
    int64_t n, int64_t k, int64_t y, int64_t x) {
  const winograd_convolution *c = &which->convolution;
  double sum = which->has_bias ? bias[k] : 0;
  for (int64_t channel = 0; channel < c->input_channels; channel++)
    for (int64_t i = 0; i < 3; i++)
      for (int64_t j = 0; j < 3; j++) {
        const int64_t row = y + i - c->padding_height, column = x + j - c->padding_width;
        if (row < 0 || row >= c->input_height || column < 0 || column >= c->input_width) continue;
        sum += get(source, n, channel, row, column) *
               weights[((k * c->input_channels + channel) * 3 + i) * 3 + j];
      }
  return sum;
}

static void run(const convolution_case *which) {
  const winograd_convolution *c = &which->convolution;
  const int64_t height = c->input_height + 2 * c->padding_height - 2;
  const int64_t width = c->input_width + 2 * c->padding_width - 2;
  const int64_t outputs = c->output_channels;
  const tensor source = tensor_make(c, c->input_channels, c->input_height, c->input_width);
  const tensor destination = tensor_make(c, outputs, height, width);
  fill(&source, 1);
  fill(&destination, 2);
  float *weights = numbers_of(3, (size_t)(outputs * c->input_channels * 9));
  float *bias = numbers_of(4, (size_t)outputs);
  const size_t count = (size_t)(c->batch * outputs * height * width);
  double *expected = memory_of(count * sizeof *expected);
  float *computed = memory_of(count * sizeof *computed);
  size_t at = 0;
  for (int64_t n = 0; n < c->batch; n++)
    for (int64_t k = 0; k < outputs; k++)
      for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
          double sum = convolve_one(which, &source, weights, bias, n, k, y, x);
          if (c->adds_to_destination) sum += get(&destination, n, k, y, x);
          expected[at++] = c->applies_relu && sum < 0 ? 0 : sum;
        }
  float *packed = memory_of(winograd_weight_count(c) * sizeof *packed);
  void *scratch = memory_of(winograd_scratch_byte_count(c));
  winograd_weights_pack(c, weights, which->has_bias ? bias : NULL, packed);
  winograd_run(c, source.numbers, packed, destination.numbers, scratch);
  at = 0;
  for (int64_t n = 0; n < c->batch; n++)
    for (int64_t k = 0; k < outputs; k++)
      for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++)
          computed[at++] = (float)get(&destination, n, k, y, x);
  expect_numbers(
      which->name, c->bfloat16 ? bfloat16_tolerance : tolerance, computed, expected, count);
  free(source.numbers);
  free(destination.numbers);
  free(weights);
  free(bias);
  free(expected);
  free(computed);
  free(packed);
  free(scratch);
}

static void run_gradient(const char *name, winograd_convolution c) {
  const int64_t height = c.input_height + 2 * c.padding_height - 2;
  const int64_t width = c.input_width + 2 * c.padding_width - 2;
  const tensor source = tensor_make(&c, c.input_channels, c.input_height, c.input_width);
  const tensor gradient = tensor_make(&c, c.output_channels, height, width);
  fill(&source, 5);
  fill(&gradient, 6);
  const size_t count = (size_t)(9 * c.input_channels * c.output_channels);
  double *expected = memory_of(count * sizeof *expected);
  size_t at = 0;
  for (int64_t i = 0; i < 3; i++)
    for (int64_t j = 0; j < 3; j++)
      for (int64_t channel = 0; channel < c.input_channels; channel++)
        for (int64_t k = 0; k < c.output_channels; k++) {
          double sum = 0;
          for (int64_t n = 0; n < c.batch; n++)
            for (int64_t y = 0; y < height; y++)
              for (int64_t x = 0; x < width; x++) {
                const int64_t row = y + i - c.padding_height, column = x + j - c.padding_width;
                if (row < 0 || row >= c.input_height || column < 0 || column >= c.input_width)
                  continue;
                sum += get(&source, n, channel, row, column) * get(&gradient, n, k, y, x);
              }
          expected[at++] = sum;
        }
  float *filters = memory_of(count * sizeof *filters);
  void *scratch = memory_of(winograd_gradient_scratch_byte_count(&c));
  winograd_gradient_run(&c, source.numbers, gradient.numbers, filters, scratch);
  expect_numbers(name, tolerance, filters, expected, count);
  free(source.numbers);
  free(gradient.numbers);
  free(expected);
  free(filters);
  free(scratch);
}

int main(void) {
  static const convolution_case cases[] = {
      {"blocked",
       {.batch = 2, .input_channels = 17, .input_height = 9, .input_width = 13,
        .output_channels = 21, .padding_height = 1, .padding_width = 1, .threads = 1},
       true},
      {"residual",
       {.batch = 1, .input_channels = 16, .input_height = 8, .input_width = 8,
        .output_channels = 24, .padding_height = 1, .padding_width = 1,
        .adds_to_destination = true, .applies_relu = true, .threads = 3},
       true},
      {"channels-last",
       {.batch = 3, .input_channels = 24, .input_height = 5, .input_width = 6,
        .output_channels = 16, .padding_height = 2, .padding_width = 0, .applies_relu = true,
        .channels_last = true, .threads = 2},
       false},
      {"bfloat16",
       {.batch = 1, .input_channels = 8, .input_height = 7, .input_width = 10,
        .output_channels = 16, .padding_height = 1, .padding_width = 1, .bfloat16 = true,
        .threads = 1},
       true},
      {"bfloat16-residual",
       {.batch = 1, .input_channels = 16, .input_height = 6, .input_width = 6,
        .output_channels = 8, .padding_height = 1, .padding_width = 1,
        .adds_to_destination = true, .channels_last = true, .bfloat16 = true, .threads = 2},
       false},
  };
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) run(&cases[index]);
  run_gradient(
      "gradient",
      (winograd_convolution){
          .batch = 3, .input_channels = 16, .input_height = 9, .input_width = 7,
          .output_channels = 24, .padding_height = 1, .padding_width = 1, .channels_last = true,
          .threads = 1});
  run_gradient(
      "gradient-of-several-passes",
      (winograd_convolution){
          .batch = 12, .input_channels = 16, .input_height = 16, .input_width = 16,
          .output_channels = 16, .padding_height = 1, .padding_width = 1, .channels_last = true,
          .threads = 1});
#if !defined(__x86_64__)
  require(
      winograd_instructions_best() == WINOGRAD_PORTABLE,
      "the portable kernels are all that there is for this processor");
#endif
}
