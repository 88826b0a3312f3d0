#include <string.h>

#include "codec.h"

// EXIF 2.32, section 4.6: a TIFF header, then image file directories of entries.
//
//   "II" or "MM"   byte order
//   42             two bytes
//   offset         four bytes, of the first directory
//   …
//   count          two bytes, at that offset
//   entries        12 bytes each: tag, type, count, value (here inside the entry)
//
// One entry of the first directory is all that is wanted, and a block may lie anywhere and be as
// long as the file: libexif reads no more than 64 KiB.

enum {
  tiff_header_byte_count = 8,
  tiff_version = 42,
  directory_entry_byte_count = 12,
  orientation_tag = 0x0112,
  short_type = 3,
  long_type = 4,
};

typedef struct exif_block {
  const uint8_t *bytes;
  size_t byte_count;
  bool is_big_endian;
} exif_block;

static uint32_t number_at(const exif_block *block, size_t offset, size_t count) {
  uint32_t value = 0;
  for (size_t index = 0; index < count; index++) {
    const size_t place = block->is_big_endian ? index : count - 1 - index;
    value = value << 8 | block->bytes[offset + place];
  }
  return value;
}

/// Returns the value of the first directory's first entry of the orientation, 1 if that is no valid
/// number; 0 if there is no entry.
static uint8_t orientation_in(const exif_block *block) {
  const size_t directory = number_at(block, 4, 4);
  if (directory > block->byte_count || block->byte_count - directory < 2) return 0;
  const size_t count = number_at(block, directory, 2);
  for (size_t index = 0; index < count; index++) {
    const size_t entry = directory + 2 + index * directory_entry_byte_count;
    if (block->byte_count - directory < 2 + (index + 1) * directory_entry_byte_count) return 0;
    if (number_at(block, entry, 2) != orientation_tag) continue;
    const uint32_t type = number_at(block, entry + 2, 2);
    const bool is_number =
        (type == short_type || type == long_type) && number_at(block, entry + 4, 4) >= 1;
    // The standard wants a short one; some programs write a long one.
    const uint32_t value = is_number ? number_at(block, entry + 8, type == long_type ? 4 : 2) : 1;
    return value >= 1 && value <= 8 ? (uint8_t)value : 1;
  }
  return 0;
}

uint8_t codec_exif_orientation(const uint8_t *bytes, size_t byte_count) {
  static const uint8_t prefix[6] = {'E', 'x', 'i', 'f', 0, 0};
  if (byte_count >= sizeof prefix && memcmp(bytes, prefix, sizeof prefix) == 0) {
    bytes += sizeof prefix;
    byte_count -= sizeof prefix;
  }
  if (byte_count < tiff_header_byte_count) return 0;
  const bool is_big_endian = memcmp(bytes, "MM", 2) == 0;
  if (!is_big_endian && memcmp(bytes, "II", 2) != 0) return 0;
  const exif_block block = {bytes, byte_count, is_big_endian};
  return number_at(&block, 2, 2) == tiff_version ? orientation_in(&block) : 0;
}
