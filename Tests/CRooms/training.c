// Runs the portable passes of CKernels over a network in training; sums in double precision must
// give the same.
#include "CKernels.h"
#include "driver.h"

enum { rows = 37, channels = 21, count = rows * channels };

// A few roundings of fp32, and as many where sums are in double precision already.
static const double tolerance = 1e-6;

static void expect_doubles(
    const char *name, const double *computed, const double *expected, size_t length) {
  float *numbers = memory_of(length * sizeof *numbers);
  for (size_t index = 0; index < length; index++) numbers[index] = (float)computed[index];
  expect_numbers(name, tolerance, numbers, expected, length);
  free(numbers);
}

static void combine(const float *source, const float *addend, const float *scale) {
  float destination[count];
  double expected[count];
  const float *shift = scale + channels, *addend_scale = scale + 2 * channels;
  for (int variant = 0; variant < 16; variant++) {
    const bool scales = variant & 1, adds = variant & 2, adds_scaled = variant & 4;
    const training_combination what = {
        .rows = rows, .channels = channels, .source = source, .scale = scales ? scale : NULL,
        .shift = scales ? shift : NULL, .addend = adds ? addend : NULL,
        .addend_scale = adds && scales && adds_scaled ? addend_scale : NULL,
        .rectifies = variant & 8, .destination = destination};
    training_combine(WINOGRAD_PORTABLE, &what);
    for (int at = 0; at < count; at++) {
      const int k = at % channels;
      double value = source[at];
      if (what.scale) value = value * scale[k] + shift[k];
      if (what.addend)
        value += what.addend_scale ? (double)addend[at] * addend_scale[k] : addend[at];
      expected[at] = what.rectifies && value < 0 ? 0 : value;
    }
    expect_numbers("combine", tolerance, destination, expected, count);
  }
}

static void sums(const float *values) {
  double *computed = memory_of(2 * channels * sizeof *computed), expected[2 * channels] = {0};
  for (int at = 0; at < count; at++) {
    expected[at % channels] += values[at];
    expected[channels + at % channels] += (double)values[at] * values[at];
  }
  training_sum(WINOGRAD_PORTABLE, rows, channels, false, values, computed, computed + channels);
  expect_doubles("sum", computed, expected, 2 * channels);
  double square = 0;
  for (int at = 0; at < count; at++) square += (double)values[at] * values[at];
  const double found = training_square_sum(WINOGRAD_PORTABLE, count, values);
  expect_doubles("square-sum", &found, &square, 1);
  free(computed);
}

static void rectify(const float *values, const float *result, const float *scale) {
  float *gradient = memory_of(count * sizeof *gradient);
  double *found = memory_of(3 * channels * sizeof *found);
  const float *shift = scale + channels, *means = scale + 2 * channels;
  // By a result with two normalisations, with one and with none; by the first term; by nothing.
  static const struct {
    bool by_result, by_term;
    int terms;
  } variants[] = {{true, false, 2}, {true, false, 1}, {true, false, 0}, {false, true, 1},
                  {false, false, 2}, {false, false, 1}};
  for (size_t index = 0; index < sizeof variants / sizeof variants[0]; index++) {
    const bool by_result = variants[index].by_result, by_term = variants[index].by_term;
    const int terms = variants[index].terms;
    fill_numbers(30 + index, gradient, count);
    double expected[count], expected_sums[3 * channels] = {0};
    for (int at = 0; at < count; at++) {
      const int k = at % channels;
      const bool passes = by_result ? result[at] > 0
                          : by_term ? fmaf(values[at], scale[k], shift[k]) > 0
                                    : true;
      const double g = passes ? gradient[at] : 0;
      expected[at] = g;
      expected_sums[k] += g;
      expected_sums[channels + k] += g * ((double)values[at] - means[k]);
      expected_sums[2 * channels + k] += g * ((double)result[at] - means[k]);
    }
    const training_rectification what = {
        .rows = rows, .channels = channels, .gradient = gradient,
        .result = by_result ? result : NULL, .scale = by_term ? scale : NULL,
        .shift = by_term ? shift : NULL, .term_count = terms, .values = {values, result},
        .means = {means, means}, .sums = terms > 0 ? found : NULL,
        .products = {found + channels, found + 2 * channels}};
    training_rectify(WINOGRAD_PORTABLE, &what);
    expect_numbers("rectify", tolerance, gradient, expected, count);
    if (terms > 0)
      expect_doubles("rectify-sums", found, expected_sums, (size_t)(1 + terms) * channels);
  }
  free(gradient);
  free(found);
}

static bool is_inside(const training_pooling *p, int64_t y, int64_t x) {
  return y >= 0 && y < p->input_height && x >= 0 && x < p->input_width;
}

