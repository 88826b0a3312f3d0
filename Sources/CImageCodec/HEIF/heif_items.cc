#include "heif_items.h"

#include <algorithm>
#include <utility>

#include "heif.h"

// ISO/IEC 14496-12, section 8.11:
//
//   ftyp
//   meta      version
//     pitm    version  number of the primary item
//     iinf    version  count  infe…      infe: version  id  protection  type  …
//     iloc    version  sizes of numbers  count  items: number  …  places of their bytes
//     iref    version  dimg…  auxl…      each: an image, a count, images that it refers to
//     …
//   mdat      bytes of the items
//
// libheif 1.15 follows references in a circle until its stack is full, and ends the process if one
// leads to what is not an image.

namespace {

enum {
  reference_limit = 65536,
  /// Steps from an image to its alpha, from that to tiles, and one more.
  reference_depth_limit = 3,
};

/// A step that decoding takes from one image to another.
using reference = std::pair<uint64_t, uint64_t>;

/// Adds the kinds of all items that are images.
void read_images(const heif_box &list, heif_items &items) {
  const size_t count_byte_count = list.bytes[0] == 0 ? 2 : 4;
  if (list.byte_count < 4 + count_byte_count) return;
  const uint8_t *start = list.bytes + 4 + count_byte_count;
  size_t left = list.byte_count - 4 - count_byte_count;
  for (heif_box item; items.kinds.size() < reference_limit && heif_next_box(start, left, item);) {
    if (!item.is("infe") || item.byte_count < 4 || item.bytes[0] < 2) continue;
    const size_t size = item.bytes[0] == 2 ? 2 : 4;
    if (item.byte_count < 4 + size + 2 + 4) continue;
    const uint8_t *type = item.bytes + 4 + size + 2;
    static const char *const types[] = {"hvc1", "av01", "grid", "iden", "iovl"};
    for (const char *known : types) {
      if (memcmp(type, known, 4) == 0) items.kinds[heif_number_at(item.bytes + 4, size)] = known;
    }
  }
}

/// Adds the steps from images to parts of them and to alpha; false if there are too many, or if one
/// leads to what is not an image. Items of kinds that are not decoded may be made of images.
///
/// libheif goes by counts and not by the lengths of these boxes, so both have to agree.
bool read_references(
    const heif_box &references, heif_items &items, std::vector<reference> &steps) {
  const size_t size = references.bytes[0] == 0 ? 2 : 4;
  const uint8_t *start = references.bytes + 4;
  size_t left = references.byte_count - 4;
  for (heif_box found; left > 0;) {
    if (!heif_next_box(start, left, found) || found.byte_count < size + 2) return false;
    const uint64_t count = heif_number_at(found.bytes + size, 2);
    if (found.byte_count != size + 2 + count * size) return false;
    if (!found.is("dimg") && !found.is("auxl")) continue;
    const uint64_t source = heif_number_at(found.bytes, size);
    for (size_t place = size + 2; place + size <= found.byte_count; place += size) {
      if (steps.size() == reference_limit) return false;
      const uint64_t other = heif_number_at(found.bytes + place, size);
      // An image is made of its parts; alpha names the image that it belongs to.
      const bool is_part = found.is("dimg");
      const reference step = is_part ? reference(source, other) : reference(other, source);
      if (items.kinds.count(step.first) == 0) continue;
      if (items.kinds.count(step.second) == 0) return false;
      (is_part ? items.parts : items.auxiliaries)[step.first].push_back(step.second);
      steps.push_back(step);
    }
  }
  return true;
}

/// Returns whether steps go in a circle, or on for longer than in real files.
bool are_deep(const std::vector<reference> &steps) {
  std::unordered_map<uint64_t, int> depths;
  // Each round but the last adds to some depth, so there are few.
  for (bool is_deeper = true; is_deeper;) {
    is_deeper = false;
    for (const reference &step : steps) {
      const int depth = depths[step.first] + 1;
      if (depth > reference_depth_limit) return true;
      int &reached = depths[step.second];
      if (depth <= reached) continue;
      reached = depth;
      is_deeper = true;
    }
  }
  return false;
}

/// A piece of an item's bytes, as `iloc` lists it.
struct item_piece {
  uint64_t item;
  /// What the place counts from: 0 is the file, 1 the box `idat`.
  uint64_t method;
  /// Number of the piece among the item's, from 0 on.
  uint64_t number;
  uint64_t base;
  uint64_t offset;
  uint64_t length;

