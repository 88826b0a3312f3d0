#include <libexif/exif-data.h>
#include <string.h>

#include "codec.h"

static const uint8_t exif_prefix[6] = {'E', 'x', 'i', 'f', 0, 0};

uint8_t codec_exif_orientation(const uint8_t *bytes, size_t byte_count) {
  if (byte_count > IMAGE_CODEC_EXIF_BYTE_COUNT_LIMIT || byte_count < 8) return 1;
  // libexif needs the prefix of a JPEG marker, which PNG leaves out and WebP may.
  uint8_t block[sizeof exif_prefix + IMAGE_CODEC_EXIF_BYTE_COUNT_LIMIT];
  size_t length = 0;
  if (memcmp(bytes, exif_prefix, sizeof exif_prefix) != 0) {
    memcpy(block, exif_prefix, sizeof exif_prefix);
    length = sizeof exif_prefix;
  }
  memcpy(block + length, bytes, byte_count);
  length += byte_count;

  ExifData *data = exif_data_new();
  if (data == NULL) return 1;
  // If it followed the specification, libexif would add and change entries.
  exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
  exif_data_load_data(data, block, (unsigned int)length);
  uint8_t orientation = 1;
  const ExifEntry *entry =
      exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
  if (entry != NULL && entry->format == EXIF_FORMAT_SHORT && entry->components >= 1 &&
      entry->size >= 2) {
    const ExifShort value = exif_get_short(entry->data, exif_data_get_byte_order(data));
    if (value >= 1 && value <= 8) orientation = (uint8_t)value;
  }
  exif_data_unref(data);
  return orientation;
}
