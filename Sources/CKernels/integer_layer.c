#include "integer_layer.h"

#include "integer_products.h"

#if defined(__x86_64__)
// Largest output of Winograd's filtering: a seventh of 32 bits is what it may still be divided by.
static const int64_t exact_limit = 1 << 25;

bool integer_layer_computes(const integer_layer *l) {
  const bool adds_fp32 = l->residual == INTEGER_LAYER_F32;
  if (l->source == INTEGER_LAYER_F32 || adds_fp32 != (l->destination == INTEGER_LAYER_F32))
    return false;
  if (!l->uses_winograd) return l->instructions == INTEGER_LAYER_AVX2;
  return integer_winograd_computes(l);
}

bool integer_layer_is_exact(const integer_layer *l, const int8_t *weights) {
  const int64_t count = l->channels * l->kernel_height * l->kernel_width;
  for (int64_t k = 0; k < l->outputs; k++) {
    int64_t above = 0, below = 0;
    for (int64_t i = 0; i < count; i++) {
      const int weight = weights[k * count + i];
      if (weight > 0)
        above += weight;
      else
        below -= weight;
    }
    const int64_t largest = l->source == INTEGER_LAYER_U8 ? 255 * (above > below ? above : below)
                                                 : 128 * (above + below);
    if (largest >= exact_limit) return false;
  }
  return true;
}

// Outputs of whole panels.
static int64_t finish_count(const integer_layer *layer) {
  return divided_up(layer->outputs, panel_outputs) * panel_outputs;
}

static size_t finish_byte_count(const integer_layer *layer) {
  return 2 * (size_t)finish_count(layer) * sizeof(float);
}

size_t integer_layer_weight_byte_count(const integer_layer *layer, const int8_t *weights) {
  return finish_byte_count(layer) + (layer->uses_winograd
                                         ? integer_winograd_weight_byte_count(layer)
                                         : integer_direct_weight_byte_count(layer, weights));
}

// The bias and scales [K], then the weights.
void integer_layer_pack(
    const integer_layer *layer, const int8_t *weights, const float *bias, const float *scales,
    void *packed) {
  float *finish = packed;
  const int64_t count = finish_count(layer);
  memset(finish, 0, finish_byte_count(layer));
  if (bias) memcpy(finish, bias, (size_t)layer->outputs * sizeof *bias);
  memcpy(finish + count, scales, (size_t)layer->outputs * sizeof *scales);
  char *products = (char *)packed + finish_byte_count(layer);
  if (layer->uses_winograd)
    integer_winograd_pack(layer, weights, (int16_t *)products);
  else
    integer_direct_pack(layer, weights, products);
}

size_t integer_layer_scratch_byte_count(const integer_layer *layer) {
  return layer->uses_winograd ? integer_winograd_scratch_byte_count(layer)
                              : integer_direct_scratch_byte_count(layer);
}

void integer_layer_run(
    const integer_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch) {
  const float *bias = packed;
  const integer_finish finish = {bias, bias + finish_count(layer)};
  const char *products = (const char *)packed + finish_byte_count(layer);
  if (layer->uses_winograd)
    integer_winograd_run(
        layer, source, (const int16_t *)products, &finish, destination, scratch);
  else
    integer_direct_run(layer, source, products, &finish, destination, scratch);
}
#else
bool integer_layer_computes(const integer_layer *layer) {
  (void)layer;
  return false;
}

bool integer_layer_is_exact(const integer_layer *layer, const int8_t *weights) {
  (void)layer, (void)weights;
  return false;
}

size_t integer_layer_weight_byte_count(const integer_layer *layer, const int8_t *weights) {
  (void)layer, (void)weights;
  return 0;
}

void integer_layer_pack(
    const integer_layer *layer, const int8_t *weights, const float *bias, const float *scales,
    void *packed) {
  (void)layer, (void)weights, (void)bias, (void)scales, (void)packed;
}

size_t integer_layer_scratch_byte_count(const integer_layer *layer) {
  (void)layer;
  return 0;
}

void integer_layer_run(
    const integer_layer *layer, const void *source, const void *packed, void *destination,
    void *scratch) {
  (void)layer, (void)source, (void)packed, (void)destination, (void)scratch;
}
#endif
