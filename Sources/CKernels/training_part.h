// Kernels of training, written once for vectors of any width and compiled for each instruction set
// by the file that includes this one. That file defines
//   LANES      floats of a vector
//   KERNELS    the name of the table that comes out

#include <math.h>
#include <string.h>

#include "training_kernels.h"

typedef float vector __attribute__((vector_size(LANES * sizeof(float)), aligned(4)));
typedef double wide __attribute__((vector_size(LANES * sizeof(double)), aligned(8)));
typedef int32_t mask __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(4)));
typedef uint32_t bits __attribute__((vector_size(LANES * sizeof(uint32_t)), aligned(4)));
typedef uint16_t half_bits __attribute__((vector_size(LANES * sizeof(uint16_t)), aligned(2)));

#define INLINE static inline __attribute__((always_inline))

INLINE vector load(const float *address) { return *(const vector *)address; }
INLINE void store(float *address, vector value) { *(vector *)address = value; }
INLINE wide widened(vector value) { return __builtin_convertvector(value, wide); }

// Activations are fp32 or bfloat16; `narrow` says which, and is constant where these are inlined.
INLINE vector load_number(const void *base, int64_t index, const bool narrow) {
  if (!narrow) return load((const float *)base + index);
  const half_bits halves = *(const half_bits *)((const uint16_t *)base + index);
  return (vector)(__builtin_convertvector(halves, bits) << 16);
}

INLINE void store_number(void *base, int64_t index, vector value, const bool narrow) {
  if (!narrow) {
    store((float *)base + index, value);
    return;
  }
  // Rounded to nearest, ties to even.
  const bits whole = (bits)value;
  const bits rounded = whole + 0x7fff + (whole >> 16 & 1);
  *(half_bits *)((uint16_t *)base + index) = __builtin_convertvector(rounded >> 16, half_bits);
}

INLINE float load_one(const void *base, int64_t index, const bool narrow) {
  if (!narrow) return ((const float *)base)[index];
  const uint32_t whole = (uint32_t)((const uint16_t *)base)[index] << 16;
  float value;
  memcpy(&value, &whole, sizeof value);
  return value;
}

INLINE void store_one(void *base, int64_t index, float value, const bool narrow) {
  if (narrow)
    ((uint16_t *)base)[index] = training_bfloat16(value);
  else
    ((float *)base)[index] = value;
}

// Passes keep the numbers of so many in the caches while channels are taken one block at a time.
static const int64_t tile_numbers = 4096;

INLINE int64_t tile_rows(int64_t channels) {
  const int64_t rows = tile_numbers / channels;
  return rows < 8 ? 8 : rows;
}

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// The ReLU of a result and its mask in the backward pass rest on the same rounding of this.
INLINE vector affine(vector x, vector scale, vector shift) { return x * scale + shift; }
INLINE float affine_one(float x, float scale, float shift) { return x * scale + shift; }

// NaN remains NaN.
INLINE vector rectified(vector y) { return (vector)((mask)y & ~(mask)(y < (vector){0})); }

// The flags are constant where this is inlined.
INLINE void combine_rows(
    const training_combination *c, const bool scaled, const bool adds, const bool adds_scaled,
    const bool rectifies, const bool narrow) {
  const int64_t channels = c->channels, whole = channels / LANES * LANES;
  for (int64_t row = 0; row < c->rows; row++) {
    const int64_t start = row * channels;
    for (int64_t k = 0; k < whole; k += LANES) {
      vector v = load_number(c->source, start + k, narrow);
      if (scaled) v = affine(v, load(c->scale + k), load(c->shift + k));
      if (adds) {
        const vector r = load_number(c->addend, start + k, narrow);
        v = adds_scaled ? v + r * load(c->addend_scale + k) : v + r;
      }
      store_number(c->destination, start + k, rectifies ? rectified(v) : v, narrow);
    }
    for (int64_t k = whole; k < channels; k++) {
      float v = load_one(c->source, start + k, narrow);
      if (scaled) v = affine_one(v, c->scale[k], c->shift[k]);
      if (adds) {
        const float r = load_one(c->addend, start + k, narrow);
        v = adds_scaled ? v + r * c->addend_scale[k] : v + r;
      }
      store_one(c->destination, start + k, rectifies && v < 0 ? 0 : v, narrow);
    }
  }
}

