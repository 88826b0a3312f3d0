// Kernels, written once for vectors of any width and compiled for each instruction set by the file
// that includes this one. That file defines
//   LANES      floats of a vector, which is also the channel block
//   TILES      tiles multiplied at once: TILES x 2 sums, 2 weights and an input fill the registers
//   PART_RUN, GRADIENT_RUN   the names of the functions that come out

#include <string.h>

#include "blocking.h"

// The alignment is that of memory, and on x86-64 the usual one; on aarch64 it would be 16 at most.
typedef float vector
    __attribute__((vector_size(LANES * sizeof(float)), aligned(LANES * sizeof(float))));
typedef uint32_t bits __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef uint16_t half_bits __attribute__((vector_size(LANES * sizeof(uint16_t))));

#define INLINE static inline __attribute__((always_inline))

INLINE vector load(const float *address) {
  return *(const vector *)__builtin_assume_aligned(address, LANES * sizeof(float));
}

INLINE void store(float *address, vector value) {
  *(vector *)__builtin_assume_aligned(address, LANES * sizeof(float)) = value;
}

// Activations are fp32 or bfloat16; `narrow` says which, and is constant where these are inlined.
INLINE vector load_activation(const void *base, int64_t index, const bool narrow) {
  if (!narrow) return load((const float *)base + index);
  const half_bits halves = *(const half_bits *)__builtin_assume_aligned(
      (const uint16_t *)base + index, LANES * sizeof(uint16_t));
  return (vector)(__builtin_convertvector(halves, bits) << 16);
}

INLINE void store_activation(void *base, int64_t index, vector value, const bool narrow) {
  if (!narrow) {
    store((float *)base + index, value);
    return;
  }
  // Rounded to nearest, ties to even.
  const bits whole = (bits)value;
  const bits rounded = whole + 0x7fff + (whole >> 16 & 1);
  *(half_bits *)__builtin_assume_aligned((uint16_t *)base + index, LANES * sizeof(uint16_t)) =
      __builtin_convertvector(rounded >> 16, half_bits);
}

