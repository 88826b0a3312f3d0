// Parts of a layer by Winograd's filtering, written once for vectors of any width and compiled for
// each instruction set by the file that includes this one. That file defines
//   VECTOR     bytes of a vector, before anything is included
//   PART       the name of the function that comes out
//   multiply   which sums the products of some rows with a group of weights

// 1/9 modulo 2^32.
static const int32_t inverse_of_nine = 0x38e38e39;
// Powers of two that are left of 24, 12, 6 and 6.
static const int powers[outputs_side] = {3, 2, 1, 1};

// One column of the inputs' transform: the points are 0, 1, -1, 2, -2 and infinity.
INTEGERS_INLINE void transform_input(
    word_vector d0, word_vector d1, word_vector d2, word_vector d3, word_vector d4,
    word_vector d5, word_vector *out, int64_t step) {
  const word_vector even = d4 - d2 * 4, odd = d3 - d1 * 4;
  const word_vector even_by_two = d4 - d2, odd_by_two = (d3 - d1) * 2;
  out[0 * step] = even + d0 * 4 - d2;
  out[1 * step] = even + odd;
  out[2 * step] = even - odd;
  out[3 * step] = even_by_two + odd_by_two;
  out[4 * step] = even_by_two - odd_by_two;
  out[5 * step] = d5 - d3 - odd_by_two * 2;
}

// One column of the outputs' transform: 24, 12, 6 and 6 times the outputs.
INTEGERS_INLINE void transform_output(
    residue_vector m0, residue_vector m1, residue_vector m2, residue_vector m3,
    residue_vector m4, residue_vector m5, residue_vector *out, int64_t step) {
  const residue_vector sum = m1 + m2, difference = m1 - m2;
  const residue_vector sum_by_two = m3 + m4, difference_by_two = m3 - m4;
  out[0 * step] = m0 + sum * 4 + sum_by_two;
  out[1 * step] = difference * 2 + difference_by_two;
  out[2 * step] = sum + sum_by_two;
  out[3 * step] = difference + difference_by_two * 2 + m5;
}

// Place of a tile: its image and its first output.
typedef struct {
  int64_t image, row, column;
} tile_place;

static tile_place place_of(const winograd_division *d, int64_t tile) {
  const int64_t per_image = d->tile_rows * d->tile_columns, within = tile % per_image;
  return (tile_place){
      tile / per_image, within / d->tile_columns * outputs_side,
      within % d->tile_columns * outputs_side};
}

INTEGERS_INLINE word_vector read_words(const uint8_t *bytes, const bool is_signed) {
#if VECTOR == 64
  const __m256i some = _mm256_loadu_si256((const __m256i *)bytes);
#else
  const __m128i some = _mm_loadu_si128((const __m128i *)bytes);
#endif
  return (word_vector)(is_signed ? SIMD(cvtepi8_epi16)(some) : SIMD(cvtepu8_epi16)(some));
}

