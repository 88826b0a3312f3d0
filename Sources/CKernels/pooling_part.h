// Pooling and sampling of pixels, written once for vectors of any width; included by
// training_part.h.

typedef uint8_t byte_vector __attribute__((vector_size(LANES), aligned(1)));

// Part of a window that lies inside the input.
typedef struct {
  int64_t top, left, first_row, last_row, first_column, last_column;
} window;

INLINE window place(const training_pooling *p, int64_t row, int64_t column) {
  window w = {
      .top = row * p->stride_height - p->padding_top,
      .left = column * p->stride_width - p->padding_left};
  w.first_row = w.top < 0 ? -w.top : 0;
  w.first_column = w.left < 0 ? -w.left : 0;
  w.last_row = least(p->window_height, p->input_height - w.top);
  w.last_column = least(p->window_width, p->input_width - w.left);
  return w;
}

INLINE float divisor(const training_pooling *p, window w) {
  const int64_t count = p->counts_padding ? p->window_height * p->window_width
                                          : (w.last_row - w.first_row) *
                                                (w.last_column - w.first_column);
  return (float)count;
}

INLINE vector chosen(mask takes, vector a, vector b) {
  return (vector)(((mask)a & takes) | ((mask)b & ~takes));
}

// One result for each channel; `source` begins at the input's first pixel.
INLINE void pool_window(
    const training_pooling *p, window w, const void *source, int64_t image, void *destination,
    uint8_t *choices, int64_t out, const bool is_maximum, const bool narrow) {
  const int64_t channels = p->channels, whole = channels / LANES * LANES;
  const int64_t start =
      (image * p->input_height + w.top) * p->input_width * channels + w.left * channels;
  const int64_t row = p->input_width * channels;
  const int32_t first = (int32_t)(w.first_row * p->window_width + w.first_column);
  const float count = divisor(p, w);
  for (int64_t k = 0; k < whole; k += LANES) {
    vector y = is_maximum ? (vector){0} - INFINITY : (vector){0};
    mask choice = (mask){0} + first;
    for (int64_t i = w.first_row; i < w.last_row; i++)
      for (int64_t j = w.first_column; j < w.last_column; j++) {
        const vector x = load_number(source, start + i * row + j * channels + k, narrow);
        if (is_maximum) {
          const mask greater = (mask)(x > y) | (mask)(x != x);
          y = chosen(greater, x, y);
          choice = (((mask){0} + (int32_t)(i * p->window_width + j)) & greater) |
                   (choice & ~greater);
        } else {
          y += x;
        }
      }
    store_number(destination, out + k, is_maximum ? y : y / count, narrow);
    if (is_maximum)
      *(byte_vector *)(choices + out + k) = __builtin_convertvector(choice, byte_vector);
  }
  for (int64_t k = whole; k < channels; k++) {
    float y = is_maximum ? -INFINITY : 0;
    int32_t choice = first;
    for (int64_t i = w.first_row; i < w.last_row; i++)
      for (int64_t j = w.first_column; j < w.last_column; j++) {
        const float x = load_one(source, start + i * row + j * channels + k, narrow);
        if (is_maximum && (x > y || x != x)) {
          y = x;
          choice = (int32_t)(i * p->window_width + j);
        }
        if (!is_maximum) y += x;
      }
    store_one(destination, out + k, is_maximum ? y : y / count, narrow);
    if (is_maximum) choices[out + k] = (uint8_t)choice;
  }
}

INLINE void pool_numbers(
    const training_pooling *p, const void *source, void *destination, uint8_t *choices,
    const bool narrow) {
  for (int64_t n = 0; n < p->images; n++)
    for (int64_t row = 0; row < p->output_height; row++)
      for (int64_t column = 0; column < p->output_width; column++) {
        const window w = place(p, row, column);
        const int64_t out =
            ((n * p->output_height + row) * p->output_width + column) * p->channels;
        if (p->is_maximum)
          pool_window(p, w, source, n, destination, choices, out, true, narrow);
        else
          pool_window(p, w, source, n, destination, choices, out, false, narrow);
      }
}

static void pool(
    const training_pooling *p, const void *source, void *destination, uint8_t *choices) {
  if (p->bfloat16)
    pool_numbers(p, source, destination, choices, true);
  else
    pool_numbers(p, source, destination, choices, false);
}

// Windows along a side that have a position in them.
typedef struct {
  int64_t first, last;
} window_range;

