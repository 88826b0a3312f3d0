// Runs the portable kernels of CKernels for maxima of windows; a plain loop must give the same.
#include "CKernels.h"
#include "driver.h"

typedef struct {
  const char *name;
  maximum_pooling pooling;
} pooling_case;

static size_t byte_count(maximum_number number) {
  return number == MAXIMUM_FP32 ? 4 : number == MAXIMUM_BF16 ? 2 : 1;
}

// Every fourth floating-point number is one of these, by its upper half: infinities, zeros, least
// numbers, NaN.
static const uint16_t special[] = {0x7F80, 0xFF80, 0, 0x8000, 1, 0x8001, 0x7FC0, 0xFFFF};

static void fill(uint8_t *numbers, size_t count, maximum_number number) {
  uint64_t state = 91 + (uint64_t)number;
  for (size_t index = 0; index < count; index++) {
    const uint64_t bits = next_bits(&state);
    // An exponent near that of 1, so that nothing else is special.
    uint32_t word = ((uint32_t)(bits >> 32) & 0x83FFFFFF) | 0x3C000000;
    if (bits % 4 == 0) word = (uint32_t)special[bits / 4 % 8] << 16;
    if (number == MAXIMUM_FP32)
      memcpy(numbers + 4 * index, &word, 4);
    else if (number == MAXIMUM_BF16)
      memcpy(numbers + 2 * index, &(uint16_t){(uint16_t)(word >> 16)}, 2);
    else
      numbers[index] = (uint8_t)(bits >> 32);
  }
}

// Place of a number among all others; that of NaN is `nan_rank`.
static const int64_t nan_rank = INT64_MAX;

static int64_t rank(const uint8_t *numbers, int64_t index, maximum_number number) {
  uint32_t word = 0;
  if (number == MAXIMUM_U8) return numbers[index];
  if (number == MAXIMUM_S8) return (int8_t)numbers[index];
  if (number == MAXIMUM_FP32) {
    memcpy(&word, numbers + 4 * index, 4);
  } else {
    uint16_t half;
    memcpy(&half, numbers + 2 * index, 2);
    word = (uint32_t)half << 16;
  }
  const uint32_t magnitude = word & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return nan_rank;
  return word >> 31 ? -1 - (int64_t)magnitude : (int64_t)magnitude;
}

static int64_t expected(const maximum_pooling *p, const uint8_t *source, int64_t out) {
  const int64_t k = out % p->channels, pixel = out / p->channels;
  const int64_t column = pixel % p->output_width, line = pixel / p->output_width;
  const int64_t row = line % p->output_height, image = line / p->output_height;
  int64_t best = INT64_MIN;
  for (int64_t i = 0; i < p->window_height; i++)
    for (int64_t j = 0; j < p->window_width; j++) {
      const int64_t y = row * p->stride_height - p->padding_top + i;
      const int64_t x = column * p->stride_width - p->padding_left + j;
      if (y < 0 || y >= p->input_height || x < 0 || x >= p->input_width) continue;
      const int64_t found = rank(
          source, ((image * p->input_height + y) * p->input_width + x) * p->channels + k,
          p->number);
      if (found > best) best = found;
    }
  return best;
}

static void run(const pooling_case *which, maximum_number number) {
  maximum_pooling p = which->pooling;
  p.number = number;
  require(maximum_pooling_computes(&p), "%s: not computed", which->name);
  const size_t size = byte_count(number);
  const size_t inputs = (size_t)(p.images * p.input_height * p.input_width * p.channels);
  const size_t outputs = (size_t)(p.images * p.output_height * p.output_width * p.channels);
  // Blocks of exactly the size, of which nothing is aligned.
  uint8_t *source = malloc(1 + inputs * size), *destination = malloc(1 + outputs * size);
  require(source && destination, "no memory");
  fill(source + 1, inputs, number);
  memset(destination, 0x5A, 1 + outputs * size);
  maximum_pooling_run(&p, source + 1, destination + 1);
  for (size_t out = 0; out < outputs; out++)
    require(
        rank(destination + 1, (int64_t)out, number) == expected(&p, source + 1, (int64_t)out),
        "%s: number %zu of type %d is wrong", which->name, out, (int)number);
  printf(
      "%s %d: %016llx\n", which->name, (int)number,
      (unsigned long long)digest(no_bytes_digest, destination + 1, outputs * size));
  free(source);
  free(destination);
}

int main(void) {
  static const pooling_case cases[] = {
      {"stem",
       {.images = 2, .channels = 64, .input_height = 9, .input_width = 8, .output_height = 5,
        .output_width = 4, .window_height = 3, .window_width = 3, .stride_height = 2,
        .stride_width = 2, .padding_top = 1, .padding_left = 1, .threads = 1}},
      {"tail",
       {.images = 1, .channels = 107, .input_height = 6, .input_width = 7, .output_height = 3,
        .output_width = 3, .window_height = 2, .window_width = 2, .stride_height = 2,
        .stride_width = 2, .threads = 3}},
      {"wide",
       {.images = 3, .channels = 33, .input_height = 5, .input_width = 4, .output_height = 4,
        .output_width = 3, .window_height = 7, .window_width = 4, .stride_height = 1,
        .stride_width = 3, .padding_top = 5, .padding_left = 3, .threads = 2}},
      {"lone",
       {.images = 1, .channels = 32, .input_height = 1, .input_width = 1, .output_height = 1,
        .output_width = 1, .window_height = 5, .window_width = 3, .stride_height = 1,
        .stride_width = 1, .padding_top = 2, .padding_left = 1, .threads = 4}},
  };
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++)
    for (maximum_number number = MAXIMUM_FP32; number <= MAXIMUM_S8; number++)
      run(&cases[index], number);
  maximum_pooling few = cases[0].pooling;
  few.channels = 7;
  require(!maximum_pooling_computes(&few), "a vector has more numbers than a pixel");
}
