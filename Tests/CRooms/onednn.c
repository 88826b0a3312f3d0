// Makes and runs primitives of COneDNN; sums in double precision must give the same. Which of them
// the library has for a processor is printed as notes.
#include "COneDNN.h"
#include "driver.h"

static const double tolerance = 1e-5;

static onednn_message message;
static onednn_engine *engine;
static onednn_stream *stream;

static void note(const char *name, const onednn_primitive *primitive) {
  printf("# %s: %s\n", name, onednn_primitive_implementation(primitive));
}

static void multiply(bool transposes_a, bool transposes_b, bool accumulates) {
  enum { rows = 19, columns = 23, depth = 37 };
  float *a = numbers_of(1, rows * depth), *b = numbers_of(2, depth * columns);
  float *c = numbers_of(3, rows * columns);
  double expected[rows * columns];
  for (int at = 0; at < rows * columns; at++) {
    const int i = at / columns, j = at % columns;
    expected[at] = accumulates ? c[at] : 0;
    for (int k = 0; k < depth; k++)
      expected[at] += (double)a[transposes_a ? k * rows + i : i * depth + k] *
                      b[transposes_b ? j * depth + k : k * columns + j];
  }
  const onednn_matrix_product product = {
      rows, columns, depth, transposes_a, transposes_b, accumulates};
  require(
      onednn_matrix_multiply(product, a, b, c, &message) == ONEDNN_OK, "%s", message.characters);
  expect_numbers("product", tolerance, c, expected, rows * columns);
  free(a);
  free(b);
  free(c);
}

// Runs a primitive with its own scratchpad and destroys it.
static void run(onednn_primitive *primitive, void *addresses[ONEDNN_ROLE_COUNT]) {
  addresses[ONEDNN_SCRATCHPAD] =
      memory_of(onednn_primitive_byte_count(primitive, ONEDNN_SCRATCHPAD));
  onednn_binding *binding;
  require(
      onednn_binding_create(engine, primitive, addresses, &binding, &message) == ONEDNN_OK &&
          onednn_binding_run(binding, stream, &message) == ONEDNN_OK,
      "%s", message.characters);
  onednn_binding_destroy(binding);
  onednn_primitive_destroy(primitive);
  free(addresses[ONEDNN_SCRATCHPAD]);
}

static void reorder(
    const onednn_layout *from, void *source, const onednn_layout *to, void *destination,
    float scale, int32_t zero) {
  onednn_primitive *primitive;
  require(
      onednn_reorder_create(engine, from, to, scale, 0, zero, &primitive, &message) == ONEDNN_OK,
      "%s", message.characters);
  run(primitive, (void *[ONEDNN_ROLE_COUNT]){
                     [ONEDNN_SOURCE] = source, [ONEDNN_DESTINATION] = destination});
}

static onednn_layout *row_major(const int64_t *dimensions, int rank) {
  onednn_layout *layout;
  require(
      onednn_layout_create(dimensions, rank, ONEDNN_FLOAT32, &layout, &message) == ONEDNN_OK, "%s",
      message.characters);
  return layout;
}

// Blocks of channels and back, and bytes with a zero of their own.
static void reorders(void) {
  enum { channels = 11, pixels = 5 * 7, count = 2 * channels * pixels };
  const int64_t dimensions[] = {2, channels, 5, 7};
  onednn_layout *plain = row_major(dimensions, 4), *blocked, *bytes;
  require(
      onednn_blocked_layout_create(dimensions, 8, ONEDNN_FLOAT32, &blocked, &message) ==
              ONEDNN_OK &&
          onednn_layout_recast(plain, ONEDNN_UNSIGNED8, &bytes, &message) == ONEDNN_OK,
      "%s", message.characters);
  require(
      onednn_layout_byte_count(blocked) == 2 * 16 * pixels * sizeof(float), "blocks of %zu bytes",
      onednn_layout_byte_count(blocked));
  float *numbers = numbers_of(4, count), *again = memory_of(count * sizeof *again);
  float *blocks = memory_of(onednn_layout_byte_count(blocked));
  uint8_t *integers = memory_of(count);
  reorder(plain, numbers, blocked, blocks, 1, 0);
  for (int at = 0; at < 2 * 16 * pixels; at++) {
    const int k = at / 8 / pixels % 2 * 8 + at % 8, n = at / 16 / pixels, p = at / 8 % pixels;
    const float expected = k < channels ? numbers[(n * channels + k) * pixels + p] : 0;
    require(blocks[at] == expected, "block number %d is %g, not %g", at, blocks[at], expected);
  }
  reorder(blocked, blocks, plain, again, 1, 0);
  require(memcmp(numbers, again, count * sizeof *again) == 0, "other numbers come back");
  reorder(plain, numbers, bytes, integers, 60, 100);
  for (int at = 0; at < count; at++) {
    const double expected = nearbyint(numbers[at] * 60.) + 100;
    require(fabs(integers[at] - expected) <= 1, "%g becomes %d", numbers[at], integers[at]);
  }
  printf(
      "reordered %016llx %016llx\n", (unsigned long long)digest(0, blocks, 2 * 16 * pixels * 4),
      (unsigned long long)digest(0, integers, count));
  onednn_layout_destroy(plain);
  onednn_layout_destroy(blocked);
  onednn_layout_destroy(bytes);
  free(numbers);
  free(again);
  free(blocks);
  free(integers);
}

