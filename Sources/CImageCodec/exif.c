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
  /// Bytes of an entry that hold its values, or their offset.
  value_field_byte_count = 4,
  orientation_tag = 0x0112,
};

/// Types of an entry's values (TIFF 6.0, section 2, and libtiff's later ones).
enum {
  byte_type = 1, ascii_type, short_type, long_type, rational_type, signed_byte_type,
  undefined_type, signed_short_type, signed_long_type, signed_rational_type, float_type,
  double_type, directory_type, long8_type = 16,
};

typedef struct exif_block {
  const uint8_t *bytes;
  size_t byte_count;
  bool is_big_endian;
} exif_block;

static uint64_t number_at(const exif_block *block, size_t offset, size_t count) {
  uint64_t value = 0;
  for (size_t index = 0; index < count; index++) {
    const size_t place = block->is_big_endian ? index : count - 1 - index;
    value = value << 8 | block->bytes[offset + place];
  }
  return value;
}

/// Returns the bytes of one value; 0 for a type that is not known.
static size_t value_byte_count(uint64_t type) {
  switch (type) {
    case byte_type: case ascii_type: case signed_byte_type: case undefined_type: return 1;
    case short_type: case signed_short_type: return 2;
    case long_type: case signed_long_type: case float_type: case directory_type: return 4;
    case rational_type: case signed_rational_type: case double_type: case long8_type: return 8;
    default: return 0;
  }
}

/// Returns a quotient of whole numbers if it is whole; 0 if not.
static int64_t whole_quotient(int64_t numerator, int64_t denominator) {
  return denominator != 0 && numerator % denominator == 0 ? numerator / denominator : 0;
}

/// Returns a number of any type, or 0 if it is not one that an orientation may be. Characters and
/// bytes are none, whatever they are.
static uint8_t orientation_at(const exif_block *block, size_t offset, uint64_t type) {
  const uint64_t bits = number_at(block, offset, value_byte_count(type));
  double number = 0;
  switch (type) {
    case byte_type: case ascii_type: case undefined_type: return 0;
    case rational_type: case signed_rational_type: {
      const uint64_t first = number_at(block, offset, 4), second = number_at(block, offset + 4, 4);
      number = (double)(type == rational_type
                            ? whole_quotient((int64_t)first, (int64_t)second)
                            : whole_quotient((int32_t)first, (int32_t)second));
      break;
    }
    case float_type: {
      const uint32_t low = (uint32_t)bits;
      float single;
      memcpy(&single, &low, sizeof single);
      number = (double)single;
      break;
    }
    case double_type: memcpy(&number, &bits, sizeof number); break;
    // The bits of negative numbers are those of large ones.
    default: number = bits <= 8 ? (double)bits : 0;
  }
  for (uint8_t orientation = 1; orientation <= 8; orientation++) {
    if (number == (double)orientation) return orientation;
  }
  return 0;
}

/// Returns the value of the first directory's first entry of the orientation, 1 if that is no valid
/// number; 0 if there is no entry.
///
/// Entries count as in Pillow: none of an unknown type, or without values. The directory ends where
/// an entry, or values that lie elsewhere, are not whole; values elsewhere are passed over once all
/// of them together would be longer than the block.
static uint8_t orientation_in(const exif_block *block) {
  const size_t directory = (size_t)number_at(block, 4, 4);
  if (directory > block->byte_count || block->byte_count - directory < 2) return 0;
  const size_t count = (size_t)number_at(block, directory, 2);
  uint64_t elsewhere_byte_count = 0;
  for (size_t index = 0; index < count; index++) {
    const size_t entry = directory + 2 + index * directory_entry_byte_count;
    if (block->byte_count - directory < 2 + (index + 1) * directory_entry_byte_count) return 0;
    const uint64_t type = number_at(block, entry + 2, 2);
    // Both fit: the number of values has 32 bits.
    const uint64_t byte_count = number_at(block, entry + 4, 4) * value_byte_count(type);
    if (byte_count == 0) continue;
    size_t values = entry + 8;
    if (byte_count > value_field_byte_count) {
      elsewhere_byte_count += byte_count;
      if (elsewhere_byte_count > block->byte_count) continue;
      values = (size_t)number_at(block, entry + 8, 4);
      if (values > block->byte_count - byte_count) return 0;
    }
    if (number_at(block, entry, 2) != orientation_tag) continue;
    const uint8_t orientation = orientation_at(block, values, type);
    return orientation == 0 ? 1 : orientation;
  }
  return 0;
}

uint8_t codec_exif_orientation(const uint8_t *bytes, size_t byte_count) {
  static const uint8_t prefix[6] = {'E', 'x', 'i', 'f', 0, 0};
  // Some programs write it twice.
  for (int copy = 0; copy < 2; copy++) {
    if (byte_count < sizeof prefix || memcmp(bytes, prefix, sizeof prefix) != 0) break;
    bytes += sizeof prefix;
    byte_count -= sizeof prefix;
  }
  if (byte_count < tiff_header_byte_count) return 0;
  const bool is_big_endian = memcmp(bytes, "MM", 2) == 0;
  if (!is_big_endian && memcmp(bytes, "II", 2) != 0) return 0;
  const exif_block block = {bytes, byte_count, is_big_endian};
  // The version may be in the other order, as for Pillow.
  const uint64_t version = number_at(&block, 2, 2);
  return version == tiff_version || version == tiff_version << 8 ? orientation_in(&block) : 0;
}
