#include <cstring>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "heif.h"

// ISO/IEC 14496-12, section 8.11. Everything is a box: its length, four letters, its content.
//
//   ftyp
//   meta      version
//     iinf    version  count  infe…      infe: version  id  protection  type  …
//     iref    version  dimg…  auxl…      each: an image, a count, images that it refers to
//     …
//
// libheif 1.15 follows references in a circle until its stack is full, and ends the process if one
// leads to what is not an image.

namespace {

enum {
  box_head_byte_count = 8,
  /// Boxes that are looked at one after the other; files have a few dozen.
  box_count_limit = 100000,
  reference_limit = 65536,
  /// Steps from an image to its alpha, from that to tiles, and one more.
  reference_depth_limit = 3,
};

struct box {
  const uint8_t *type;
  const uint8_t *bytes;
  size_t byte_count;

  bool is(const char *name) const { return memcmp(type, name, 4) == 0; }
};

/// A step that decoding takes from one image to another.
using reference = std::pair<uint64_t, uint64_t>;

uint64_t number_at(const uint8_t *bytes, size_t count) {
  uint64_t value = 0;
  for (size_t index = 0; index < count; index++) value = value << 8 | bytes[index];
  return value;
}

/// Takes the next box off a range of bytes; false at its end, or if the box is cut or has no
/// length: libheif reads neither.
bool next_box(const uint8_t *&bytes, size_t &byte_count, box &found) {
  if (byte_count < box_head_byte_count) return false;
  uint64_t length = number_at(bytes, 4);
  size_t head = box_head_byte_count;
  if (length == 1) {
    if (byte_count < 16) return false;
    length = number_at(bytes + 8, 8);
    head = 16;
  }
  if (length < head || length > byte_count) return false;
  found = {bytes + 4, bytes + head, static_cast<size_t>(length) - head};
  bytes += length;
  byte_count -= static_cast<size_t>(length);
  return true;
}

/// Finds the first box of a type, without the version that its content begins with.
bool find_box(const uint8_t *bytes, size_t byte_count, const char *type, box &found) {
  for (int count = 0; count < box_count_limit && next_box(bytes, byte_count, found); count++) {
    if (found.is(type)) return found.byte_count >= 4;
  }
  return false;
}

/// Adds the numbers of all items that are images.
void read_images(const box &items, std::unordered_set<uint64_t> &images) {
  const size_t count_byte_count = items.bytes[0] == 0 ? 2 : 4;
  if (items.byte_count < 4 + count_byte_count) return;
  const uint8_t *start = items.bytes + 4 + count_byte_count;
  size_t left = items.byte_count - 4 - count_byte_count;
  for (box item; images.size() < reference_limit && next_box(start, left, item);) {
    if (!item.is("infe") || item.byte_count < 4 || item.bytes[0] < 2) continue;
    const size_t size = item.bytes[0] == 2 ? 2 : 4;
    if (item.byte_count < 4 + size + 2 + 4) continue;
    const uint8_t *type = item.bytes + 4 + size + 2;
    static const char *const types[] = {"hvc1", "av01", "grid", "iden", "iovl"};
    for (const char *known : types) {
      if (memcmp(type, known, 4) == 0) images.insert(number_at(item.bytes + 4, size));
    }
  }
}

/// Adds the steps from images to parts of them and to alpha; false if there are too many, or if one
/// leads to what is not an image. Items of kinds that are not decoded may be made of images.
///
/// libheif goes by counts and not by the lengths of these boxes, so both have to agree.
bool read_references(
    const box &references, const std::unordered_set<uint64_t> &images,
    std::vector<reference> &steps) {
  const size_t size = references.bytes[0] == 0 ? 2 : 4;
  const uint8_t *start = references.bytes + 4;
  size_t left = references.byte_count - 4;
  for (box found; left > 0;) {
    if (!next_box(start, left, found) || found.byte_count < size + 2) return false;
    const uint64_t count = number_at(found.bytes + size, 2);
    if (found.byte_count != size + 2 + count * size) return false;
    if (!found.is("dimg") && !found.is("auxl")) continue;
    const uint64_t source = number_at(found.bytes, size);
    for (size_t place = size + 2; place + size <= found.byte_count; place += size) {
      if (steps.size() == reference_limit) return false;
      const uint64_t other = number_at(found.bytes + place, size);
      // An image is made of its parts; alpha names the image that it belongs to.
      const reference step =
          found.is("dimg") ? reference(source, other) : reference(other, source);
      if (images.count(step.first) == 0) continue;
      if (images.count(step.second) == 0) return false;
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

}  // namespace

bool heif_references_are_sound(const uint8_t *bytes, size_t byte_count) {
  box meta, items, references, another;
  if (!find_box(bytes, byte_count, "meta", meta)) return true;
  // Of two, libheif takes the last.
  const uint8_t *rest = meta.bytes + meta.byte_count;
  if (find_box(rest, byte_count - static_cast<size_t>(rest - bytes), "meta", another)) return false;
  const uint8_t *content = meta.bytes + 4;
  const size_t content_byte_count = meta.byte_count - 4;
  if (!find_box(content, content_byte_count, "iref", references)) return true;
  std::unordered_set<uint64_t> images;
  if (find_box(content, content_byte_count, "iinf", items)) read_images(items, images);
  std::vector<reference> steps;
  return read_references(references, images, steps) && !are_deep(steps);
}
