#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

// ISO/IEC 14496-12, section 4.2. Everything is a box: its length, four letters, its content. A full
// box begins its content with a version and three bytes of flags.

enum {
  heif_box_head_byte_count = 8,
  heif_full_head_byte_count = 4,
  /// Boxes that are looked at one after the other; files have a few dozen.
  heif_box_count_limit = 100000,
};

struct heif_box {
  const uint8_t *type;
  const uint8_t *bytes;
  size_t byte_count;

  bool is(const char *name) const { return memcmp(type, name, 4) == 0; }
};

inline uint64_t heif_number_at(const uint8_t *bytes, size_t count) {
  uint64_t value = 0;
  for (size_t index = 0; index < count; index++) value = value << 8 | bytes[index];
  return value;
}

/// Numbers read one after the other; zero, and `is_cut`, once there are no more bytes.
struct heif_cursor {
  const uint8_t *bytes;
  size_t byte_count;
  bool is_cut;

  uint64_t take(size_t count) {
    if (count > byte_count) {
      is_cut = true;
      byte_count = 0;
      return 0;
    }
    const uint64_t value = heif_number_at(bytes, count);
    bytes += count;
    byte_count -= count;
    return value;
  }
};

/// Takes the next box off a range of bytes; false at its end, or if the box is cut or has no
/// length: libheif reads neither.
inline bool heif_next_box(const uint8_t *&bytes, size_t &byte_count, heif_box &found) {
  if (byte_count < heif_box_head_byte_count) return false;
  uint64_t length = heif_number_at(bytes, 4);
  size_t head = heif_box_head_byte_count;
  if (length == 1) {
    if (byte_count < 16) return false;
    length = heif_number_at(bytes + 8, 8);
    head = 16;
  }
  if (length < head || length > byte_count) return false;
  found = {bytes + 4, bytes + head, static_cast<size_t>(length) - head};
  bytes += length;
  byte_count -= static_cast<size_t>(length);
  return true;
}

/// Finds the first box of a type.
inline bool heif_find_box(
    const uint8_t *bytes, size_t byte_count, const char *type, heif_box &found) {
  for (int count = 0;
       count < heif_box_count_limit && heif_next_box(bytes, byte_count, found); count++) {
    if (found.is(type)) return true;
  }
  return false;
}

/// Finds the first full box of a type; its content still begins with the version.
inline bool heif_find_full_box(
    const uint8_t *bytes, size_t byte_count, const char *type, heif_box &found) {
  return heif_find_box(bytes, byte_count, type, found) &&
         found.byte_count >= heif_full_head_byte_count;
}
