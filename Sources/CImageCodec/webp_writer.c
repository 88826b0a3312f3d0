#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>

#include "codec.h"

size_t image_codec_webp_encode(
    const uint8_t *rgb, uint32_t width, uint32_t height, float quality, uint8_t *bytes,
    size_t capacity) {
  uint8_t *encoded = NULL;
  const size_t count =
      WebPEncodeRGB(rgb, (int)width, (int)height, (int)width * 3, quality, &encoded);
  if (count > 0 && count <= capacity) memcpy(bytes, encoded, count);
  WebPFree(encoded);
  return count <= capacity ? count : 0;
}