// The sums of a convolution with bias and ReLU, padded so that its maps have one size.
static void convolve_plainly(
    const onednn_convolution *c, const float *source, const float *weights, const float *bias,
    double *sums) {
  const int64_t size = c->input_height, kernel = c->kernel_height, padding = kernel / 2;
  const int64_t taps = c->input_channels * kernel * kernel;
  for (int64_t at = 0; at < c->output_channels * size * size; at++) {
    const int64_t x = at % size, y = at / size % size, k = at / size / size;
    double sum = bias[k];
    for (int64_t tap = 0; tap < taps; tap++) {
      const int64_t j = tap % kernel, i = tap / kernel % kernel, channel = tap / kernel / kernel;
      const int64_t row = y + i - padding, column = x + j - padding;
      if (row >= 0 && row < size && column >= 0 && column < size)
        sum += (double)source[(channel * size + row) * size + column] * weights[k * taps + tap];
    }
    sums[at] = sum < 0 ? 0 : sum;
  }
}

// A convolution with bias and ReLU in the layouts that the primitive chooses.
static void convolve(int64_t channels, int64_t outputs, int64_t size, int64_t kernel) {
  const int64_t padding = kernel / 2;
  const onednn_convolution c = {
      .batch = 1, .input_channels = channels, .input_height = size, .input_width = size,
      .output_channels = outputs, .output_height = size, .output_width = size,
      .kernel_height = kernel, .kernel_width = kernel, .stride_height = 1, .stride_width = 1,
      .padding_top = padding, .padding_left = padding, .padding_bottom = padding,
      .padding_right = padding, .dilation_height = 1, .dilation_width = 1, .groups = 1,
      .has_bias = true, .applies_relu = true};
  onednn_primitive *primitive;
  require(
      onednn_convolution_create(engine, &c, NULL, NULL, NULL, NULL, &primitive, &message) ==
          ONEDNN_OK,
      "%s", message.characters);
  note("convolution", primitive);
  const size_t inputs = (size_t)(channels * size * size), count = (size_t)(outputs * size * size);
  float *source = numbers_of(5, inputs), *bias = numbers_of(7, (size_t)outputs);
  float *weights = numbers_of(6, (size_t)(outputs * channels * kernel * kernel));
  float *result = memory_of(count * sizeof *result);
  double *expected = memory_of(count * sizeof *expected);
  convolve_plainly(&c, source, weights, bias, expected);
  void *addresses[ONEDNN_ROLE_COUNT] = {[ONEDNN_BIAS] = bias};
  onednn_layout *plain[3] = {
      row_major((int64_t[]){1, channels, size, size}, 4),
      row_major((int64_t[]){outputs, channels, kernel, kernel}, 4),
      row_major((int64_t[]){1, outputs, size, size}, 4)};
  onednn_layout *own[3];
  static const onednn_role roles[] = {ONEDNN_SOURCE, ONEDNN_WEIGHTS, ONEDNN_DESTINATION};
  float *numbers[] = {source, weights, result};
  for (int index = 0; index < 3; index++) {
    require(
        onednn_primitive_layout(primitive, roles[index], &own[index], &message) == ONEDNN_OK, "%s",
        message.characters);
    addresses[roles[index]] = memory_of(onednn_layout_byte_count(own[index]));
    if (index < 2)
      reorder(plain[index], numbers[index], own[index], addresses[roles[index]], 1, 0);
  }
  run(primitive, addresses);
  reorder(own[2], addresses[ONEDNN_DESTINATION], plain[2], result, 1, 0);
  expect_numbers("convolution", tolerance, result, expected, count);
  for (int index = 0; index < 3; index++) {
    onednn_layout_destroy(plain[index]);
    onednn_layout_destroy(own[index]);
    free(addresses[roles[index]]);
    free(numbers[index]);
  }
  free(bias);
  free(expected);
}

