// Products of bytes.
//
// `vpmaddubsw` sums two products of an unsigned and a signed byte in 16 bits, and saturates if two
// weights of one sign are large. Which neighbours in a row are, is known when weights are packed,
// for each panel of outputs: they are multiplied in different steps, each beside a zero. A step
// takes four bytes of a row from any place on.
#include <stdlib.h>

#include "integer_direct.h"

#if defined(__x86_64__)
// Largest sum of two weights whose products with bytes of 255 do not exceed 16 bits.
static const int safe_sum = 128;

// Bytes that one step multiplies, and those of the weights for it.
enum { step_bytes = 4, step_weights = step_bytes * panel_outputs };

// What is packed: the number of steps before each panel and in all; then their weights, and their
// places in a row.
typedef struct {
  int64_t *counts;
  int8_t *weights;
  int32_t *places;
  size_t byte_count;
} bytes_packing;

// Where it lies in `packed`; without that only how many bytes it takes.
static bytes_packing packing_of(
    const direct_division *d, int64_t step_count, char *_Nullable packed) {
  bytes_packing result = {0};
#define TAKE(member, count)                                                        \
  if (packed) result.member = (void *)(packed + result.byte_count);                \
  result.byte_count +=                                                             \
      (size_t)divided_up((count) * (int64_t)sizeof *result.member, 64) * 64;
  TAKE(counts, d->panels + 1)
  TAKE(weights, step_count * step_weights)
  TAKE(places, step_count)
#undef TAKE
  return result;
}

// Weights of a panel, read some at a time.
enum { read_places = 64 };
typedef struct {
  const integer_layer *layer;
  const direct_division *division;
  const int8_t *weights;
  int64_t panel, first;
  int8_t rows[read_places][panel_outputs];
} panel_reader;

static void read_on(panel_reader *reader, int64_t first) {
  reader->first = first;
  integer_direct_read(
      reader->layer, reader->weights, reader->panel, first, read_places, reader->rows);
}

// Weights for a byte of a row.
static const int8_t *weights_at(const panel_reader *reader, int64_t place) {
  return reader->rows[place - reader->first];
}

// Whether products of two neighbours may be summed.
static bool are_safe(const panel_reader *reader, int64_t place) {
  const int8_t *first = weights_at(reader, place), *second = weights_at(reader, place + 1);
  bool safe = true;
  for (int64_t k = 0; k < panel_outputs; k++) {
    const int sum = first[k] + second[k];
    safe &= sum <= safe_sum && sum >= -safe_sum;
  }
  return safe;
}

// A step: its place in a row, and which of the bytes there it multiplies, from one up to another.
typedef struct {
  int64_t place, first, end;
} step_plan;

// Plans the step that takes as many bytes as it can from `next` on.
static step_plan plan_step(panel_reader *reader, int64_t next) {
  if (next + step_bytes > reader->first + read_places) read_on(reader, next > 0 ? next - 1 : 0);
  // Of two that are unsafe the first is the second of its pair, so that the next pair is whole.
  const bool shifts = next > 0 && !are_safe(reader, next);
  const int64_t place = least(next - shifts, reader->division->depth - step_bytes);
  step_plan step = {.place = place, .first = next - place, .end = next - place + 1};
  while (step.end < step_bytes &&
         (step.end % 2 == 0 || are_safe(reader, place + step.end - 1)))
    step.end++;
  return step;
}

static void pack_step(
    const panel_reader *reader, const step_plan *step, int8_t packed[step_weights]) {
  for (int64_t i = step->first; i < step->end; i++)
    for (int64_t k = 0; k < panel_outputs; k++)
      packed[k * step_bytes + i] = weights_at(reader, step->place + i)[k];
}

// Plans the steps of all panels, and packs them if there is memory for that; returns how many.
static int64_t pack_steps(
    const integer_layer *layer, const direct_division *d, const int8_t *weights,
    const bytes_packing *_Nullable packing) {
  int64_t count = 0;
  panel_reader reader = {.layer = layer, .division = d, .weights = weights};
  for (; reader.panel < d->panels; reader.panel++) {
    // None are read yet.
    reader.first = -read_places;
    for (int64_t next = 0; next < d->depth; count++) {
      const step_plan step = plan_step(&reader, next);
      next = step.place + step.end;
      if (!packing) continue;
      pack_step(&reader, &step, packing->weights + count * step_weights);
      packing->places[count] = (int32_t)step.place;
    }
    if (packing) packing->counts[reader.panel + 1] = count;
  }
  return count;
}