INLINE window_range windows_with(
    int64_t position, int64_t padding, int64_t window, int64_t stride, int64_t count) {
  const int64_t end = position + padding, before = end - window;
  return (window_range){before < 0 ? 0 : before / stride + 1, least(end / stride + 1, count)};
}

// The gradient of one pixel of the input: windows give in the order of their results.
INLINE void gather_pixel(
    const training_pooling *p, const void *gradient, const uint8_t *choices, int64_t image,
    int64_t row, int64_t column, void *source_gradient, const bool is_maximum,
    const bool narrow) {
  const int64_t channels = p->channels, whole = channels / LANES * LANES;
  const window_range rows = windows_with(
      row, p->padding_top, p->window_height, p->stride_height, p->output_height);
  const window_range columns = windows_with(
      column, p->padding_left, p->window_width, p->stride_width, p->output_width);
  const int64_t in = ((image * p->input_height + row) * p->input_width + column) * channels;
  for (int64_t k = 0; k < channels; k += k < whole ? LANES : 1) {
    vector s = {0};
    float one = 0;
    for (int64_t i = rows.first; i < rows.last; i++)
      for (int64_t j = columns.first; j < columns.last; j++) {
        const window w = place(p, i, j);
        const int64_t out = ((image * p->output_height + i) * p->output_width + j) * channels + k;
        const int32_t own = (int32_t)((row - w.top) * p->window_width + column - w.left);
        if (k < whole) {
          const vector g = load_number(gradient, out, narrow);
          if (is_maximum) {
            const mask choice =
                __builtin_convertvector(*(const byte_vector *)(choices + out), mask);
            s += (vector)((mask)g & (mask)(choice == (mask){0} + own));
          } else {
            s += g / divisor(p, w);
          }
        } else {
          const float g = load_one(gradient, out, narrow);
          if (!is_maximum)
            one += g / divisor(p, w);
          else if (choices[out] == own)
            one += g;
        }
      }
    if (k < whole)
      store_number(source_gradient, in + k, s, narrow);
    else
      store_one(source_gradient, in + k, one, narrow);
  }
}

INLINE void pool_back_numbers(
    const training_pooling *p, const void *gradient, const uint8_t *choices,
    void *source_gradient, const bool narrow) {
  for (int64_t n = 0; n < p->images; n++)
    for (int64_t row = 0; row < p->input_height; row++)
      for (int64_t column = 0; column < p->input_width; column++)
        if (p->is_maximum)
          gather_pixel(p, gradient, choices, n, row, column, source_gradient, true, narrow);
        else
          gather_pixel(p, gradient, choices, n, row, column, source_gradient, false, narrow);
}

static void pool_back(
    const training_pooling *p, const void *gradient, const uint8_t *choices,
    void *source_gradient) {
  if (p->bfloat16)
    pool_back_numbers(p, gradient, choices, source_gradient, true);
  else
    pool_back_numbers(p, gradient, choices, source_gradient, false);
}

static void sample(const training_sampling *s, const void *source, void *destination) {
  const int64_t size = s->bfloat16 ? sizeof(uint16_t) : sizeof(float);
  const int64_t outputs = s->output_channels * size, inputs = s->input_channels * size;
  for (int64_t n = 0; n < s->images; n++)
    for (int64_t row = 0; row < s->output_height; row++)
      for (int64_t column = 0; column < s->output_width; column++) {
        const int64_t out = (n * s->output_height + row) * s->output_width + column;
        char *y = (char *)destination + out * outputs;
        const char *x =
            (const char *)source + ((n * s->input_height + row * s->stride) * s->input_width +
                                    column * s->stride) * inputs;
        if (outputs > inputs) memset(y, 0, (size_t)outputs);
        memcpy(y + s->leading * size, x, (size_t)inputs);
      }
}

static void sample_back(const training_sampling *s, const void *gradient, void *source_gradient) {
  const int64_t size = s->bfloat16 ? sizeof(uint16_t) : sizeof(float);
  const int64_t outputs = s->output_channels * size, inputs = s->input_channels * size;
  memset(
      source_gradient, 0, (size_t)(s->images * s->input_height * s->input_width * inputs));
  for (int64_t n = 0; n < s->images; n++)
    for (int64_t row = 0; row < s->output_height; row++)
      for (int64_t column = 0; column < s->output_width; column++)
        memcpy(
            (char *)source_gradient +
                ((n * s->input_height + row * s->stride) * s->input_width + column * s->stride) *
                    inputs,
            (const char *)gradient +
                ((n * s->output_height + row) * s->output_width + column) * outputs +
                s->leading * size,
            (size_t)inputs);
}