// One column of B^T d: the interpolation points are 0, 1, -1, 2, -2 and infinity.
INLINE void transform_input(
    vector d0, vector d1, vector d2, vector d3, vector d4, vector d5, vector *out, int step) {
  const vector even = d4 - d2 * 4, odd = d3 - d1 * 4, even_by_two = d4 - d2, odd_by_two = d3 - d1;
  out[0 * step] = d0 * 4 - d2 * 5 + d4;
  out[1 * step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = even_by_two + odd_by_two * 2;
  out[4 * step] = even_by_two - odd_by_two * 2;
  out[5 * step] = d1 * 4 - d3 * 5 + d5;
}

// One column of A^T m.
INLINE void transform_output(
    vector m0, vector m1, vector m2, vector m3, vector m4, vector m5, vector *out, int step) {
  const vector sum = m1 + m2, difference = m1 - m2, sum_by_two = m3 + m4,
               difference_by_two = m3 - m4;
  out[0 * step] = m0 + sum + sum_by_two;
  out[1 * step] = difference + difference_by_two * 2;
  out[2 * step] = sum + sum_by_two * 4;
  out[3 * step] = difference + difference_by_two * 8 + m5;
}

// Place of a tile: its image and its first output.
typedef struct {
  int64_t image, row, column;
} tile_place;

// Places of `count` tiles from `start` on.
static void find_places(
    const winograd_blocking *b, int64_t start, int64_t count, tile_place *places) {
  const int64_t per_image = b->tile_rows * b->tile_columns;
  for (int64_t t = 0; t < count; t++) {
    const int64_t tile = start + t, within = tile % per_image;
    places[t] = (tile_place){
        tile / per_image, within / b->tile_columns * WINOGRAD_OUTPUTS,
        within % b->tile_columns * WINOGRAD_OUTPUTS};
  }
}

// The 6x6 inputs of a tile that extends past the edge, with zeros beyond it.
INLINE void gather_edge(
    const winograd_convolution *c, const void *source, int64_t plane, int64_t pixel, int64_t top,
    int64_t left, vector patch[WINOGRAD_POINTS], const bool narrow) {
  memset(patch, 0, WINOGRAD_POINTS * sizeof *patch);
  for (int64_t i = 0; i < WINOGRAD_INPUTS; i++) {
    if (top + i < 0 || top + i >= c->input_height) continue;
    for (int64_t j = 0; j < WINOGRAD_INPUTS; j++)
      if (left + j >= 0 && left + j < c->input_width)
        patch[i * WINOGRAD_INPUTS + j] = load_activation(
            source, plane + ((top + i) * c->input_width + left + j) * pixel, narrow);
  }
}

// B^T d B of the 6x6 inputs at `index` of `base`, each point a stride from the one before.
INLINE void transform_patch(
    const void *base, int64_t index, int64_t pixel, int64_t row, float *out, int64_t stride,
    const bool narrow) {
  vector half[WINOGRAD_POINTS];
#pragma clang loop unroll(full)
  for (int j = 0; j < WINOGRAD_INPUTS; j++) {
    vector column[WINOGRAD_INPUTS];
#pragma clang loop unroll(full)
    for (int i = 0; i < WINOGRAD_INPUTS; i++)
      column[i] = load_activation(base, index + i * row + j * pixel, narrow);
    transform_input(
        column[0], column[1], column[2], column[3], column[4], column[5], half + j,
        WINOGRAD_INPUTS);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < WINOGRAD_INPUTS; i++) {
    const vector *h = half + i * WINOGRAD_INPUTS;
    vector whole[WINOGRAD_INPUTS];
    transform_input(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
    for (int j = 0; j < WINOGRAD_INPUTS; j++)
      store(out + (i * WINOGRAD_INPUTS + j) * stride, whole[j]);
  }
}

// V[36][C/B][tiles][B] = B^T d B.
INLINE void transform_inputs(
    const winograd_part *part, const tile_place *places, int64_t count, const bool narrow) {
  const winograd_convolution *c = part->convolution;
  const winograd_blocking *b = part->blocking;
  const int64_t image_size = c->input_height * c->input_width * b->input_blocks * LANES;
  const int64_t pixel = b->input_pixel, row = c->input_width * pixel;
  for (int64_t block = 0; block < b->input_blocks; block++)
    for (int64_t t = 0; t < count; t++) {
      const int64_t plane = places[t].image * image_size + block * b->input_block;
      const int64_t top = places[t].row - c->padding_height;
      const int64_t left = places[t].column - c->padding_width;
      float *out = part->scratch + (block * count + t) * LANES;
      if (top < 0 || left < 0 || top + WINOGRAD_INPUTS > c->input_height ||
          left + WINOGRAD_INPUTS > c->input_width) {
        vector patch[WINOGRAD_POINTS];
        gather_edge(c, part->source, plane, pixel, top, left, patch, narrow);
        transform_patch(patch, 0, LANES, WINOGRAD_INPUTS * LANES, out, b->input_stride, false);
      } else {
        transform_patch(
            part->source, plane + top * row + left * pixel, pixel, row, out, b->input_stride,
            narrow);
      }
    }
}

// Floats of the weights that are prefetched before their use; they are read once per pass, often
// from memory.
enum { prefetched = 4096 };

// Products of `tiles` tiles and `width` blocks of output channels, summed over all input channels.
// V is [C/B][stride tiles][B], U [C][width * B], the result [width][stride tiles][B].
INLINE void multiply(
    int64_t input_blocks, int64_t stride, const float *v, const float *u, float *result,
    const int tiles, const int width) {
  vector sums[TILES][2];
#pragma clang loop unroll(full)
  for (int t = 0; t < tiles; t++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) sums[t][w] = (vector){0};
  for (int64_t block = 0; block < input_blocks; block++, v += stride * LANES)
#pragma clang loop unroll_count(2)
    for (int c = 0; c < LANES; c++, u += width * LANES) {
      for (int w = 0; w < width; w++) __builtin_prefetch(u + prefetched + w * LANES, 0, 2);
      const vector u0 = load(u), u1 = width > 1 ? load(u + LANES) : u0;
#pragma clang loop unroll(full)
      for (int t = 0; t < tiles; t++) {
        const float x = v[t * LANES + c];
        sums[t][0] += x * u0;
        if (width > 1) sums[t][1] += x * u1;
      }
    }
#pragma clang loop unroll(full)
  for (int t = 0; t < tiles; t++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) store(result + (w * stride + t) * LANES, sums[t][w]);
}

typedef void multiplier(
    int64_t input_blocks, int64_t stride, const float *v, const float *u, float *result);

#define MULTIPLIER(tiles)                                                                          \
  static __attribute__((noinline)) void multiply_##tiles##_1(                                      \
      int64_t blocks, int64_t stride, const float *v, const float *u, float *result) {             \
    multiply(blocks, stride, v, u, result, tiles, 1);                                              \
  }                                                                                                \
  static __attribute__((noinline)) void multiply_##tiles##_2(                                      \
      int64_t blocks, int64_t stride, const float *v, const float *u, float *result) {             \
    multiply(blocks, stride, v, u, result, tiles, 2);                                              \
  }
MULTIPLIER(1)
MULTIPLIER(2)
MULTIPLIER(3)
MULTIPLIER(4)
MULTIPLIER(5)
MULTIPLIER(6)
#if TILES > 6
MULTIPLIER(7)
MULTIPLIER(8)
MULTIPLIER(9)
MULTIPLIER(10)
MULTIPLIER(11)
MULTIPLIER(12)
MULTIPLIER(13)
MULTIPLIER(14)
#endif

// Kernels by the number of tiles and of blocks of output channels.
static multiplier *const multipliers[TILES + 1][3] = {
#define ENTRY(tiles) [tiles] = {NULL, multiply_##tiles##_1, multiply_##tiles##_2}
    ENTRY(1),  ENTRY(2),  ENTRY(3),  ENTRY(4),  ENTRY(5),  ENTRY(6),
#if TILES > 6
    ENTRY(7),  ENTRY(8),  ENTRY(9),  ENTRY(10), ENTRY(11), ENTRY(12), ENTRY(13), ENTRY(14),
#endif
};

