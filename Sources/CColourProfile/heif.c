#include <string.h>

#include "containers.h"

// ISO/IEC 14496-12 and 23008-12: boxes of a length (4 bytes, with itself), a type (4) and content.
//
//   meta          version and flags (4 bytes), then boxes:
//     pitm        version and flags, number of the primary item
//     iprp
//       ipco      boxes of properties, numbered from 1, with others:
//         colr    "prof" or "rICC", then an ICC profile
//       ipma      version and flags, then which properties each item has

enum { box_head_byte_count = 8, full_head_byte_count = 4 };

static uint64_t number_at(const uint8_t *bytes, size_t byte_count) {
  uint64_t value = 0;
  for (size_t index = 0; index < byte_count; index++) value = value << 8 | bytes[index];
  return value;
}

/// Takes `byte_count` bytes off the front as a number; false if there are fewer.
static bool take(span *rest, size_t byte_count, uint64_t *value) {
  if (rest->byte_count < byte_count) return false;
  *value = number_at(rest->bytes, byte_count);
  rest->bytes += byte_count;
  rest->byte_count -= byte_count;
  return true;
}

/// Takes a box off the front; false if none is whole.
static bool take_box(span *rest, const uint8_t **type, span *content) {
  if (rest->byte_count < box_head_byte_count) return false;
  uint64_t length = number_at(rest->bytes, 4);
  size_t head = box_head_byte_count;
  *type = rest->bytes + 4;
  // 1 announces a longer length, 0 stands for all that is left.
  if (length == 1) {
    if (rest->byte_count < head + 8) return false;
    length = number_at(rest->bytes + head, 8);
    head += 8;
  } else if (length == 0) {
    length = rest->byte_count;
  }
  if (length < head || length > rest->byte_count) return false;
  *content = (span){rest->bytes + head, (size_t)length - head};
  rest->bytes += length;
  rest->byte_count -= (size_t)length;
  return true;
}

/// Returns the content of the first box of a type; empty if there is none.
static span first_box(span boxes, const char *wanted) {
  const uint8_t *type;
  span content;
  while (take_box(&boxes, &type, &content)) {
    if (memcmp(type, wanted, 4) == 0) return content;
  }
  return (span){NULL, 0};
}

/// Returns the profile that is a property's; empty if it is another property.
static span profile_of(span properties, uint64_t number) {
  const uint8_t *type;
  span content;
  for (uint64_t index = 1; take_box(&properties, &type, &content); index++) {
    if (index != number) continue;
    const bool has_profile = memcmp(type, "colr", 4) == 0 && content.byte_count >= 4 &&
                             (memcmp(content.bytes, "prof", 4) == 0 ||
                              memcmp(content.bytes, "rICC", 4) == 0);
    return has_profile ? (span){content.bytes + 4, content.byte_count - 4} : (span){NULL, 0};
  }
  return (span){NULL, 0};
}

/// Looks through the properties of an item, which are listed once. Returns whether the search is at
/// its end; `*is_whole` becomes false if a list ends early.
static bool find_property(
    span associations, span properties, uint64_t item, parts *found, bool *is_whole) {
  uint64_t head, entries, owner, count, property;
  *is_whole = false;
  if (!take(&associations, full_head_byte_count, &head) || !take(&associations, 4, &entries)) {
    return true;
  }
  const size_t item_byte_count = head >> 24 < 1 ? 2 : 4;
  const size_t index_byte_count = (head & 1) != 0 ? 2 : 1;
  for (uint64_t entry = 0; entry < entries; entry++) {
    if (!take(&associations, item_byte_count, &owner) || !take(&associations, 1, &count)) {
      return true;
    }
    for (uint64_t index = 0; index < count; index++) {
      if (!take(&associations, index_byte_count, &property)) return true;
      if (owner != item || found->count > 0) continue;
      // The first bit says that the property is essential.
      property &= index_byte_count == 2 ? 0x7FFF : 0x7F;
      const span profile = profile_of(properties, property);
      if (profile.bytes == NULL) continue;
      found->list[0] = profile;
      found->count = 1;
    }
    *is_whole = true;
    // Of one item alone, so that the work is bounded.
    if (owner == item) return true;
    *is_whole = false;
  }
  *is_whole = true;
  return false;
}

bool profile_in_heif(const uint8_t *bytes, size_t byte_count, parts *found) {
  span meta = first_box((span){bytes, byte_count}, "meta");
  uint64_t head, item;
  if (!take(&meta, full_head_byte_count, &head)) return true;
  span primary = first_box(meta, "pitm");
  if (!take(&primary, full_head_byte_count, &head)) return true;
  if (!take(&primary, head >> 24 == 0 ? 2 : 4, &item)) return true;
  const span all = first_box(meta, "iprp");
  const span properties = first_box(all, "ipco");
  span rest = all, content;
  const uint8_t *type;
  bool is_whole = true;
  while (take_box(&rest, &type, &content)) {
    if (memcmp(type, "ipma", 4) != 0) continue;
    if (find_property(content, properties, item, found, &is_whole)) break;
  }
  return is_whole;
}