static void pool(const training_pooling *p) {
  const size_t inputs = (size_t)(p->images * p->input_height * p->input_width * p->channels);
  const size_t outputs = (size_t)(p->images * p->output_height * p->output_width * p->channels);
  float *source = numbers_of(41, inputs), *gradient = numbers_of(42, outputs);
  float *destination = memory_of(outputs * sizeof *destination);
  float *back = memory_of(inputs * sizeof *back);
  uint8_t *choices = memory_of(outputs);
  double *expected = memory_of(outputs * sizeof *expected);
  double *expected_back = calloc(inputs, sizeof *expected_back);
  require(expected_back, "no memory");
  for (size_t out = 0; out < outputs; out++) {
    const int64_t k = (int64_t)out % p->channels, pixel = (int64_t)out / p->channels;
    const int64_t column = pixel % p->output_width, line = pixel / p->output_width;
    const int64_t row = line % p->output_height, n = line / p->output_height;
    size_t places[256];
    int found = 0;
    for (int64_t i = 0; i < p->window_height; i++)
      for (int64_t j = 0; j < p->window_width; j++) {
        const int64_t y = row * p->stride_height - p->padding_top + i;
        const int64_t x = column * p->stride_width - p->padding_left + j;
        if (is_inside(p, y, x))
          places[found++] = (size_t)(
              ((n * p->input_height + y) * p->input_width + x) * p->channels + k);
      }
    const double divisor =
        p->counts_padding ? (double)(p->window_height * p->window_width) : found;
    size_t chosen = places[0];
    double sum = 0;
    for (int index = 0; index < found; index++) {
      if (source[places[index]] > source[chosen]) chosen = places[index];
      sum += source[places[index]];
      if (!p->is_maximum) expected_back[places[index]] += gradient[out] / divisor;
    }
    if (p->is_maximum) expected_back[chosen] += gradient[out];
    expected[out] = p->is_maximum ? source[chosen] : sum / divisor;
  }
  training_pool(WINOGRAD_PORTABLE, p, source, destination, p->is_maximum ? choices : NULL);
  training_pool_back(WINOGRAD_PORTABLE, p, gradient, p->is_maximum ? choices : NULL, back);
  expect_numbers("pool", tolerance, destination, expected, outputs);
  expect_numbers("pool-back", tolerance, back, expected_back, inputs);
  free(source);
  free(gradient);
  free(destination);
  free(back);
  free(choices);
  free(expected);
  free(expected_back);
}

static void sample(void) {
  const training_sampling s = {
      .images = 2, .input_height = 5, .input_width = 7, .input_channels = 3, .output_height = 3,
      .output_width = 4, .output_channels = 8, .stride = 2, .leading = 2};
  enum { inputs = 2 * 5 * 7 * 3, outputs = 2 * 3 * 4 * 8 };
  float *source = numbers_of(51, inputs), *gradient = numbers_of(52, outputs);
  float destination[outputs], back[inputs];
  double expected[outputs] = {0}, expected_back[inputs] = {0};
  for (int pixel = 0; pixel < outputs / 8; pixel++)
    for (int k = 0; k < 3; k++) {
      const int column = pixel % 4, row = pixel / 4 % 3, n = pixel / 12;
      const int from = ((n * 5 + 2 * row) * 7 + 2 * column) * 3 + k, to = pixel * 8 + 2 + k;
      expected[to] = source[from];
      expected_back[from] = gradient[to];
    }
  training_sample(WINOGRAD_PORTABLE, &s, source, destination);
  training_sample_back(WINOGRAD_PORTABLE, &s, gradient, back);
  expect_numbers("sample", 0, destination, expected, outputs);
  expect_numbers("sample-back", 0, back, expected_back, inputs);
  free(source);
  free(gradient);
}

static void move(void) {
  enum { planes = 5, pixels = 131, arrays = 7, length = 300, stride = 320 };
  float *source = numbers_of(61, planes * pixels), interleaved[planes * pixels];
  double expected[planes * pixels];
  for (int k = 0; k < planes; k++)
    for (int p = 0; p < pixels; p++) expected[p * planes + k] = source[k * pixels + p];
  training_interleave(planes, pixels, source, false, interleaved);
  expect_numbers("interleave", 0, interleaved, expected, planes * pixels);
  float *terms = numbers_of(62, arrays * stride), sum[length];
  double expected_sum[length] = {0};
  for (int at = 0; at < arrays * stride; at++)
    if (at % stride < length) expected_sum[at % stride] += terms[at];
  training_reduce(WINOGRAD_PORTABLE, terms, arrays, stride, length, sum);
  expect_numbers("reduce", tolerance, sum, expected_sum, length);
  free(source);
  free(terms);
}