INLINE void combine_numbers(const training_combination *c, const bool narrow) {
  if (c->scale && c->addend && c->addend_scale && c->rectifies)
    combine_rows(c, true, true, true, true, narrow);
  else if (c->scale && c->addend && c->addend_scale)
    combine_rows(c, true, true, true, false, narrow);
  else if (c->scale && c->addend && c->rectifies)
    combine_rows(c, true, true, false, true, narrow);
  else if (c->scale && c->addend)
    combine_rows(c, true, true, false, false, narrow);
  else if (c->scale && c->rectifies)
    combine_rows(c, true, false, false, true, narrow);
  else if (c->scale)
    combine_rows(c, true, false, false, false, narrow);
  else if (c->addend && c->rectifies)
    combine_rows(c, false, true, false, true, narrow);
  else if (c->addend)
    combine_rows(c, false, true, false, false, narrow);
  else if (c->rectifies)
    combine_rows(c, false, false, false, true, narrow);
  else
    combine_rows(c, false, false, false, false, narrow);
}

static void combine(const training_combination *c) {
  if (c->bfloat16)
    combine_numbers(c, true);
  else
    combine_numbers(c, false);
}

INLINE void sum_numbers(
    int64_t rows, int64_t channels, const void *values, double *sums, double *squares,
    const bool narrow) {
  memset(sums, 0, (size_t)channels * sizeof *sums);
  memset(squares, 0, (size_t)channels * sizeof *squares);
  const int64_t whole = channels / LANES * LANES, step = tile_rows(channels);
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t last = least(first + step, rows);
    for (int64_t k = 0; k < whole; k += LANES) {
      wide s = *(const wide *)(sums + k), q = *(const wide *)(squares + k), s1 = {0}, q1 = {0};
      int64_t row = first;
      for (; row + 1 < last; row += 2) {
        const wide x = widened(load_number(values, row * channels + k, narrow));
        const wide x1 = widened(load_number(values, (row + 1) * channels + k, narrow));
        s += x;
        q += x * x;
        s1 += x1;
        q1 += x1 * x1;
      }
      if (row < last) {
        const wide x = widened(load_number(values, row * channels + k, narrow));
        s += x;
        q += x * x;
      }
      *(wide *)(sums + k) = s + s1;
      *(wide *)(squares + k) = q + q1;
    }
    for (int64_t row = first; row < last; row++)
      for (int64_t k = whole; k < channels; k++) {
        const double x = load_one(values, row * channels + k, narrow);
        sums[k] += x;
        squares[k] += x * x;
      }
  }
}

static void sum(
    int64_t rows, int64_t channels, bool bfloat16, const void *values, double *sums,
    double *squares) {
  if (bfloat16)
    sum_numbers(rows, channels, values, sums, squares, true);
  else
    sum_numbers(rows, channels, values, sums, squares, false);
}

// The flags are constant where this is inlined.
INLINE void rectify_rows(
    const training_rectification *r, const bool by_result, const bool by_term, const int terms,
    const bool narrow) {
  const int64_t channels = r->channels, whole = channels / LANES * LANES;
  const int64_t step = tile_rows(channels);
  if (terms > 0) memset(r->sums, 0, (size_t)channels * sizeof(double));
  for (int term = 0; term < terms; term++)
    memset(r->products[term], 0, (size_t)channels * sizeof(double));
  for (int64_t first = 0; first < r->rows; first += step) {
    const int64_t last = least(first + step, r->rows);
    for (int64_t k = 0; k < whole; k += LANES) {
      const vector scale = by_term ? load(r->scale + k) : (vector){0};
      const vector shift = by_term ? load(r->shift + k) : (vector){0};
      const vector mean0 = terms > 0 ? load(r->means[0] + k) : (vector){0};
      const vector mean1 = terms > 1 ? load(r->means[1] + k) : (vector){0};
      wide s = {0}, p0 = {0}, p1 = {0};
      for (int64_t row = first; row < last; row++) {
        const int64_t at = row * channels + k;
        vector g = load_number(r->gradient, at, narrow);
        const vector x =
            by_term || terms > 0 ? load_number(r->values[0], at, narrow) : (vector){0};
        if (by_result)
          g = (vector)((mask)g & (mask)(load_number(r->result, at, narrow) > (vector){0}));
        if (by_term) g = (vector)((mask)g & (mask)(affine(x, scale, shift) > (vector){0}));
        if (by_result || by_term) store_number(r->gradient, at, g, narrow);
        if (terms > 0) {
          s += widened(g);
          p0 += widened(g * (x - mean0));
        }
        if (terms > 1) p1 += widened(g * (load_number(r->values[1], at, narrow) - mean1));
      }
      if (terms > 0) {
        *(wide *)(r->sums + k) += s;
        *(wide *)(r->products[0] + k) += p0;
      }
      if (terms > 1) *(wide *)(r->products[1] + k) += p1;
    }
    for (int64_t row = first; row < last; row++)
      for (int64_t k = whole; k < channels; k++) {
        const int64_t at = row * channels + k;
        float g = load_one(r->gradient, at, narrow);
        if (by_result && !(load_one(r->result, at, narrow) > 0)) g = 0;
        if (by_term &&
            !(affine_one(load_one(r->values[0], at, narrow), r->scale[k], r->shift[k]) > 0))
          g = 0;
        store_one(r->gradient, at, g, narrow);
        if (terms > 0) r->sums[k] += g;
        for (int term = 0; term < terms; term++)
          r->products[term][k] += g * (load_one(r->values[term], at, narrow) - r->means[term][k]);
      }
  }
}

