#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "heif_boxes.h"

/// The images of a file and how they are made of one another.
struct heif_items {
  /// Four letters of the kind of each image, by its number.
  std::unordered_map<uint64_t, std::string> kinds;
  /// Images that an image is made of, in their order.
  std::unordered_map<uint64_t, std::vector<uint64_t>> parts;
  /// Alpha and other auxiliary images of an image.
  std::unordered_map<uint64_t, std::vector<uint64_t>> auxiliaries;
  uint64_t primary;

  bool is(uint64_t item, const char *kind) const {
    const auto found = kinds.find(item);
    return found != kinds.end() && found->second == kind;
  }
};

/// Reads the items of the box `meta`. Returns whether the references between its images can be
/// followed to their ends.
bool heif_items_read(const heif_box &meta, heif_items &items);

/// Finds the one box `meta` of a file. Returns false if there are several, of which libheif takes
/// the last; `meta` has no bytes if there is none.
bool heif_meta_find(const uint8_t *bytes, size_t byte_count, heif_box &meta);

/// Finds the first piece of an item's bytes; false if it lies elsewhere than in the file or the box
/// `idat`, or beyond them.
bool heif_item_find(
    const uint8_t *file, size_t byte_count, const heif_box &meta, uint64_t item,
    heif_cursor &found);

/// Returns whether a file ends before a box or an item that it announces.
bool heif_file_is_cut(const uint8_t *bytes, size_t byte_count);

/// Returns whether an item has more bytes than the file: libheif 1.15 makes room for as many.
bool heif_items_exceed_file(const heif_box &meta, size_t byte_count);