// Transforms 6x6 inputs of a vector of channels; those at which `inside` is null are zero.
INTEGERS_INLINE void transform_patch(
    const uint8_t *patch, int64_t line, int64_t pixel, const bool *inside, int16_t *out,
    int64_t stride, const bool is_signed) {
  word_vector half[points];
#pragma clang loop unroll(full)
  for (int j = 0; j < inputs_side; j++) {
    word_vector d[inputs_side];
#pragma clang loop unroll(full)
    for (int i = 0; i < inputs_side; i++)
      d[i] = !inside || inside[i * inputs_side + j]
                 ? read_words(patch + i * line + j * pixel, is_signed)
                 : (word_vector){0};
    transform_input(d[0], d[1], d[2], d[3], d[4], d[5], half + j, inputs_side);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < inputs_side; i++) {
    const word_vector *h = half + i * inputs_side;
    word_vector whole[inputs_side];
    transform_input(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
    for (int j = 0; j < inputs_side; j++)
      *(word_vector *)(out + (i * inputs_side + j) * stride) = whole[j];
  }
}

// V[36][tiles][C].
INTEGERS_INLINE void transform_tiles(
    const integer_layer *l, const winograd_division *d, const uint8_t *source, int64_t first,
    int64_t count, int16_t *inputs, const bool is_signed) {
  const int64_t line = l->input_width * l->channels;
  for (int64_t t = 0; t < count; t++, inputs += l->channels) {
    const tile_place place = place_of(d, first + t);
    const int64_t top = place.row - l->padding_top, left = place.column - l->padding_left;
    const uint8_t *patch =
        source + (place.image * l->input_height + top) * line + left * l->channels;
    if (top >= 0 && left >= 0 && top + inputs_side <= l->input_height &&
        left + inputs_side <= l->input_width) {
      for (int64_t c = 0; c < l->channels; c += vector_words)
        transform_patch(
            patch + c, line, l->channels, NULL, inputs + c, d->input_stride, is_signed);
      continue;
    }
    bool inside[points];
    for (int64_t i = 0; i < inputs_side; i++)
      for (int64_t j = 0; j < inputs_side; j++)
        inside[i * inputs_side + j] = top + i >= 0 && top + i < l->input_height &&
                                      left + j >= 0 && left + j < l->input_width;
    for (int64_t c = 0; c < l->channels; c += vector_words)
      transform_patch(
          patch + c, line, l->channels, inside, inputs + c, d->input_stride, is_signed);
  }
}

INTEGERS_INLINE sum_vector output_of(residue_vector sum, const int power) {
  return (sum_vector)(sum * inverse_of_nine) >> power;
}

// Outputs at a tile, [4][4][vectors of a panel].
typedef sum_vector tile_outputs[outputs_side * outputs_side][panel_vectors];

INTEGERS_INLINE void transform_products(
    const int32_t *products, int64_t stride, tile_outputs outputs, const int vector) {
  residue_vector half[outputs_side * inputs_side];
#pragma clang loop unroll(full)
  for (int j = 0; j < inputs_side; j++) {
    const int32_t *p = products + vector * vector_sums + j * stride;
#define POINT(i) *(const residue_vector *)(p + (i) * inputs_side * stride)
    transform_output(
        POINT(0), POINT(1), POINT(2), POINT(3), POINT(4), POINT(5), half + j, inputs_side);
#undef POINT
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < outputs_side; i++) {
    const residue_vector *h = half + i * inputs_side;
    residue_vector whole[outputs_side];
    transform_output(h[0], h[1], h[2], h[3], h[4], h[5], whole, 1);
#pragma clang loop unroll(full)
    for (int j = 0; j < outputs_side; j++)
      outputs[i * outputs_side + j][vector] = output_of(whole[j], powers[i] + powers[j]);
  }
}

// Writes a panel's outputs.
INTEGERS static void write_tiles(
    const winograd_work *work, const int32_t *products, int64_t first, int64_t count,
    int64_t output) {
  const integer_layer *l = work->layer;
  const winograd_division *d = work->division;
  const int64_t bytes = (int64_t)number_bytes(l->destination), pixel = l->outputs * bytes;
  const finish_rule rule = rule_of(l, work->finish, output);
  for (int64_t t = 0; t < count; t++, products += d->group_outputs) {
    const tile_place place = place_of(d, first + t);
    tile_outputs outputs;
#pragma clang loop unroll(full)
    for (int v = 0; v < panel_vectors; v++)
      transform_products(products, d->product_stride, outputs, v);
    const int64_t rows = least(outputs_side, l->output_height - place.row);
    const int64_t columns = least(outputs_side, l->output_width - place.column);
    for (int64_t i = 0; i < rows; i++) {
      const int64_t row = place.image * l->output_height + place.row + i;
      char *to =
          work->destination + (row * l->output_width + place.column) * pixel + output * bytes;
      for (int64_t j = 0; j < columns; j++, to += pixel)
        finish_panel(&rule, outputs[i * outputs_side + j], to);
    }
  }
}

// Computes a group of outputs at some tiles, whose inputs are transformed.
INTEGERS static void compute_group(
    const winograd_work *work, int64_t group, int64_t first, int64_t count,
    const int16_t *inputs, int32_t *products) {
  const integer_layer *l = work->layer;
  const winograd_division *d = work->division;
  const int64_t output = group * d->group_outputs;
  const int64_t width = least(d->group_outputs, l->outputs - output);
  const int16_t *weights = work->packed + output * points * l->channels;
  for (int64_t point = 0; point < points; point++, weights += l->channels * width)
    for (int64_t t = 0; t < count; t += row_limit)
      multiply(
          inputs + point * d->input_stride + t * l->channels, l->channels, weights, width,
          l->channels / 2, least(row_limit, count - t),
          products + point * d->product_stride + t * d->group_outputs);
  for (int64_t panel = 0; panel < width; panel += panel_outputs)
    write_tiles(work, products + panel, first, count, output + panel);
}

INTEGERS void PART(const winograd_work *work, int64_t index) {
  const integer_layer *l = work->layer;
  const winograd_division *d = work->division;
  const int64_t tile_part = index / d->group_parts, group_part = index % d->group_parts;
  const int64_t last = (tile_part + 1) * d->tile_count / d->tile_parts;
  const int64_t last_group = (group_part + 1) * d->groups / d->group_parts;
  char *scratch = work->scratch + (size_t)index * part_scratch_byte_count(d);
  int16_t *inputs = (int16_t *)scratch;
  int32_t *products = (int32_t *)(scratch + input_byte_count(d));
  for (int64_t first = tile_part * d->tile_count / d->tile_parts; first < last;
       first += d->tiles) {
    const int64_t count = least(d->tiles, last - first);
    if (l->source == INTEGER_LAYER_S8)
      transform_tiles(l, d, work->source, first, count, inputs, true);
    else
      transform_tiles(l, d, work->source, first, count, inputs, false);
    for (int64_t group = group_part * d->groups / d->group_parts; group < last_group; group++)
      compute_group(work, group, first, count, inputs, products);
  }
}