integer_bytes_measure integer_bytes_measured(
    const integer_layer *layer, const direct_division *d, const int8_t *weights) {
  const int64_t count = pack_steps(layer, d, weights, NULL);
  const double least_count = (double)(d->panels * d->depth) / step_bytes;
  return (integer_bytes_measure){
      count, packing_of(d, count, NULL).byte_count, (double)count / least_count};
}

void integer_bytes_pack(
    const integer_layer *layer, const direct_division *d, const int8_t *weights,
    int64_t step_count, char *packed) {
  const bytes_packing packing = packing_of(d, step_count, packed);
  memset(packed, 0, packing.byte_count);
  pack_steps(layer, d, weights, &packing);
}

// A panel of weights.
typedef struct {
  const int8_t *weights;
  const int32_t *places;
  int64_t steps;
} bytes_panel;

// Sums the products of `count` rows, `stride` bytes apart, with a panel: [count][16].
INTEGERS_INLINE void sum(
    const bytes_panel *panel, const uint8_t *rows, int64_t stride, const int32_t *start,
    int32_t *sums, const int count) {
  __m256i low[bytes_rows], high[bytes_rows], ones = _mm256_set1_epi16(1);
  // As unknown, so that it is kept in a register.
  __asm__("" : "+x"(ones));
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    low[r] = _mm256_load_si256((const __m256i *)start);
    high[r] = _mm256_load_si256((const __m256i *)start + 1);
  }
  const __m256i *weights = (const __m256i *)panel->weights;
#pragma clang loop unroll(disable)
  for (int64_t i = 0; i < panel->steps; i++, weights += 2) {
    const __m256i first = _mm256_load_si256(weights), second = _mm256_load_si256(weights + 1);
    // Two pointers and one distance reach all rows.
    const uint8_t *first_rows = rows + panel->places[i], *last_rows = first_rows + 3 * stride;
#pragma clang loop unroll(full)
    for (int r = 0; r < count; r++) {
      int32_t bytes;
      memcpy(&bytes, (r < 3 ? first_rows : last_rows) + r % 3 * stride, sizeof bytes);
      const __m256i four = _mm256_set1_epi32(bytes);
      low[r] = _mm256_add_epi32(
          low[r], _mm256_madd_epi16(_mm256_maddubs_epi16(four, first), ones));
      high[r] = _mm256_add_epi32(
          high[r], _mm256_madd_epi16(_mm256_maddubs_epi16(four, second), ones));
      // As unknown, so that the compiler does not compute several steps at once, for which it
      // lacks registers.
      __asm__("" : "+x"(low[r]), "+x"(high[r]));
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < count; r++) {
    _mm256_store_si256((__m256i *)(sums + r * panel_outputs), low[r]);
    _mm256_store_si256((__m256i *)(sums + r * panel_outputs + vector_sums), high[r]);
  }
}

INTEGERS void integer_bytes_sum(
    const direct_division *division, const char *packed, int64_t index, const uint8_t *rows,
    int64_t count, const int32_t *start, int32_t *sums) {
  const int64_t *counts = (const int64_t *)packed, before = counts[index];
  const bytes_packing packing = packing_of(division, counts[division->panels], (char *)packed);
  const bytes_panel panel = {
      .weights = packing.weights + before * step_weights,
      .places = packing.places + before,
      .steps = counts[index + 1] - before,
  };
  const int64_t stride = division->depth;
  switch (count) {
    case 5: sum(&panel, rows, stride, start, sums, 5); break;
    case 4: sum(&panel, rows, stride, start, sums, 4); break;
    case 3: sum(&panel, rows, stride, start, sums, 3); break;
    case 2: sum(&panel, rows, stride, start, sums, 2); break;
    default: sum(&panel, rows, stride, start, sums, 1);
  }
}
#endif
