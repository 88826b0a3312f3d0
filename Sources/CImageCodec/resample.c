#include <string.h>

#include "CImageCodec.h"

// Inner loops of resampling. They are in C because the instructions are chosen when the program
// starts: plain x86-64 has no 32-bit vector multiplication, and Swift cannot compile one function
// for several processors.

// The choice is made before the thread sanitizer is ready for the instrumented code that makes it.
#if defined(__x86_64__) && defined(__linux__) && !__has_feature(thread_sanitizer)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

enum {
  fraction_bit_count = IMAGE_CODEC_RESAMPLE_FRACTION_BIT_COUNT,
  lane_count = IMAGE_CODEC_RESAMPLE_LANE_COUNT,
};

typedef int32_t sums4 __attribute__((vector_size(16)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));

static inline uint8_t rounded(int32_t sum) {
  const int32_t value = sum >> fraction_bit_count;
  return value < 0 ? 0 : value > 255 ? 255 : (uint8_t)value;
}

FOR_EACH_PROCESSOR
void image_codec_resample_row(
    const uint8_t *source, uint8_t *target, size_t output_count, size_t tap_count,
    const ptrdiff_t *starts, const int32_t *weights) {
  const int32_t half = 1 << (fraction_bit_count - 1);
  for (size_t output = 0; output < output_count; output++) {
    const uint8_t *pixels = source + 3 * starts[output];
    const int32_t *run = weights + output * tap_count;
    sums4 sum = {half, half, half, half};
    for (size_t tap = 0; tap < tap_count; tap++) {
      // Four bytes for three: the fourth lane is never used.
      bytes4 pixel;
      memcpy(&pixel, pixels + 3 * tap, sizeof pixel);
      sum += __builtin_convertvector(pixel, sums4) * run[tap];
    }
    sum >>= fraction_bit_count;
    sum &= ~(sum < 0);
    sum = (sum & ~(sum > 255)) | ((sum > 255) & 255);
    const bytes4 pixel = __builtin_convertvector(sum, bytes4);
    // The fourth byte falls on the next pixel, which is written later; the last pixel has none
    // after it.
    if (output + 1 < output_count) {
      memcpy(target + 3 * output, &pixel, 4);
    } else {
      memcpy(target + 3 * output, &pixel, 3);
    }
  }
}

FOR_EACH_PROCESSOR
void image_codec_resample_columns(
    const uint8_t *rows, size_t stride, size_t count, const int32_t *weights, uint8_t *target) {
  for (size_t offset = 0; offset < stride; offset += lane_count) {
    int32_t sums[lane_count];
    for (size_t lane = 0; lane < lane_count; lane++) sums[lane] = 1 << (fraction_bit_count - 1);
    for (size_t tap = 0; tap < count; tap++) {
      const uint8_t *row = rows + tap * stride + offset;
      const int32_t weight = weights[tap];
      for (size_t lane = 0; lane < lane_count; lane++) sums[lane] += row[lane] * weight;
    }
    for (size_t lane = 0; lane < lane_count; lane++) target[offset + lane] = rounded(sums[lane]);
  }
}

// The sums of 16-bit samples need more than 32 bits. They are exact, so that samples of 8 bits give
// what the passes over RGB give.

static inline uint16_t rounded_sample(int64_t sum, uint16_t top) {
  const int64_t value = sum >> fraction_bit_count;
  return value < 0 ? 0 : value > top ? top : (uint16_t)value;
}

FOR_EACH_PROCESSOR
void image_codec_resample_band_row(
    const uint8_t *source, uint8_t *target, size_t band_count, uint16_t top, size_t output_count,
    size_t tap_count, const ptrdiff_t *starts, const int32_t *weights) {
  const uint16_t *samples = (const void *)source;
  uint16_t *results = (void *)target;
  for (size_t output = 0; output < output_count; output++) {
    const uint16_t *pixels = samples + (ptrdiff_t)band_count * starts[output];
    int64_t sums[IMAGE_CODEC_SAMPLE_LIMIT];
    for (size_t band = 0; band < band_count; band++) sums[band] = 1 << (fraction_bit_count - 1);
    for (size_t tap = 0; tap < tap_count; tap++) {
      const int64_t weight = weights[output * tap_count + tap];
      for (size_t band = 0; band < band_count; band++) {
        sums[band] += weight * pixels[band_count * tap + band];
      }
    }
    for (size_t band = 0; band < band_count; band++) {
      results[band_count * output + band] = rounded_sample(sums[band], top);
    }
  }
}

FOR_EACH_PROCESSOR
void image_codec_resample_band_columns(
    const uint8_t *rows, size_t stride, size_t count, uint16_t top, const int32_t *weights,
    uint8_t *target) {
  const uint16_t *samples = (const void *)rows;
  uint16_t *results = (void *)target;
  // A row between the passes is a whole number of vectors.
  for (size_t offset = 0; offset < stride / 2; offset += lane_count / 2) {
    int64_t sums[lane_count / 2];
    for (size_t lane = 0; lane < lane_count / 2; lane++) {
      sums[lane] = 1 << (fraction_bit_count - 1);
    }
    for (size_t tap = 0; tap < count; tap++) {
      const uint16_t *row = samples + tap * (stride / 2) + offset;
      const int64_t weight = weights[tap];
      for (size_t lane = 0; lane < lane_count / 2; lane++) sums[lane] += weight * row[lane];
    }
    for (size_t lane = 0; lane < lane_count / 2; lane++) {
      results[offset + lane] = rounded_sample(sums[lane], top);
    }
  }
}