  bool is_within(uint64_t byte_count) const {
    return base <= byte_count && offset <= byte_count - base &&
           length <= byte_count - base - offset;
  }
};

/// Calls `body` with each piece until it returns false. ISO/IEC 14496-12, section 8.11.3.
template <typename Body>
void for_each_piece(const heif_box &places, Body body) {
  heif_cursor cursor = {places.bytes, places.byte_count, false};
  const uint64_t version = cursor.take(1);
  cursor.take(3);
  const uint64_t sizes = cursor.take(2);
  const size_t offset_size = sizes >> 12, length_size = sizes >> 8 & 15;
  const size_t base_size = sizes >> 4 & 15, index_size = version == 0 ? 0 : sizes & 15;
  if (offset_size > 8 || length_size > 8 || base_size > 8 || index_size > 8) return;
  const uint64_t count = cursor.take(version < 2 ? 2 : 4);
  for (uint64_t index = 0; index < count && !cursor.is_cut; index++) {
    item_piece piece = {};
    piece.item = cursor.take(version < 2 ? 2 : 4);
    piece.method = version == 0 ? 0 : cursor.take(2) & 15;
    cursor.take(2);
    piece.base = cursor.take(base_size);
    const uint64_t pieces = cursor.take(2);
    // Places without numbers take no bytes, so that nothing would bound their count.
    if (index_size + offset_size + length_size == 0) continue;
    for (; piece.number < pieces; piece.number++) {
      cursor.take(index_size);
      piece.offset = cursor.take(offset_size);
      piece.length = cursor.take(length_size);
      if (cursor.is_cut || !body(piece)) return;
    }
  }
}

bool find_places(const heif_box &meta, heif_box &places) {
  return heif_find_full_box(
      meta.bytes + heif_full_head_byte_count, meta.byte_count - heif_full_head_byte_count, "iloc",
      places);
}

}  // namespace

bool heif_meta_find(const uint8_t *bytes, size_t byte_count, heif_box &meta) {
  heif_box another;
  if (!heif_find_full_box(bytes, byte_count, "meta", meta)) {
    meta = {};
    return true;
  }
  const uint8_t *rest = meta.bytes + meta.byte_count;
  return !heif_find_box(rest, byte_count - static_cast<size_t>(rest - bytes), "meta", another);
}

bool heif_items_read(const heif_box &meta, heif_items &items) {
  const uint8_t *content = meta.bytes + heif_full_head_byte_count;
  const size_t byte_count = meta.byte_count - heif_full_head_byte_count;
  heif_box list, references, primary;
  if (heif_find_full_box(content, byte_count, "iinf", list)) read_images(list, items);
  if (heif_find_full_box(content, byte_count, "pitm", primary)) {
    const size_t size = primary.bytes[0] == 0 ? 2 : 4;
    if (primary.byte_count >= heif_full_head_byte_count + size) {
      items.primary = heif_number_at(primary.bytes + heif_full_head_byte_count, size);
    }
  }
  if (!heif_find_full_box(content, byte_count, "iref", references)) return true;
  std::vector<reference> steps;
  return read_references(references, items, steps) && !are_deep(steps);
}

bool heif_item_find(
    const uint8_t *file, size_t byte_count, const heif_box &meta, uint64_t item,
    heif_cursor &found) {
  heif_box places, data = {};
  if (!find_places(meta, places)) return false;
  const uint8_t *content = meta.bytes + heif_full_head_byte_count;
  heif_find_box(content, meta.byte_count - heif_full_head_byte_count, "idat", data);
  bool is_found = false;
  for_each_piece(places, [&](const item_piece &piece) {
    if (piece.item != item) return true;
    const bool is_in_file = piece.method == 0;
    const uint8_t *bytes = is_in_file ? file : data.bytes;
    is_found = piece.method <= 1 && piece.is_within(is_in_file ? byte_count : data.byte_count);
    if (is_found) found = {bytes + piece.base + piece.offset, size_t{piece.length}, false};
    return false;
  });
  return is_found;
}

bool heif_file_is_cut(const uint8_t *bytes, size_t byte_count) {
  const uint8_t *rest = bytes;
  size_t left = byte_count;
  heif_box found, meta = {}, places;
  for (int count = 0; count < heif_box_count_limit && heif_next_box(rest, left, found); count++) {
    if (found.is("meta") && found.byte_count >= heif_full_head_byte_count) meta = found;
  }
  if (left > 0 && left < heif_box_head_byte_count) return true;
  // 1 announces a longer length, 0 stands for all that is left.
  const uint64_t length = left > 0 ? heif_number_at(rest, 4) : 0;
  if (length == 1 || length > left || meta.bytes == nullptr) return true;
  bool has_item_beyond = false;
  if (!find_places(meta, places)) return false;
  for_each_piece(places, [&](const item_piece &piece) {
    has_item_beyond = piece.method == 0 && !piece.is_within(byte_count);
    return !has_item_beyond;
  });
  return has_item_beyond;
}

bool heif_items_exceed_file(const heif_box &meta, size_t byte_count) {
  heif_box places;
  if (!find_places(meta, places)) return false;
  bool has_longer_item = false;
  uint64_t left = byte_count;
  for_each_piece(places, [&](const item_piece &piece) {
    if (piece.number == 0) left = byte_count;
    has_longer_item = piece.length > left;
    left -= std::min(left, piece.length);
    return !has_longer_item;
  });
  return has_longer_item;
}
