// Gradient of the filters, written once for vectors of any width; included after part.h.
//
// The transpose of F(4x4, 3x3): dW = G^T S G, where S is at each point the sum over tiles of
// (B^T d B) (A dY A^T)^T.
// Sums are taken over the tiles of one pass, then over passes, in an order that depends on nothing
// but the shape and the instruction set.

// One column of A g, the transpose of transform_output.
INLINE void spread_output(
    vector g0, vector g1, vector g2, vector g3, vector *out, int step) {
  const vector even = g0 + g2, odd = g1 + g3, even_by_two = g0 + g2 * 4,
               odd_by_two = g1 * 2 + g3 * 8;
  out[0 * step] = g0;
  out[1 * step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = even_by_two + odd_by_two;
  out[4 * step] = even_by_two - odd_by_two;
  out[5 * step] = g3;
}

// A g A^T of the 4x4 gradients at `index` of `base`, each point a stride from the one before.
INLINE void spread_patch(
    const void *base, int64_t index, int64_t pixel, int64_t row, float *out, int64_t stride,
    const bool narrow) {
  vector half[WINOGRAD_OUTPUTS * WINOGRAD_INPUTS];
#pragma clang loop unroll(full)
  for (int j = 0; j < WINOGRAD_OUTPUTS; j++) {
    vector column[WINOGRAD_OUTPUTS];
#pragma clang loop unroll(full)
    for (int i = 0; i < WINOGRAD_OUTPUTS; i++)
      column[i] = load_activation(base, index + i * row + j * pixel, narrow);
    spread_output(column[0], column[1], column[2], column[3], half + j, WINOGRAD_OUTPUTS);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < WINOGRAD_INPUTS; i++) {
    const vector *h = half + i * WINOGRAD_OUTPUTS;
    vector whole[WINOGRAD_INPUTS];
    spread_output(h[0], h[1], h[2], h[3], whole, 1);
#pragma clang loop unroll(full)
    for (int j = 0; j < WINOGRAD_INPUTS; j++)
      store(out + (i * WINOGRAD_INPUTS + j) * stride, whole[j]);
  }
}

// P[36][pairs of K/B][tiles][2 B] = A dY A^T, an odd last block by itself.
INLINE void spread_all(
    const winograd_gradient_part *part, const tile_place *places, int64_t count,
    const bool narrow) {
  const winograd_blocking *b = part->blocking;
  const int64_t channels = b->output_blocks * LANES, row = b->output_width * channels;
  float *products = part->scratch + WINOGRAD_POINTS * b->input_stride;
  for (int64_t block = 0; block < b->output_blocks; block++) {
    const int64_t first = block / 2 * 2, width = first + 1 < b->output_blocks ? 2 : 1;
    for (int64_t t = 0; t < count; t++) {
      const tile_place place = places[t];
      const int64_t base = block * LANES +
                           ((place.image * b->output_height + place.row) * b->output_width +
                            place.column) * channels;
      float *out = products + (first * count + t * width + block - first) * LANES;
      const int64_t rows = b->output_height - place.row, columns = b->output_width - place.column;
      if (rows >= WINOGRAD_OUTPUTS && columns >= WINOGRAD_OUTPUTS) {
        spread_patch(part->gradient, base, channels, row, out, b->product_stride, narrow);
      } else {
        vector patch[WINOGRAD_OUTPUTS * WINOGRAD_OUTPUTS] = {0};
        for (int64_t i = 0; i < WINOGRAD_OUTPUTS && i < rows; i++)
          for (int64_t j = 0; j < WINOGRAD_OUTPUTS && j < columns; j++)
            patch[i * WINOGRAD_OUTPUTS + j] =
                load_activation(part->gradient, base + i * row + j * channels, narrow);
        spread_patch(
            patch, 0, LANES, WINOGRAD_OUTPUTS * LANES, out, b->product_stride, false);
      }
    }
  }
}

static __attribute__((noinline)) void spread_gradients(
    const winograd_gradient_part *part, const tile_place *places, int64_t count) {
  if (part->convolution->bfloat16)
    spread_all(part, places, count, true);
  else
    spread_all(part, places, count, false);
}

// Sums over tiles of `rows` input channels by `width` blocks of output channels: V is [tiles][B],
// P [tiles][width * B], the sums [rows][width * B].
INLINE void correlate(
    int64_t tiles, const float *v, const float *p, float *result, const bool adds, const int rows,
    const int width) {
  vector sums[LANES][2];
#pragma clang loop unroll(full)
  for (int c = 0; c < rows; c++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) sums[c][w] = (vector){0};
  for (int64_t t = 0; t < tiles; t++, v += LANES, p += width * LANES) {
    const vector p0 = load(p), p1 = width > 1 ? load(p + LANES) : p0;
#pragma clang loop unroll(full)
    for (int c = 0; c < rows; c++) {
      const float x = v[c];
      sums[c][0] += x * p0;
      if (width > 1) sums[c][1] += x * p1;
    }
  }
#pragma clang loop unroll(full)
  for (int c = 0; c < rows; c++)
#pragma clang loop unroll(full)
    for (int w = 0; w < width; w++) {
      float *sum = result + (c * width + w) * LANES;
      store(sum, adds ? load(sum) + sums[c][w] : sums[c][w]);
    }
}

// Rows whose sums by two blocks fill the registers.
enum { correlated_rows = LANES / 2 };

static __attribute__((noinline)) void correlate_2(
    int64_t tiles, const float *v, const float *p, float *result, const bool adds) {
  if (adds)
    correlate(tiles, v, p, result, true, correlated_rows, 2);
  else
    correlate(tiles, v, p, result, false, correlated_rows, 2);
}

static __attribute__((noinline)) void correlate_1(
    int64_t tiles, const float *v, const float *p, float *result, const bool adds) {
  if (adds)
    correlate(tiles, v, p, result, true, LANES, 1);
  else
    correlate(tiles, v, p, result, false, LANES, 1);
}

// One column of G^T u; see filter_transform in winograd.c.
INLINE void gather_taps(
    vector u0, vector u1, vector u2, vector u3, vector u4, vector u5, vector *out, int step) {
  const vector far = (u3 + u4) * (1.f / 24), near = (u1 + u2) * (1.f / 6);
  out[0 * step] = u0 * (1.f / 4) - near + far;
  out[1 * step] = (u2 - u1) * (1.f / 6) + (u3 - u4) * (1.f / 12);
  out[2 * step] = far * 4 - near + u5;
}

// dW[3][3][C][K] = G^T u G of B input channels and `width` blocks of output channels, whose sums
// are [36][B][width * B].
INLINE void gather_filters(
    const float *sums, int64_t channels, int64_t outputs, float *filters, const int width) {
  const int64_t point = LANES * width * LANES;
  for (int64_t c = 0; c < LANES; c++)
    for (int w = 0; w < width; w++) {
      const float *u = sums + (c * width + w) * LANES;
      vector half[WINOGRAD_KERNEL * WINOGRAD_INPUTS];
#pragma clang loop unroll(full)
      for (int j = 0; j < WINOGRAD_INPUTS; j++) {
        const float *p = u + j * point;
        const int64_t step = WINOGRAD_INPUTS * point;
        gather_taps(
            load(p), load(p + step), load(p + 2 * step), load(p + 3 * step), load(p + 4 * step),
            load(p + 5 * step), half + j, WINOGRAD_INPUTS);
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < WINOGRAD_KERNEL; i++) {
        const vector *h = half + i * WINOGRAD_INPUTS;
        vector whole[WINOGRAD_KERNEL];
        gather_taps(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
        for (int j = 0; j < WINOGRAD_KERNEL; j++)
          store(
              filters + ((i * WINOGRAD_KERNEL + j) * channels + c) * outputs + w * LANES,
              whole[j]);
      }
    }
}

// Adds the tiles of a pass to all sums; after the last pass these become filters.
static void correlate_pass(
    const winograd_gradient_part *part, int64_t count, const bool is_first, const bool is_last) {
  const winograd_blocking *b = part->blocking;
  const int64_t channels = b->input_blocks * LANES, outputs = b->output_blocks * LANES;
  const float *products = part->scratch + WINOGRAD_POINTS * b->input_stride;
  float *sums = part->scratch + WINOGRAD_POINTS * (b->input_stride + b->product_stride);
  for (int64_t block = 0; block < b->output_blocks; block += 2) {
    const int64_t width = block + 1 < b->output_blocks ? 2 : 1;
    const int64_t rows = width > 1 ? correlated_rows : LANES;
    for (int64_t input = 0; input < b->input_blocks; input++) {
      const float *v = part->scratch + input * count * LANES;
      const float *p = products + block * count * LANES;
      for (int point = 0; point < WINOGRAD_POINTS; point++) {
        float *result = sums + point * LANES * width * LANES;
        for (int64_t c = 0; c < LANES; c += rows)
          (width > 1 ? correlate_2 : correlate_1)(
              count, v + c, p, result + c * width * LANES, !is_first);
        v += b->input_stride;
        p += b->product_stride;
      }
      if (is_last) {
        float *filters = part->filters + input * LANES * outputs + block * LANES;
        if (width > 1)
          gather_filters(sums, channels, outputs, filters, 2);
        else
          gather_filters(sums, channels, outputs, filters, 1);
      }
      // Sums of a single pass are needed no longer.
      if (!is_first || !is_last) sums += WINOGRAD_POINTS * LANES * width * LANES;
    }
  }
}

static __attribute__((noinline)) void transform_sources(
    const winograd_part *part, const tile_place *places, int64_t count) {
  if (part->convolution->bfloat16)
    transform_inputs(part, places, count, true);
  else
    transform_inputs(part, places, count, false);
}

void GRADIENT_RUN(const winograd_gradient_part *part) {
  const winograd_blocking *b = part->blocking;
  const winograd_part forward = {
      .convolution = part->convolution,
      .blocking = b,
      .source = part->source,
      .scratch = part->scratch,
  };
  tile_place places[WINOGRAD_GRADIENT_TILE_LIMIT];
  for (int64_t start = 0; start < b->tile_count; start += b->tiles) {
    const int64_t left = b->tile_count - start, count = left < b->tiles ? left : b->tiles;
    find_places(b, start, count, places);
    transform_sources(&forward, places, count);
    spread_gradients(part, places, count);
    correlate_pass(part, count, start == 0, left <= b->tiles);
  }
}