// Packs filters as the engine's own packing does from weights in another order.
static void pack(bool turned) {
  const winograd_convolution c = {
      .batch = 1, .input_channels = 16, .input_height = 8, .input_width = 8,
      .output_channels = 24, .channels_last = true, .threads = 1};
  const size_t packed_count = winograd_weight_count(&c);
  float *weights = numbers_of(71, 24 * 16 * 9), *filters = memory_of(24 * 16 * 9 * sizeof(float));
  for (int tap = 0; tap < 9; tap++)
    for (int channel = 0; channel < 16; channel++)
      for (int k = 0; k < 24; k++)
        filters[((turned ? 8 - tap : tap) * 16 + channel) * 24 + k] =
            weights[(k * 16 + channel) * 9 + tap];
  float *packed = memory_of(packed_count * sizeof *packed);
  float *expected = memory_of(packed_count * sizeof *expected);
  winograd_weights_pack(&c, weights, NULL, expected);
  memset(packed, 0, packed_count * sizeof *packed);
  training_pack_winograd(&c, filters, turned, 0, 16, packed);
  training_pack_winograd(&c, filters, turned, 16, 8, packed);
  double *wanted = memory_of(packed_count * sizeof *wanted);
  for (size_t at = 0; at < packed_count; at++) wanted[at] = expected[at];
  expect_numbers("pack", tolerance, packed, wanted, packed_count);
  free(weights);
  free(filters);
  free(packed);
  free(expected);
  free(wanted);
}

// Three steps of each optimiser against the same in double precision.
static void update(bool is_nesterov, bool is_adam) {
  float *parameters = numbers_of(81, count), *gradients = numbers_of(82, count);
  float average[count], first[count] = {0}, second[count] = {0};
  memcpy(average, parameters, sizeof average);
  double p[count], a[count], m[count] = {0}, v[count] = {0};
  for (int at = 0; at < count; at++) p[at] = a[at] = parameters[at];
  const training_update u = {
      .count = count, .parameters = parameters, .gradients = gradients, .gradient_scale = 0.5f,
      .rate = 0.125f, .decay = 0.0625f, .average = average, .average_decay = 0.75f};
  for (int step = 1; step <= 3; step++) {
    const training_adam adam = {
        .first_decay = 0.875f, .second_decay = 0.96875f, .epsilon = 0.0001f,
        .first_correction = 1 - pow(0.875, step), .second_correction = 1 - pow(0.96875, step)};
    if (is_adam)
      training_update_adam(WINOGRAD_PORTABLE, &u, &adam, first, second);
    else
      training_update_sgd(WINOGRAD_PORTABLE, &u, first, 0.875f, is_nesterov);
    for (int at = 0; at < count; at++) {
      double g = (double)gradients[at] * u.gradient_scale;
      if (is_adam) {
        m[at] = 0.875 * m[at] + 0.125 * g;
        v[at] = 0.96875 * v[at] + 0.03125 * g * g;
        const double root = sqrt(v[at]) / sqrt(adam.second_correction) + adam.epsilon;
        p[at] = p[at] * (1 - (double)u.rate * u.decay) -
                u.rate * m[at] / adam.first_correction / root;
      } else {
        g += p[at] * u.decay;
        m[at] = 0.875 * m[at] + g;
        p[at] -= u.rate * (is_nesterov ? g + 0.875 * m[at] : m[at]);
      }
      a[at] = a[at] * 0.75 + p[at] * 0.25;
    }
  }
  const char *name = is_adam ? "adam" : is_nesterov ? "nesterov" : "sgd";
  expect_numbers(name, tolerance, parameters, p, count);
  expect_numbers("average", tolerance, average, a, count);
  free(parameters);
  free(gradients);
}

int main(void) {
  float *source = numbers_of(11, count), *addend = numbers_of(12, count);
  float *scale = numbers_of(13, 3 * channels);
  combine(source, addend, scale);
  sums(source);
  rectify(source, addend, scale);
  training_pooling p = {
      .images = 2, .channels = channels, .input_height = 9, .input_width = 8, .output_height = 5,
      .output_width = 4, .window_height = 3, .window_width = 3, .stride_height = 2,
      .stride_width = 2, .padding_top = 1, .padding_left = 1, .is_maximum = true};
  pool(&p);
  p.is_maximum = false;
  pool(&p);
  p.counts_padding = true;
  pool(&p);
  sample();
  move();
  pack(false);
  pack(true);
  update(false, false);
  update(true, false);
  update(false, true);
  free(source);
  free(addend);
  free(scale);
}