INLINE void rectify_numbers(const training_rectification *r, const bool narrow) {
  if (r->result && r->term_count == 2)
    rectify_rows(r, true, false, 2, narrow);
  else if (r->result && r->term_count == 1)
    rectify_rows(r, true, false, 1, narrow);
  else if (r->result)
    rectify_rows(r, true, false, 0, narrow);
  else if (r->scale)
    rectify_rows(r, false, true, 1, narrow);
  else if (r->term_count == 2)
    rectify_rows(r, false, false, 2, narrow);
  else if (r->term_count == 1)
    rectify_rows(r, false, false, 1, narrow);
}

static void rectify(const training_rectification *r) {
  if (r->bfloat16)
    rectify_numbers(r, true);
  else
    rectify_numbers(r, false);
}

#include "pooling_part.h"

INLINE void add(int64_t count, float *restrict a, const float *restrict b) {
  for (int64_t index = 0; index < count; index++) a[index] += b[index];
}

static void reduce(float *arrays, int64_t count, int64_t stride, int64_t length, float *sum) {
  for (int64_t first = 0; first < length; first += tile_numbers) {
    const int64_t part = least(tile_numbers, length - first);
    for (int64_t width = 1; width < count; width *= 2)
      for (int64_t index = 0; index + width < count; index += 2 * width)
        add(part, arrays + index * stride + first, arrays + (index + width) * stride + first);
    memcpy(sum + first, arrays + first, (size_t)part * sizeof *sum);
  }
}

// One column of G g; see filter_transform in winograd.c.
INLINE void transform_taps(vector g0, vector g1, vector g2, vector *out, int step) {
  const vector even = (g0 + g2) * (1.f / 6), odd = g1 * (1.f / 6);
  const vector far = g0 * (1.f / 24) + g2 * (1.f / 6), half = g1 * (1.f / 12);
  out[0 * step] = g0 * (1.f / 4);
  out[1 * step] = -even - odd;
  out[2 * step] = odd - even;
  out[3 * step] = far + half;
  out[4 * step] = far - half;
  out[5 * step] = g2;
}

typedef float whole_vector __attribute__((vector_size(LANES * sizeof(float))));

// Filters of one input channel and one block of output channels; points are a stride apart.
INLINE void pack_filter(
    const float *filters, int64_t tap_stride, bool turned, float *packed, int64_t stride,
    const bool passes_caches) {
  vector taps[9], half[18], whole[6];
  for (int tap = 0; tap < 9; tap++)
    taps[tap] = load(filters + (turned ? 8 - tap : tap) * tap_stride);
  for (int j = 0; j < 3; j++) transform_taps(taps[j], taps[3 + j], taps[6 + j], half + j, 3);
  for (int i = 0; i < 6; i++) {
    transform_taps(half[i * 3], half[i * 3 + 1], half[i * 3 + 2], whole, 1);
    for (int j = 0; j < 6; j++) {
      float *place = packed + (i * 6 + j) * stride;
      if (passes_caches)
        __builtin_nontemporal_store((whole_vector)whole[j], (whole_vector *)place);
      else
        store(place, whole[j]);
    }
  }
}

