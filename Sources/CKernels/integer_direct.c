#include "integer_direct.h"

#if defined(__x86_64__)
// Bytes of the rows that are multiplied with all weights, one panel after the other: so many that
// the second cache holds them beside a panel. They are whole rows for both ways.
static const int64_t row_byte_limit = 1 << 18;
static const int64_t block_row_limit = 180, row_multiple = bytes_rows * row_limit;
// Blocks that each thread has at least where they are divided among threads; of fewer, each thread
// computes panels of outputs.
static const int64_t blocks_per_thread = 2;
// What makes a signed byte unsigned; the sums begin without it.
static const int32_t sign_offset = 128;
// Time of products of 16-bit integers, relative to those of bytes that are taken as they lie; on an
// AMD EPYC (Zen 4) 1.2 to 1.4 make no difference.
static const double words_time = 1.3;

static direct_division divide(const integer_layer *l) {
  const int64_t taps = l->kernel_height * l->kernel_width;
  direct_division d = {
      .positions = l->images * l->output_height * l->output_width,
      .depth = divided_up(taps * l->channels, vector_words) * vector_words,
      .panels = divided_up(l->outputs, panel_outputs),
      .copies = taps > 1 || l->stride_height > 1 || l->stride_width > 1 || l->padding_top > 0 ||
                l->padding_left > 0 || l->output_height != l->input_height ||
                l->output_width != l->input_width || l->channels % vector_words > 0 ||
                l->source != INTEGER_LAYER_U8 || l->source_zero != 0,
  };
  const int64_t fitting = row_byte_limit / d.depth / row_multiple * row_multiple;
  d.block = fitting < row_multiple ? row_multiple : least(fitting, block_row_limit);
  d.blocks = divided_up(d.positions, d.block);
  // Blocks of one size, so that the last is not a small remainder.
  d.block = divided_up(divided_up(d.positions, d.blocks), row_multiple) * row_multiple;
  d.blocks = divided_up(d.positions, d.block);
  return d;
}

// MARK: Weights

void integer_direct_read(
    const integer_layer *l, const int8_t *weights, int64_t panel, int64_t place, int64_t count,
    int8_t (*read)[panel_outputs]) {
  const int64_t taps = l->kernel_height * l->kernel_width, depth = taps * l->channels;
  const int64_t outputs = least(panel_outputs, l->outputs - panel * panel_outputs);
  memset(read, 0, (size_t)(count * panel_outputs));
  for (int64_t i = 0; i < count && place + i < depth; i++) {
    const int64_t tap = (place + i) / l->channels, channel = (place + i) % l->channels;
    const int8_t *from = weights + panel * panel_outputs * depth + channel * taps + tap;
    for (int64_t k = 0; k < outputs; k++) read[i][k] = from[k * depth];
  }
}

// What is packed begins with this; then come the sums' beginnings [panels][16], and the weights.
typedef struct {
  _Alignas(64) int64_t uses_words;
} direct_header;

static size_t start_byte_count(const direct_division *d) {
  return (size_t)(d->panels * panel_outputs) * sizeof(int32_t);
}

// Pairs of a panel [pairs][16][2].
static size_t word_byte_count(const direct_division *d) {
  return (size_t)(d->panels * panel_outputs * d->depth) * sizeof(int16_t);
}

size_t integer_direct_weight_byte_count(const integer_layer *layer, const int8_t *weights) {
  const direct_division d = divide(layer);
  const integer_bytes_measure bytes = integer_bytes_measured(layer, &d, weights);
  return sizeof(direct_header) + start_byte_count(&d) +
         (bytes.relative_time > words_time ? word_byte_count(&d) : bytes.byte_count);
}

static void pack_words(
    const integer_layer *l, const direct_division *d, const int8_t *weights, int16_t *packed) {
  for (int64_t panel = 0; panel < d->panels; panel++)
    for (int64_t place = 0; place < d->depth; place += 2, packed += 2 * panel_outputs) {
      int8_t read[2][panel_outputs];
      integer_direct_read(l, weights, panel, place, 2, read);
      for (int64_t k = 0; k < panel_outputs; k++) {
        packed[2 * k] = read[0][k];
        packed[2 * k + 1] = read[1][k];
      }
    }
}

void integer_direct_pack(const integer_layer *l, const int8_t *weights, char *packed) {
  const direct_division d = divide(l);
  direct_header *header = (direct_header *)packed;
  const integer_bytes_measure bytes = integer_bytes_measured(l, &d, weights);
  header->uses_words = bytes.relative_time > words_time;
  int32_t *start = (int32_t *)(header + 1);
  const int32_t offset = l->source_zero + (l->source == INTEGER_LAYER_S8 ? sign_offset : 0);
  const int64_t depth = l->channels * l->kernel_height * l->kernel_width;
  memset(start, 0, start_byte_count(&d));
  for (int64_t k = 0; k < l->outputs; k++) {
    int64_t sum = 0;
    for (int64_t i = 0; i < depth; i++) sum += weights[k * depth + i];
    // Modulo 2^32, as the sums that begin with it.
    start[k] = (int32_t)(uint32_t)(-offset * sum);
  }
  char *products = (char *)start + start_byte_count(&d);
  if (header->uses_words)
    pack_words(l, &d, weights, (int16_t *)products);
  else
    integer_bytes_pack(l, &d, weights, bytes.step_count, products);
}

