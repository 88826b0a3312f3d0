// Maxima of windows, written once for vectors of any width and compiled for each instruction set by
// the file that includes this one. That file defines
//   VECTOR     bytes of a vector
//   ROWS       the name of the function that comes out

#include "maximum_rows.h"

typedef uint8_t vector __attribute__((vector_size(VECTOR), aligned(1)));
typedef int8_t signed_bytes __attribute__((vector_size(VECTOR)));
typedef int16_t halves __attribute__((vector_size(VECTOR)));
typedef uint16_t half_bits __attribute__((vector_size(VECTOR)));
typedef int32_t words __attribute__((vector_size(VECTOR)));
typedef uint32_t word_bits __attribute__((vector_size(VECTOR)));

#define INLINE static inline __attribute__((always_inline))

// Vectors of neighbouring channels that are taken at once; more do not fit into the registers.
enum { vectors_maximum = 4 };

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

// `number` is constant where these are inlined.

// Turns floating-point numbers into integers in the same order, and back: magnitudes of negative
// ones are inverted.
INLINE vector turned(vector x, const maximum_number number) {
  if (number == MAXIMUM_BF16) return (vector)((halves)x ^ ((halves)x >> 15 & 0x7fff));
  if (number == MAXIMUM_FP32) return (vector)((words)x ^ ((words)x >> 31 & 0x7fffffff));
  return x;
}

// NaN with a sign would be the least of all: each integer is moved down by their count, so that
// they become the largest.
enum { half_nan_count = 0x7f, word_nan_count = 0x7fffff };

INLINE vector load(const uint8_t *address, const maximum_number number) {
  const vector x = turned(*(const vector *)address, number);
  if (number == MAXIMUM_BF16) return (vector)((half_bits)x - half_nan_count);
  if (number == MAXIMUM_FP32) return (vector)((word_bits)x - word_nan_count);
  return x;
}

INLINE void store(uint8_t *address, vector x, const maximum_number number) {
  if (number == MAXIMUM_BF16) x = (vector)((half_bits)x + half_nan_count);
  if (number == MAXIMUM_FP32) x = (vector)((word_bits)x + word_nan_count);
  *(vector *)address = turned(x, number);
}

INLINE vector larger(vector a, vector b, const maximum_number number) {
  switch (number) {
    case MAXIMUM_FP32: return (vector)__builtin_elementwise_max((words)a, (words)b);
    case MAXIMUM_BF16: return (vector)__builtin_elementwise_max((halves)a, (halves)b);
    case MAXIMUM_U8: return __builtin_elementwise_max(a, b);
    case MAXIMUM_S8: return (vector)__builtin_elementwise_max((signed_bytes)a, (signed_bytes)b);
  }
}

// Bytes from pixel to pixel and from line to line.
typedef struct {
  int64_t pixel, line;
} distances;

INLINE vector column_maximum(
    const uint8_t *top, distances d, int64_t rows, const maximum_number number) {
  vector y = load(top, number);
  for (int64_t i = 1; i < rows; i++) y = larger(y, load(top + i * d.line, number), number);
  return y;
}

// A row of windows in `count` vectors of channels. `source` is the first line that the windows
// cover, of `rows`.
INLINE void pool_vectors(
    const maximum_pooling *p, distances d, const uint8_t *source, int64_t rows,
    uint8_t *destination, const int count, const maximum_number number) {
  // Windows that overlap in one column, as those of 3 with a stride of 2, share its maximum.
  const bool shares = p->window_width - p->stride_width == 1;
  vector last[vectors_maximum], y[vectors_maximum];
  for (int64_t x = 0; x < p->output_width; x++) {
    const int64_t left = x * p->stride_width - p->padding_left;
    const int64_t first = most(left, 0), end = least(left + p->window_width, p->input_width);
    for (int v = 0; v < count; v++) {
      if (!shares || x == 0)
        last[v] = column_maximum(source + first * d.pixel + v * VECTOR, d, rows, number);
      y[v] = last[v];
    }
    for (int64_t j = first + 1; j < end; j++)
      for (int v = 0; v < count; v++) {
        last[v] = column_maximum(source + j * d.pixel + v * VECTOR, d, rows, number);
        y[v] = larger(y[v], last[v], number);
      }
    for (int v = 0; v < count; v++) store(destination + x * d.pixel + v * VECTOR, y[v], number);
  }
}

INLINE void pool_row(
    const maximum_pooling *p, distances d, const uint8_t *source, int64_t rows,
    uint8_t *destination, const maximum_number number) {
  for (int64_t k = 0; k < d.pixel;) {
    const int64_t left = d.pixel - k;
    if (left >= 4 * VECTOR) {
      pool_vectors(p, d, source + k, rows, destination + k, 4, number);
      k += 4 * VECTOR;
    } else if (left >= 2 * VECTOR) {
      pool_vectors(p, d, source + k, rows, destination + k, 2, number);
      k += 2 * VECTOR;
    } else {
      // The last vector may take channels again.
      const int64_t at = least(k, d.pixel - VECTOR);
      pool_vectors(p, d, source + at, rows, destination + at, 1, number);
      k += VECTOR;
    }
  }
}

INLINE void pool_rows(
    const maximum_pooling *p, const uint8_t *source, uint8_t *destination, int64_t first_row,
    int64_t last_row, const maximum_number number) {
  const int64_t pixel = p->channels * maximum_byte_count(number);
  const distances d = {.pixel = pixel, .line = p->input_width * pixel};
  for (int64_t row = first_row; row < last_row; row++) {
    const int64_t image = row / p->output_height;
    const int64_t top = row % p->output_height * p->stride_height - p->padding_top;
    const int64_t first = most(top, 0);
    const int64_t rows = least(top + p->window_height, p->input_height) - first;
    const uint8_t *from = source + (image * p->input_height + first) * d.line;
    uint8_t *to = destination + row * p->output_width * pixel;
    // A known count makes the usual window's loop straight.
    if (rows == 3)
      pool_row(p, d, from, 3, to, number);
    else
      pool_row(p, d, from, rows, to, number);
  }
}

void ROWS(
    const maximum_pooling *p, const uint8_t *source, uint8_t *destination, int64_t first,
    int64_t last) {
  switch (p->number) {
    case MAXIMUM_FP32: pool_rows(p, source, destination, first, last, MAXIMUM_FP32); break;
    case MAXIMUM_BF16: pool_rows(p, source, destination, first, last, MAXIMUM_BF16); break;
    case MAXIMUM_U8: pool_rows(p, source, destination, first, last, MAXIMUM_U8); break;
    case MAXIMUM_S8: pool_rows(p, source, destination, first, last, MAXIMUM_S8); break;
  }
}