// Blocks whose filters are written next to each other: where a vector is a line of the caches, both
// of a pair at once come twice as fast; narrower ones have too few registers for that.
enum { packed_together = LANES * sizeof(float) < 64 ? 1 : 2 };
// Bytes of packed filters beyond which no cache holds them: whole lines are then written past it.
static const int64_t cached_filter_byte_limit = 16 << 20;

static void pack_winograd(
    int64_t channels, int64_t outputs, const float *filters, bool turned, int64_t first_output,
    int64_t output_count, float *packed) {
  const int64_t blocks = outputs / LANES, tap_stride = channels * outputs;
  const int64_t last = least(first_output + output_count, outputs) / LANES;
  const bool passes_caches =
      packed_together > 1 &&
      36 * tap_stride * (int64_t)sizeof(float) > cached_filter_byte_limit;
  for (int64_t start = first_output / LANES; start < last; start += packed_together) {
    const int64_t first = start / 2 * 2, width = first + 1 < blocks ? 2 * LANES : LANES;
    const int64_t end = least(start + packed_together, last);
    for (int64_t c = 0; c < channels; c++)
      for (int64_t block = start; block < end; block++) {
        const float *taps = filters + c * outputs + block * LANES;
        float *place =
            packed + first * LANES * 36 * channels + (block - first) * LANES + c * width;
        if (passes_caches)
          pack_filter(taps, tap_stride, turned, place, channels * width, true);
        else
          pack_filter(taps, tap_stride, turned, place, channels * width, false);
      }
  }
  // Stores past the caches are not ordered with others.
  if (passes_caches) __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static double square_sum(int64_t count, const float *values) {
  wide sums = {0};
  int64_t index = 0;
  for (; index + LANES <= count; index += LANES) {
    const wide x = widened(load(values + index));
    sums += x * x;
  }
  double total = 0;
  for (int lane = 0; lane < LANES; lane++) total += sums[lane];
  for (; index < count; index++) total += (double)values[index] * values[index];
  return total;
}

INLINE void update_average(const training_update *u, int64_t index) {
  u->average[index] =
      u->average[index] * u->average_decay + u->parameters[index] * (1 - u->average_decay);
}

static void update_sgd(
    const training_update *u, float *restrict velocity, float momentum, bool is_nesterov) {
  float *restrict parameters = u->parameters;
  const float *restrict gradients = u->gradients;
  const float scale = u->gradient_scale, rate = u->rate, decay = u->decay;
  const float own = is_nesterov ? 1 : 0, running = is_nesterov ? momentum : 1;
  for (int64_t index = 0; index < u->count; index++) {
    const float g = gradients[index] * scale + parameters[index] * decay;
    const float v = velocity[index] * momentum + g;
    velocity[index] = v;
    parameters[index] -= rate * (own * g + running * v);
  }
  if (u->average)
    for (int64_t index = 0; index < u->count; index++) update_average(u, index);
}

static void update_adam(
    const training_update *u, const training_adam *adam, float *restrict first,
    float *restrict second) {
  float *restrict parameters = u->parameters;
  const float *restrict gradients = u->gradients;
  const float scale = u->gradient_scale, kept = 1 - u->rate * u->decay;
  const float step = (float)(u->rate / adam->first_correction);
  const float root = (float)sqrt(adam->second_correction);
  const float first_decay = adam->first_decay, second_decay = adam->second_decay;
  const float epsilon = adam->epsilon;
  for (int64_t index = 0; index < u->count; index++) {
    const float g = gradients[index] * scale;
    const float m = first[index] + (g - first[index]) * (1 - first_decay);
    const float v = second[index] * second_decay + g * g * (1 - second_decay);
    first[index] = m;
    second[index] = v;
    parameters[index] = parameters[index] * kept - step * m / (sqrtf(v) / root + epsilon);
  }
  if (u->average)
    for (int64_t index = 0; index < u->count; index++) update_average(u, index);
}

const training_kernels KERNELS = {
    .combine = combine,
    .sum = sum,
    .rectify = rectify,
    .pool = pool,
    .pool_back = pool_back,
    .sample = sample,
    .sample_back = sample_back,
    .reduce = reduce,
    .pack_winograd = pack_winograd,
    .square_sum = square_sum,
    .update_sgd = update_sgd,
    .update_adam = update_adam,
};
