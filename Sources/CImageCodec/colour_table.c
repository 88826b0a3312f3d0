#include <string.h>

#include "codec.h"

void codec_colour_table_fill(
    codec_colour_table *table, const uint8_t (*rgba)[4], image_codec_backdrop backdrop) {
  uint8_t rgb[256][3];
  image_codec_compose_row(rgba[0], rgb[0], 256, backdrop);
  for (size_t value = 0; value < 256; value++) memcpy(table->rgb[value], rgb[value], 3);
}

void codec_colour_table_expand(
    const codec_colour_table *table, const uint8_t *samples, unsigned bit_count, uint8_t *rgb,
    size_t count) {
  image_codec_expand_indices(table->rgb[0], samples, bit_count, rgb, count);
}

void image_codec_expand_indices(
    const uint8_t *colours, const uint8_t *indices, unsigned bit_count, uint8_t *rgb,
    size_t count) {
  if (count == 0) return;
  // Four bytes are one store; the next pixel overwrites the last of them, and the last pixel has
  // none after it.
  const size_t last = count - 1;
  if (bit_count == 8) {
    for (size_t pixel = 0; pixel < last; pixel++) {
      memcpy(rgb + 3 * pixel, colours + 4 * (size_t)indices[pixel], 4);
    }
    memcpy(rgb + 3 * last, colours + 4 * (size_t)indices[last], 3);
    return;
  }
  const unsigned mask = (1u << bit_count) - 1;
  const size_t in_byte = 8 / bit_count;
  const uint8_t *packed = indices;
  for (size_t pixel = 0; pixel < last; packed++) {
    const size_t end = last - pixel < in_byte ? last : pixel + in_byte;
    for (unsigned shift = 8; pixel < end; pixel++) {
      shift -= bit_count;
      memcpy(rgb + 3 * pixel, colours + 4 * (size_t)(*packed >> shift & mask), 4);
    }
  }
  const unsigned shift = 8 - bit_count * (unsigned)(last % in_byte + 1);
  memcpy(rgb + 3 * last, colours + 4 * (size_t)(indices[last / in_byte] >> shift & mask), 3);
}

void image_codec_reverse_colours(const uint8_t *bgr, uint8_t *rgb, size_t count) {
  if (count == 0) return;
  const size_t last = count - 1;
  // As above; the byte that is read too many is the next pixel's.
  for (size_t pixel = 0; pixel < last; pixel++) {
    uint32_t colours;
    memcpy(&colours, bgr + 3 * pixel, 4);
    colours = __builtin_bswap32(colours) >> 8;
    memcpy(rgb + 3 * pixel, &colours, 4);
  }
  for (size_t channel = 0; channel < 3; channel++) {
    rgb[3 * last + channel] = bgr[3 * last + 2 - channel];
  }
}

void image_codec_pick_bytes(
    const uint8_t *pixels, const uint8_t *places, uint8_t *rgba, size_t count) {
  const unsigned red = 8u * places[0], green = 8u * places[1], blue = 8u * places[2];
  const bool has_alpha = places[3] < 4;
  const unsigned alpha = has_alpha ? 8u * places[3] : 0;
  for (size_t pixel = 0; pixel < count; pixel++) {
    uint32_t stored;
    memcpy(&stored, pixels + 4 * pixel, 4);
    rgba[4 * pixel] = (uint8_t)(stored >> red);
    rgba[4 * pixel + 1] = (uint8_t)(stored >> green);
    rgba[4 * pixel + 2] = (uint8_t)(stored >> blue);
    rgba[4 * pixel + 3] = has_alpha ? (uint8_t)(stored >> alpha) : 255;
  }
}
