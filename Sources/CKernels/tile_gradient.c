#include "tile_blocking.h"

#include <string.h>

// The gradient is a matrix product for each tap: the transposed source, moved by the tap, times the
// gradient of the destination, with all pixels of all images as the inner dimension. AMX multiplies
// 16 channels x 32 pixels by 32 pixels x 16 outputs in one instruction. The former must have the
// pixels of a channel next to each other, the latter pairs of pixels. Both are brought into that
// order once, with zeros where the padding is, and serve all taps.
//
//     source    [n, y, x, C]  ->  [C/16][16][planes][n, row, column]
//     gradient  [n, y, x, K]  ->  [K/16][pairs of (n, row, column)][16][2]

#if defined(__x86_64__)
#include <immintrin.h>

// Bytes of a group's transposed source and gradient, which the second cache is to hold.
static const int64_t group_byte_limit = 1 << 20;
// Bytes of filters that stay in the second cache between two chunks of pixels, and pixels of a
// chunk: so many that the first cache holds a chunk of both operands, or that larger filters are
// seldom read again.
static const int64_t cached_filter_byte_limit = 1 << 20;
static const int64_t cached_chunk = 12 * tile_pixels, long_chunk = 64 * tile_pixels;

static tile_blocking make_blocking(const tile_convolution *c) {
  tile_blocking b;
  const int64_t stride = c->stride;
  b.pitch = c->output_width + (c->kernel_width - 1) / stride -
            tiles_shared_zeros(
                stride, c->input_width, c->output_width, c->kernel_width, c->padding_left);
  b.rows = c->output_height + (c->kernel_height - 1) / stride -
           tiles_shared_zeros(
               stride, c->input_height, c->output_height, c->kernel_height, c->padding_top);
  const int64_t image = b.pitch * b.rows;
  const int64_t image_bytes =
      image * (stride * stride * c->channels + c->outputs) * (int64_t)sizeof(uint16_t);
  b.group = group_byte_limit / image_bytes;
  if (b.group < 1) b.group = 1;
  b.group = least(b.group, c->images);
  b.plane = b.group * image;
  b.gradient_positions = whole(b.plane, tile_pixels);
  const int64_t past = (c->kernel_height / stride + 1) * b.pitch + c->kernel_width + tile_pixels;
  // Rows an odd number of lines apart do not compete for the same places of the first cache.
  const int64_t lines = whole(stride * stride * b.plane + past, tile_pixels) / tile_pixels;
  b.source_positions = (lines | 1) * tile_pixels;
  return b;
}

bool tile_gradient_computes(const tile_convolution *c) {
  // Places in an image, or in the images of a group, are 32-bit numbers.
  return c->channels % tile_channels == 0 && c->outputs % tile_channels == 0 &&
         c->input_height * c->input_width * c->channels <= INT32_MAX / 2;
}

static int64_t aligned(int64_t bytes) { return whole(bytes, 64); }

size_t tile_gradient_scratch_byte_count(const tile_convolution *c) {
  const tile_blocking b = make_blocking(c);
  return (size_t)(aligned(b.source_positions * c->channels * 2) +
                  aligned(b.gradient_positions * c->outputs * 2) +
                  aligned(b.source_positions * 4) + aligned(b.gradient_positions * 4));
}

// Repeats the places of a plane's first image for the others, whose numbers begin `size` apart.
static void repeat_places(int32_t *places, int64_t image, int64_t images, int32_t size) {
  for (int64_t n = 1; n < images; n++)
    for (int64_t q = 0; q < image; q++) {
      const int32_t first = places[q];
      places[n * image + q] = first < 0 ? -1 : first + (int32_t)n * size;
    }
}

// Where each position of a group's planes is in the source, in numbers from the group's first
// image; -1 for padding.
static void place_source(
    const tile_convolution *c, const tile_blocking *b, int64_t images, int32_t *places) {
  memset(places, 0xff, (size_t)b->source_positions * sizeof *places);
  const int64_t row_size = c->input_width * c->channels;
  for (int64_t i = 0; i < c->stride; i++)
    for (int64_t j = 0; j < c->stride; j++) {
      int32_t *plane = places + (i * c->stride + j) * b->plane;
      for (int64_t row = 0; row < b->rows; row++) {
        const int64_t y = row * c->stride + i - c->padding_top;
        if (y < 0 || y >= c->input_height) continue;
        for (int64_t column = 0; column < b->pitch; column++) {
          const int64_t x = column * c->stride + j - c->padding_left;
          if (x >= 0 && x < c->input_width)
            plane[row * b->pitch + column] = (int32_t)(y * row_size + x * c->channels);
        }
      }
      repeat_places(
          plane, b->rows * b->pitch, images, (int32_t)(c->input_height * row_size));
    }
}

