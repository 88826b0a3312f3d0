#include "containers.h"

#include <string.h>

// ICC profiles inside encoded images:
//
//   JPEG  APP2 segments "ICC_PROFILE" 0, number from 1, count, part of the profile
//   PNG   chunk iCCP: name 0, method 0, deflated profile
//   WebP  chunk ICCP: the profile
//   TIFF  tag 34675 of the first directory: place and length of the profile

enum {
  jpeg_part_head_byte_count = 14,
  png_signature_byte_count = 8,
  png_chunk_frame_byte_count = 12,
  png_name_byte_count_limit = 79,
  webp_container_head_byte_count = 12,
  webp_chunk_head_byte_count = 8,
  tiff_big_version = 43,
  tiff_profile_tag = 34675,
};

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/// Walks the segments before the first scan; parts that are missing or come twice make the profile
/// a broken one.
bool profile_in_jpeg(const uint8_t *bytes, size_t byte_count, parts *found) {
  size_t announced = 0, offset = 2;
  while (offset + 4 <= byte_count && bytes[offset] == 0xFF) {
    const uint8_t marker = bytes[offset + 1];
    if (marker == 0xFF) {
      offset++;
      continue;
    }
    // Start of scan, or end of the image.
    if (marker == 0xDA || marker == 0xD9) break;
    // Markers without a length.
    if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) {
      offset += 2;
      continue;
    }
    const size_t length = (size_t)bytes[offset + 2] << 8 | bytes[offset + 3];
    if (length < 2 || length > byte_count - offset - 2) break;
    const uint8_t *data = bytes + offset + 4;
    if (marker == 0xE2 && length - 2 >= jpeg_part_head_byte_count &&
        memcmp(data, "ICC_PROFILE", 12) == 0) {
      const size_t number = data[12];
      if (announced == 0) announced = data[13];
      if (number == 0 || number > announced || data[13] != announced ||
          found->list[number - 1].bytes != NULL) {
        return false;
      }
      found->list[number - 1] =
          (span){data + jpeg_part_head_byte_count, length - 2 - jpeg_part_head_byte_count};
      found->count++;
    }
    offset += 2 + length;
  }
  return found->count == announced;
}

bool profile_in_png(const uint8_t *bytes, size_t byte_count, parts *found) {
  size_t offset = png_signature_byte_count;
  while (offset <= byte_count && byte_count - offset >= png_chunk_frame_byte_count) {
    const size_t length = big_endian(bytes + offset);
    if (length > byte_count - offset - png_chunk_frame_byte_count) break;
    const uint8_t *type = bytes + offset + 4, *data = bytes + offset + 8;
    if (memcmp(type, "IDAT", 4) == 0) break;
    if (memcmp(type, "iCCP", 4) == 0) {
      const size_t shown = length < png_name_byte_count_limit + 1 ? length
                                                                  : png_name_byte_count_limit + 1;
      const uint8_t *end = memchr(data, 0, shown);
      if (end == NULL || length < (size_t)(end - data) + 2 || end[1] != 0) return false;
      found->list[0] = (span){end + 2, length - (size_t)(end - data) - 2};
      found->count = 1;
      found->is_deflated = true;
      return true;
    }
    offset += length + png_chunk_frame_byte_count;
  }
  return true;
}

bool profile_in_webp(const uint8_t *bytes, size_t byte_count, parts *found) {
  size_t offset = webp_container_head_byte_count;
  while (offset <= byte_count && byte_count - offset >= webp_chunk_head_byte_count) {
    const uint8_t *start = bytes + offset;
    const size_t length = (size_t)start[4] | (size_t)start[5] << 8 | (size_t)start[6] << 16 |
                          (size_t)start[7] << 24;
    if (length > byte_count - offset - webp_chunk_head_byte_count) break;
    if (memcmp(start, "ICCP", 4) == 0) {
      found->list[0] = (span){start + webp_chunk_head_byte_count, length};
      found->count = 1;
      return true;
    }
    offset += webp_chunk_head_byte_count + length + length % 2;
  }
  return true;
}

typedef struct tiff {
  span file;
  bool is_big_endian;
  bool is_big;
} tiff;

/// Returns a number of the file in its order of bytes; 0 beyond the end.
static uint64_t tiff_number(const tiff *tiff, uint64_t offset, unsigned byte_count) {
  uint64_t value = 0;
  if (offset > tiff->file.byte_count || tiff->file.byte_count - offset < byte_count) return 0;
  for (unsigned index = 0; index < byte_count; index++) {
    const unsigned place = tiff->is_big_endian ? index : byte_count - 1 - index;
    value = value << 8 | tiff->file.bytes[offset + place];
  }
  return value;
}

bool profile_in_tiff(const uint8_t *bytes, size_t byte_count, parts *found) {
  if (byte_count < 8) return true;
  tiff file = {{bytes, byte_count}, bytes[0] == 'M', false};
  file.is_big = tiff_number(&file, 2, 2) == tiff_big_version;
  const unsigned word = file.is_big ? 8 : 4, entry_byte_count = file.is_big ? 20 : 12;
  uint64_t place = tiff_number(&file, file.is_big ? 8 : 4, word);
  const unsigned count_byte_count = file.is_big ? 8 : 2;
  const uint64_t count = tiff_number(&file, place, count_byte_count);
  if (place > byte_count) return true;
  place += count_byte_count;
  for (uint64_t entry = 0; entry < count && place <= byte_count; entry++) {
    if (tiff_number(&file, place, 2) == tiff_profile_tag) {
      const uint64_t length = tiff_number(&file, place + 4, word);
      const uint64_t offset = tiff_number(&file, place + 4 + word, word);
      if (offset > byte_count || length > byte_count - offset) return false;
      found->list[0] = (span){bytes + offset, length};
      found->count = 1;
      return true;
    }
    place += entry_byte_count;
  }
  return true;
}
