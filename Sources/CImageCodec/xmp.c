#include <string.h>

#include "codec.h"

// XMP (ISO 16684-1) says the orientation of EXIF as a property:
//
//   <rdf:Description … tiff:Orientation="6" …>   or   <tiff:Orientation>6</tiff:Orientation>
//
// It is looked for as Pillow's exif_transpose does, which reads no XML: by the expression
// tiff:Orientation(="|>)([0-9])

uint8_t codec_xmp_orientation(const uint8_t *bytes, size_t byte_count) {
  static const char name[] = "tiff:Orientation";
  const size_t length = sizeof name - 1;
  const uint8_t *end = bytes + byte_count;
  const uint8_t *place = bytes;
  while ((place = memchr(place, name[0], (size_t)(end - place))) != NULL) {
    const size_t left = (size_t)(end - place);
    if (left <= length + 1) return 0;
    if (memcmp(place, name, length) == 0) {
      const uint8_t *mark = place + length;
      const size_t mark_length = *mark == '>' ? 1 : memcmp(mark, "=\"", 2) == 0 ? 2 : 0;
      const uint8_t *digit = mark + mark_length;
      if (mark_length > 0 && digit < end && *digit >= '0' && *digit <= '9')
        return *digit >= '1' && *digit <= '8' ? (uint8_t)(*digit - '0') : 1;
    }
    place++;
  }
  return 0;
}