// MARK: Rows

// Copies so many bytes with bits turned.
INTEGERS_INLINE void copy(const uint8_t *from, int64_t count, __m256i turned, uint8_t *to) {
  int64_t i = 0;
  for (; i + 32 <= count; i += 32)
    _mm256_storeu_si256(
        (__m256i *)(to + i),
        _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(from + i)), turned));
  const __m128i half = _mm256_castsi256_si128(turned);
  while (i + 16 <= count || (count >= 16 && i < count)) {
    // The last vector begins earlier, so that it ends with the last byte.
    if (i + 16 > count) i = count - 16;
    _mm_storeu_si128(
        (__m128i *)(to + i), _mm_xor_si128(_mm_loadu_si128((const __m128i *)(from + i)), half));
    i += 16;
  }
  const uint8_t bits = (uint8_t)_mm_extract_epi8(half, 0);
  for (; i < count; i++) to[i] = from[i] ^ bits;
}

// Copies the rows of the windows at `count` positions from `first` on; beyond the image is zero.
INTEGERS static void copy_rows(
    const integer_layer *l, const uint8_t *source, int64_t first, int64_t count, int64_t depth,
    uint8_t *rows) {
  const int64_t channels = l->channels, line = l->input_width * channels;
  const bool is_signed = l->source == INTEGER_LAYER_S8;
  const __m256i turned = _mm256_set1_epi8(is_signed ? (char)sign_offset : 0);
  const int zero = l->source_zero + (is_signed ? sign_offset : 0);
  const bool whole_lines = l->dilation_width == 1;
  int64_t x = first % l->output_width, y = first / l->output_width % l->output_height;
  int64_t image = first / l->output_width / l->output_height;
  for (int64_t p = 0; p < count; p++, rows += depth) {
    uint8_t *next = rows;
    const int64_t left = x * l->stride_width - l->padding_left;
    // Taps of a line that lie in the image.
    const int64_t begin = left < 0 ? least(l->kernel_width, -left) : 0;
    int64_t end = least(l->kernel_width, l->input_width - left);
    if (end < begin) end = begin;
    for (int64_t i = 0; i < l->kernel_height; i++, next += l->kernel_width * channels) {
      const int64_t row = y * l->stride_height - l->padding_top + i * l->dilation_height;
      if (row < 0 || row >= l->input_height) {
        memset(next, zero, (size_t)(l->kernel_width * channels));
        continue;
      }
      const uint8_t *pixels = source + (image * l->input_height + row) * line;
      if (whole_lines) {
        if (begin > 0) memset(next, zero, (size_t)(begin * channels));
        copy(
            pixels + (left + begin) * channels, (end - begin) * channels, turned,
            next + begin * channels);
        if (end < l->kernel_width)
          memset(next + end * channels, zero, (size_t)((l->kernel_width - end) * channels));
        continue;
      }
      for (int64_t j = 0; j < l->kernel_width; j++) {
        const int64_t column = left + j * l->dilation_width;
        if (column < 0 || column >= l->input_width)
          memset(next + j * channels, zero, (size_t)channels);
        else
          copy(pixels + column * channels, channels, turned, next + j * channels);
      }
    }
    // Their weights are zero.
    while (next < rows + depth) *next++ = 0;
    if (++x < l->output_width) continue;
    x = 0;
    if (++y < l->output_height) continue;
    y = 0;
    image++;
  }
}

// Widens bytes to 16 bits, whole vectors of them.
INTEGERS static void widen(const uint8_t *bytes, int64_t count, int16_t *words) {
  for (int64_t i = 0; i < count; i += vector_words)
    _mm256_storeu_si256(
        (__m256i *)(words + i),
        _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(bytes + i))));
}

// A thread's rows, of bytes if they are copied, then of 16-bit integers.
static size_t copied_byte_count(const direct_division *d) {
  return d->copies ? (size_t)(divided_up(d->block * d->depth, 64) * 64) : 0;
}

static size_t thread_scratch_byte_count(const direct_division *d) {
  return copied_byte_count(d) +
         (size_t)divided_up(d->block * d->depth * (int64_t)sizeof(int16_t), 64) * 64;
}

size_t integer_direct_scratch_byte_count(const integer_layer *layer) {
  const direct_division d = divide(layer);
  return (size_t)layer->threads * thread_scratch_byte_count(&d);
}

