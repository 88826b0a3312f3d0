#include <string.h>

#include "codec.h"

void codec_colour_table_fill(
    codec_colour_table *table, const uint8_t (*rgba)[4], image_codec_backdrop backdrop) {
  image_codec_compose_row(rgba[0], table->rgb[0], 256, backdrop);
}

void codec_colour_table_expand(
    const codec_colour_table *table, const uint8_t *samples, unsigned bit_count, uint8_t *rgb,
    size_t count) {
  if (bit_count == 8) {
    for (size_t index = 0; index < count; index++) {
      memcpy(rgb + 3 * index, table->rgb[samples[index]], 3);
    }
    return;
  }
  const unsigned mask = (1u << bit_count) - 1;
  const size_t in_byte = 8 / bit_count;
  for (size_t index = 0; index < count; samples++) {
    const size_t end = count - index < in_byte ? count : index + in_byte;
    for (unsigned shift = 8; index < end; index++) {
      shift -= bit_count;
      memcpy(rgb + 3 * index, table->rgb[*samples >> shift & mask], 3);
    }
  }
}
