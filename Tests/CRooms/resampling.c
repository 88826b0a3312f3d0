// Resamples rows by CImageCodec's passes; plain sums in 64 bits must give the same.
#include "CImageCodec.h"
#include "driver.h"

enum { half = 1 << (IMAGE_CODEC_RESAMPLE_FRACTION_BIT_COUNT - 1) };

typedef struct {
  size_t outputs, taps, inputs;
  ptrdiff_t *starts;
  int32_t *weights;
} plan;

// Weights that sum up to 1, negative ones among them, for which 32 bits hold every sum of bytes, as
// for those of real filters.
static plan plan_make(size_t inputs, size_t outputs, size_t taps, uint64_t seed) {
  plan made = {outputs, taps, inputs, NULL, NULL};
  made.starts = memory_of(outputs * sizeof *made.starts);
  made.weights = memory_of(outputs * taps * sizeof *made.weights);
  const int32_t share = 2 * half / (int32_t)taps;
  for (size_t output = 0; output < outputs; output++) {
    made.starts[output] = (ptrdiff_t)(output * (inputs - taps) / (outputs > 1 ? outputs - 1 : 1));
    int32_t left = 2 * half;
    for (size_t tap = 0; tap < taps; tap++) {
      const int32_t drawn = (int32_t)(next_bits(&seed) % (uint64_t)share);
      const int32_t weight = tap + 1 == taps ? left : drawn - (tap % 2 ? share / 4 : 0);
      made.weights[output * taps + tap] = weight;
      left -= weight;
    }
  }
  return made;
}

static int64_t clamped(int64_t sum, int64_t top) {
  const int64_t value = sum >> IMAGE_CODEC_RESAMPLE_FRACTION_BIT_COUNT;
  return value < 0 ? 0 : value > top ? top : value;
}

static void rows(const plan *p, uint64_t seed) {
  uint8_t *source = memory_of(3 * p->inputs + 1), *target = memory_of(3 * p->outputs);
  for (size_t index = 0; index < 3 * p->inputs; index++) source[index] = (uint8_t)next_bits(&seed);
  image_codec_resample_row(source, target, p->outputs, p->taps, p->starts, p->weights);
  for (size_t output = 0; output < p->outputs; output++)
    for (size_t channel = 0; channel < 3; channel++) {
      int64_t sum = half;
      for (size_t tap = 0; tap < p->taps; tap++)
        sum += (int64_t)p->weights[output * p->taps + tap] *
               source[3 * ((size_t)p->starts[output] + tap) + channel];
      require(
          target[3 * output + channel] == clamped(sum, 255), "row of %zu: pixel %zu", p->inputs,
          output);
    }
  printf(
      "row %zu to %zu: %016llx\n", p->inputs, p->outputs,
      (unsigned long long)digest(0, target, 3 * p->outputs));
  free(source);
  free(target);
}

static void columns(const plan *p, uint64_t seed) {
  enum { stride = 5 * IMAGE_CODEC_RESAMPLE_LANE_COUNT };
  uint8_t *source = memory_of(p->taps * stride), *target = memory_of(stride);
  for (size_t index = 0; index < p->taps * stride; index++)
    source[index] = (uint8_t)next_bits(&seed);
  image_codec_resample_columns(source, stride, p->taps, p->weights, target);
  for (size_t index = 0; index < stride; index++) {
    int64_t sum = half;
    for (size_t tap = 0; tap < p->taps; tap++)
      sum += (int64_t)p->weights[tap] * source[tap * stride + index];
    require(target[index] == clamped(sum, 255), "columns of %zu rows: %zu", p->taps, index);
  }
  printf("columns %zu: %016llx\n", p->taps, (unsigned long long)digest(0, target, stride));
  free(source);
  free(target);
}

static void bands(const plan *p, size_t count, uint16_t top, uint64_t seed) {
  const size_t stride = 2 * IMAGE_CODEC_RESAMPLE_LANE_COUNT;
  uint16_t *source = memory_of(2 * count * p->inputs), *target = memory_of(2 * count * p->outputs);
  for (size_t index = 0; index < count * p->inputs; index++)
    source[index] = (uint16_t)(next_bits(&seed) % (top + 1U));
  image_codec_resample_band_row(
      (const uint8_t *)source, (uint8_t *)target, count, top, p->outputs, p->taps, p->starts,
      p->weights);
  for (size_t index = 0; index < count * p->outputs; index++) {
    const size_t output = index / count, band = index % count;
    int64_t sum = half;
    for (size_t tap = 0; tap < p->taps; tap++)
      sum += (int64_t)p->weights[output * p->taps + tap] *
             source[count * ((size_t)p->starts[output] + tap) + band];
    require(target[index] == clamped(sum, top), "%zu bands: sample %zu", count, index);
  }
  uint16_t *band_rows = memory_of(p->taps * stride), *sums = memory_of(stride);
  for (size_t index = 0; index < p->taps * stride / 2; index++)
    band_rows[index] = (uint16_t)(next_bits(&seed) % (top + 1U));
  image_codec_resample_band_columns(
      (const uint8_t *)band_rows, stride, p->taps, top, p->weights, (uint8_t *)sums);
  printf(
      "%zu bands: %016llx %016llx\n", count,
      (unsigned long long)digest(0, target, 2 * count * p->outputs),
      (unsigned long long)digest(0, sums, stride));
  free(source);
  free(target);
  free(band_rows);
  free(sums);
}

int main(void) {
  static const size_t sizes[][3] = {{9, 4, 3}, {64, 224, 4}, {500, 97, 11}, {33, 1, 33}, {8, 8, 1}};
  for (size_t index = 0; index < sizeof sizes / sizeof sizes[0]; index++) {
    const plan made = plan_make(sizes[index][0], sizes[index][1], sizes[index][2], index + 1);
    rows(&made, index + 11);
    columns(&made, index + 12);
    bands(&made, 1 + 7 * index % IMAGE_CODEC_SAMPLE_LIMIT, index % 2 ? 255 : 65535, index + 13);
    free(made.starts);
    free(made.weights);
  }
}