static void place_gradient(
    const tile_convolution *c, const tile_blocking *b, int64_t images, int32_t *places) {
  memset(places, 0xff, (size_t)b->gradient_positions * sizeof *places);
  for (int64_t row = 0; row < c->output_height; row++)
    for (int64_t column = 0; column < c->output_width; column++)
      places[row * b->pitch + column] = (int32_t)((row * c->output_width + column) * c->outputs);
  repeat_places(
      places, b->rows * b->pitch, images,
      (int32_t)(c->output_height * c->output_width * c->outputs));
}

static const uint16_t zeros[tile_channels] = {0};

TILES static inline __m256i pixel(const uint16_t *numbers, int32_t place, int64_t channel) {
  return _mm256_loadu_si256(
      (const __m256i *)(place < 0 ? zeros : numbers + place + channel));
}

// Two pixels of 16 channels, the numbers of each channel next to each other.
TILES static inline __m512i pixel_pair(
    const uint16_t *numbers, const int32_t *places, int64_t channel) {
  const __m512i both = _mm512_inserti64x4(
      _mm512_castsi256_si512(pixel(numbers, places[0], channel)),
      pixel(numbers, places[1], channel), 1);
  const __m512i order = _mm512_set_epi16(
      31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19,
      3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, both);
}

// [C/16][16][positions]: 32 pixels of 16 channels at a time, as a 16x16 matrix of pairs.
TILES static void transpose_source(
    const uint16_t *source, const int32_t *places, int64_t positions, int64_t channels,
    uint16_t *transposed) {
  for (int64_t q = 0; q < positions; q += tile_pixels)
    for (int64_t c = 0; c < channels; c += tile_channels) {
      __m512i a[16], b[16];
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; i++) a[i] = pixel_pair(source, places + q + 2 * i, c);
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; i += 2) {
        b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; i += 4) {
        a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
        a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
        a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
        a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) {
        b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
        b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
        b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
        b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < 8; i++) {
        uint16_t *low = transposed + (c + i) * positions + q;
        uint16_t *high = transposed + (c + i + 8) * positions + q;
        _mm512_store_si512(low, _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88));
        _mm512_store_si512(high, _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd));
      }
    }
}

// [K/16][positions / 2][16][2].
TILES static void pair_gradient(
    const uint16_t *gradient, const int32_t *places, int64_t positions, int64_t outputs,
    uint16_t *paired) {
  for (int64_t q = 0; q < positions; q += 2)
    for (int64_t k = 0; k < outputs; k += tile_channels)
      _mm512_store_si512(
          paired + (k * positions + q * tile_channels), pixel_pair(gradient, places + q, k));
}

TILES void tile_gradient_run(
    const tile_convolution *c, const void *source, const void *gradient, float *filters,
    void *scratch) {
  const tile_blocking b = make_blocking(c);
  char *memory = scratch;
  uint16_t *transposed = (uint16_t *)memory;
  memory += aligned(b.source_positions * c->channels * 2);
  uint16_t *paired = (uint16_t *)memory;
  memory += aligned(b.gradient_positions * c->outputs * 2);
  int32_t *source_places = (int32_t *)memory;
  memory += aligned(b.source_positions * 4);
  int32_t *gradient_places = (int32_t *)memory;
  tiles_configure();
  const int64_t filter_bytes = c->kernel_height * c->kernel_width * c->channels * c->outputs *
                               (int64_t)sizeof(float);
  const int64_t step = filter_bytes <= cached_filter_byte_limit ? cached_chunk : long_chunk;
  for (int64_t n = 0; n < c->images; n += b.group) {
    const int64_t images = least(b.group, c->images - n);
    const uint16_t *x =
        (const uint16_t *)source + n * c->input_height * c->input_width * c->channels;
    const uint16_t *g =
        (const uint16_t *)gradient + n * c->output_height * c->output_width * c->outputs;
    if (n == 0 || images < b.group) {
      place_source(c, &b, images, source_places);
      place_gradient(c, &b, images, gradient_places);
    }
    transpose_source(x, source_places, b.source_positions, c->channels, transposed);
    pair_gradient(g, gradient_places, b.gradient_positions, c->outputs, paired);
    for (int64_t first = 0; first < b.gradient_positions; first += step) {
      const int64_t left = b.gradient_positions - first;
      const tile_chunk chunk = {
          c, &b, transposed, paired, filters, first, least(step, left), n > 0 || first > 0};
      tile_gradient_add(&chunk);
    }
  }
  _tile_release();
}
#else
bool tile_gradient_computes(const tile_convolution *convolution) {
  (void)convolution;
  return false;
}

size_t tile_gradient_scratch_byte_count(const tile_convolution *convolution) {
  (void)convolution;
  return 0;
}

void tile_gradient_run(
    const tile_convolution *convolution, const void *source, const void *gradient, float *filters,
    void *scratch) {
  (void)convolution, (void)source, (void)gradient, (void)filters, (void)scratch;
}
#endif