// Functions of the numbers of [1, C, H, W] with the channels last, and of their windows; more than
// what reference loops may do on x86-64.
static void elementwise(void) {
  enum { channels = 64, side = 24, half = side / 2, count = channels * side * side };
  const int64_t dimensions[] = {1, channels, side, side};
  onednn_layout *layout;
  require(
      onednn_blocked_layout_create(dimensions, 0, ONEDNN_FLOAT32, &layout, &message) == ONEDNN_OK,
      "%s", message.characters);
  float *source = numbers_of(8, count), *addend = numbers_of(9, count);
  float *result = memory_of(count * sizeof *result);
  double *expected = memory_of(count * sizeof *expected);
  void *addresses[ONEDNN_ROLE_COUNT] = {
      [ONEDNN_SOURCE] = source, [ONEDNN_ADDEND] = addend, [ONEDNN_DESTINATION] = result};
  onednn_primitive *primitive;
  require(
      onednn_elementwise_create(engine, ONEDNN_LOGISTIC, 0, 0, layout, &primitive, &message) ==
          ONEDNN_OK,
      "%s", message.characters);
  note("logistic", primitive);
  run(primitive, addresses);
  for (int at = 0; at < count; at++) expected[at] = 1 / (1 + exp(-(double)source[at]));
  expect_numbers("logistic", tolerance, result, expected, count);
  require(
      onednn_combination_create(engine, ONEDNN_ADD, layout, layout, &primitive, &message) ==
          ONEDNN_OK,
      "%s", message.characters);
  note("sum", primitive);
  run(primitive, addresses);
  for (int at = 0; at < count; at++) expected[at] = (double)source[at] + addend[at];
  expect_numbers("sum", tolerance, result, expected, count);
  const onednn_pooling pooling = {
      .kind = ONEDNN_MAXIMUM, .batch = 1, .channels = channels, .output_height = half,
      .output_width = half, .window_height = 2, .window_width = 2, .stride_height = 2,
      .stride_width = 2};
  require(
      onednn_pooling_create(engine, &pooling, layout, &primitive, &message) == ONEDNN_OK, "%s",
      message.characters);
  note("maximum", primitive);
  run(primitive, addresses);
  for (int at = 0; at < count / 4; at++) {
    const int k = at % channels, x = at / channels % half, y = at / channels / half;
    const float *first = source + (2 * y * side + 2 * x) * channels + k;
    expected[at] = fmax(
        fmax(first[0], first[channels]),
        fmax(first[side * channels], first[(side + 1) * channels]));
  }
  expect_numbers("maximum", 0, result, expected, count / 4);
  onednn_layout_destroy(layout);
  free(source);
  free(addend);
  free(result);
  free(expected);
}

int main(void) {
  int major, minor, patch;
  onednn_version(&major, &minor, &patch);
  printf("%d.%d.%d\n", major, minor, patch);
  printf("# instructions: %d\n", onednn_instructions_used());
#if !defined(__x86_64__)
  // Numbers of other instructions would stand for those of x86-64.
  onednn_instructions_cap(ONEDNN_AVX2);
  require(
      onednn_instructions_used() == ONEDNN_X86_64, "instructions %d", onednn_instructions_used());
#endif
  onednn_threads_set(2);
  require(onednn_threads() == 2, "%d threads", onednn_threads());
  require(
      onednn_engine_create(&engine, &message) == ONEDNN_OK &&
          onednn_stream_create(engine, &stream, &message) == ONEDNN_OK,
      "%s", message.characters);
  for (int variant = 0; variant < 8; variant++) multiply(variant & 1, variant & 2, variant & 4);
  reorders();
  convolve(4, 8, 6, 3);
  convolve(64, 64, 12, 1);
  convolve(64, 64, 12, 3);
  elementwise();
  onednn_team_begin(2);
  onednn_team_end();
  onednn_cache_empty();
  onednn_freed_memory_return();
  onednn_stream_destroy(stream);
  onednn_engine_destroy(engine);
}
