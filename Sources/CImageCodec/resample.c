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