// MARK: Products

// Writes the outputs of a last panel that is not whole.
INTEGERS static void finish_rest(
    const finish_rule *rule, const sum_vector *row, int64_t outputs_left, char *destination) {
  char outputs[panel_outputs * sizeof(float)] = {0};
  const size_t count = (size_t)outputs_left * number_bytes(rule->destination);
  memcpy(outputs, destination, count);
  finish_panel(rule, row, outputs);
  memcpy(destination, outputs, count);
}

typedef struct {
  const integer_layer *layer;
  const direct_division *division;
  const uint8_t *source;
  const direct_header *header;
  const int32_t *start;
  const char *weights;
  const integer_finish *finish;
  char *destination, *scratch;
} direct_work;

// Rows of a block; `words` only if they are needed.
typedef struct {
  const uint8_t *bytes;
  const int16_t *words;
} direct_rows;

static direct_rows rows_of(
    const direct_work *work, int64_t first, int64_t count, char *scratch) {
  const direct_division *d = work->division;
  direct_rows rows = {work->source + first * d->depth, NULL};
  if (d->copies) {
    copy_rows(work->layer, work->source, first, count, d->depth, (uint8_t *)scratch);
    rows.bytes = (const uint8_t *)scratch;
  }
  if (work->header->uses_words) {
    int16_t *words = (int16_t *)(scratch + copied_byte_count(d));
    widen(rows.bytes, count * d->depth, words);
    rows.words = words;
  }
  return rows;
}

// Sums of some rows with a panel [count][16]; returns the count.
static int64_t sum_rows(
    const direct_work *work, int64_t panel, const direct_rows *rows, int64_t first, int64_t count,
    int32_t *sums) {
  const direct_division *d = work->division;
  const int32_t *start = work->start + panel * panel_outputs;
  if (!rows->words) {
    const int64_t some = least(bytes_rows, count);
    integer_bytes_sum(d, work->weights, panel, rows->bytes + first * d->depth, some, start, sums);
    return some;
  }
  const int64_t some = least(row_limit, count);
  const int16_t *weights = (const int16_t *)work->weights + panel * panel_outputs * d->depth;
  integer_products_sum(
      rows->words + first * d->depth, d->depth, weights, d->depth / 2, some, start, sums);
  return some;
}

// Computes panels of outputs at a block of positions.
INTEGERS static void multiply_block(
    const direct_work *work, int64_t block, int64_t first_panel, int64_t last_panel,
    char *scratch) {
  const integer_layer *l = work->layer;
  const direct_division *d = work->division;
  const int64_t first = block * d->block, count = least(d->block, d->positions - first);
  const int64_t pixel = l->outputs * (int64_t)number_bytes(l->destination);
  const direct_rows rows = rows_of(work, first, count, scratch);
  for (int64_t panel = first_panel; panel < last_panel; panel++) {
    const int64_t output = panel * panel_outputs, left = l->outputs - output;
    const finish_rule rule = rule_of(l, work->finish, output);
    char *to = work->destination + first * pixel + output * (int64_t)number_bytes(l->destination);
    for (int64_t p = 0; p < count;) {
      sum_vector sums[row_limit * panel_vectors];
      const int64_t some = sum_rows(work, panel, &rows, p, count - p, (int32_t *)sums);
      for (int64_t r = 0; r < some; r++, to += pixel) {
        const sum_vector *row = sums + r * panel_vectors;
        if (left >= panel_outputs)
          finish_panel(&rule, row, to);
        else
          finish_rest(&rule, row, left, to);
      }
      p += some;
    }
  }
}

static void multiply_share(void *data) {
  const direct_work *work = data;
  const direct_division *d = work->division;
  const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
  char *scratch = work->scratch + (size_t)thread * thread_scratch_byte_count(d);
  if (d->blocks >= blocks_per_thread * threads) {
    for (int64_t i = thread * d->blocks / threads; i < (thread + 1) * d->blocks / threads; i++)
      multiply_block(work, i, 0, d->panels, scratch);
    return;
  }
  const int64_t first = thread * d->panels / threads, last = (thread + 1) * d->panels / threads;
  for (int64_t i = 0; i < d->blocks && first < last; i++)
    multiply_block(work, i, first, last, scratch);
}

void integer_direct_run(
    const integer_layer *layer, const uint8_t *source, const char *packed,
    const integer_finish *finish, char *destination, char *scratch) {
  const direct_division division = divide(layer);
  const direct_header *header = (const direct_header *)packed;
  const int32_t *start = (const int32_t *)(header + 1);
  direct_work work = {
      layer, &division, source, header, start, (const char *)start + start_byte_count(&division),
      finish, destination, scratch};
  run_share(multiply_share, &work, layer->threads);
}
#endif