// M[36][width][tiles][B] = the sum over channels of U times V, for `width` blocks of the output.
static void multiply_points(const winograd_part *part, int64_t block, int width, int64_t count) {
  const winograd_blocking *b = part->blocking;
  const int64_t channels = b->input_blocks * LANES;
  const int64_t groups = (count + TILES - 1) / TILES;
  const int64_t per_group = (count + groups - 1) / groups;
  const float *u = part->weights + block * LANES * WINOGRAD_POINTS * channels;
  const float *v = part->scratch;
  float *products = part->scratch + WINOGRAD_POINTS * b->input_stride;
  for (int point = 0; point < WINOGRAD_POINTS; point++) {
    for (int64_t t = 0; t < count; t += per_group) {
      const int64_t tiles = count - t < per_group ? count - t : per_group;
      multipliers[tiles][width](
          b->input_blocks, count, v + t * LANES, u, products + t * LANES);
    }
    u += channels * width * LANES;
    v += b->input_stride;
    products += b->product_stride;
  }
}

// Clips numbers to bounds; NaN remains NaN.
INLINE vector clip(vector y, result_bounds bounds) {
  const vector lower = (vector){0} + bounds.lower, upper = (vector){0} + bounds.upper;
  const bits below = (bits)(y < lower), above = (bits)(y > upper);
  return (vector)(((bits)y & ~below & ~above) | ((bits)lower & below) | ((bits)upper & above));
}

// Y = A^T M A, plus bias and residual, through ReLU and clips.
INLINE void transform_outputs(
    const winograd_part *part, const tile_place *places, int64_t first, int width, int64_t count,
    const bool narrow) {
  const winograd_convolution *c = part->convolution;
  const winograd_blocking *b = part->blocking;
  const float *products = part->scratch + WINOGRAD_POINTS * b->input_stride;
  const int64_t image_size = b->output_height * b->output_width * b->output_blocks * LANES;
  for (int64_t block = first; block < first + width; block++) {
    const vector bias = load(part->bias + block * LANES);
    for (int64_t t = 0; t < count; t++) {
      const float *m = products + ((block - first) * count + t) * LANES;
      const int64_t step = WINOGRAD_INPUTS * b->product_stride;
      vector half[WINOGRAD_OUTPUTS * WINOGRAD_INPUTS];
#pragma clang loop unroll(full)
      for (int j = 0; j < WINOGRAD_INPUTS; j++) {
        const float *p = m + j * b->product_stride;
        transform_output(
            load(p), load(p + step), load(p + 2 * step), load(p + 3 * step), load(p + 4 * step),
            load(p + 5 * step), half + j, WINOGRAD_INPUTS);
      }
      const tile_place place = places[t];
      const int64_t out = place.image * image_size + block * b->output_block +
                          (place.row * b->output_width + place.column) * b->output_pixel;
      const int64_t rows = b->output_height - place.row, columns = b->output_width - place.column;
#pragma clang loop unroll(full)
      for (int i = 0; i < WINOGRAD_OUTPUTS; i++) {
        if (i >= rows) break;
        const vector *h = half + i * WINOGRAD_INPUTS;
        vector whole[WINOGRAD_OUTPUTS];
        transform_output(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
        for (int j = 0; j < WINOGRAD_OUTPUTS; j++) {
          if (j >= columns) break;
          const int64_t index = out + (i * b->output_width + j) * b->output_pixel;
          vector y = whole[j] + bias;
          if (c->bounds.applies) y = clip(y, c->bounds);
          if (c->adds_to_destination) y += load_activation(part->destination, index, narrow);
          // NaN remains NaN.
          if (c->applies_relu) y = (vector)((bits)y & ~(bits)(y < (vector){0}));
          if (c->sum_bounds.applies) y = clip(y, c->sum_bounds);
          store_activation(part->destination, index, y, narrow);
        }
      }
    }
  }
}

INLINE void run(const winograd_part *part, const bool narrow) {
  const winograd_blocking *b = part->blocking;
  tile_place places[WINOGRAD_TILE_LIMIT];
  for (int64_t start = part->first_tile; start < part->last_tile; start += b->tiles) {
    const int64_t left = part->last_tile - start, count = left < b->tiles ? left : b->tiles;
    find_places(b, start, count, places);
    transform_inputs(part, places, count, narrow);
    for (int64_t block = part->first_output; block < part->last_output; block += 2) {
      // Weights lie in pairs of blocks; the last one may be single.
      const int width = block + 1 < b->output_blocks ? 2 : 1;
      multiply_points(part, block, width, count);
      transform_outputs(part, places, block, width, count, narrow);
    }
  }
}

static __attribute__((noinline)) void run_fp32(const winograd_part *part) {
  run(part, false);
}

static __attribute__((noinline)) void run_bfloat16(const winograd_part *part) {
  run(part, true);
}

void PART_RUN(const winograd_part *part) {
  if (part->convolution->bfloat16)
    run_bfloat16(part);
  else
    run_fp32(part);
}

#include "gradient_part.h"
