#include <spng.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

size_t image_codec_png_encode(
    const uint8_t *rgb, uint32_t width, uint32_t height, uint8_t *bytes, size_t capacity) {
  spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
  if (!context) return 0;
  size_t count = 0;
  struct spng_ihdr header = {
      .width = width,
      .height = height,
      .bit_depth = 8,
      .color_type = SPNG_COLOR_TYPE_TRUECOLOR,
  };
  if (!spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1) && !spng_set_ihdr(context, &header) &&
      !spng_encode_image(
          context, rgb, (size_t)width * height * 3, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE)) {
    int error = 0;
    uint8_t *encoded = spng_get_png_buffer(context, &count, &error);
    if (!encoded || error || count > capacity) count = 0;
    if (count > 0) memcpy(bytes, encoded, count);
    free(encoded);
  }
  spng_ctx_free(context);
  return count;
}
