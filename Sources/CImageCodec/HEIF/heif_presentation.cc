#include "heif_presentation.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

// ISO/IEC 23008-12, section 9.3, and ISO/IEC 14496-12, section 12.1:
//
//   meta
//     iprp
//       ipco      properties, numbered from 1:
//         ispe    version  width  height, as stored
//         clap    width, height and offsets of a part, as fractions
//         irot    quarter turns against the clock
//         imir    1 if left and right change places, 0 if top and bottom do
//         colr    "nclx"  primaries (2 bytes)  transfer (2)  matrix (2)  full range (1 bit)
//         av1C, hvcC, …
//       ipma      version and flags  count of entries, each:
//                   item  count  numbers of properties, whose first bit says that they are needed
//
// libheif 1.15 turns alpha, and tiles of a grid, by properties of their own. But alpha is turned
// with its image, whether it repeats the image's properties or not, and the tiles of an AVIF have
// none, though some encoders give them those of the grid (AVIF 1.2, section 4.2). It mirrors no
// more than 8 bits. So it is not shown these properties; rows are read in the order that they ask
// for. Tiles of an HEIC may be turned one by one, which it is left to do.

namespace {

enum {
  association_limit = 1 << 17,
  frame_limit = 65536,
  grid_limit = 16,
};

/// A number of a property in the list of an item's.
struct association {
  uint64_t item;
  uint64_t property;
  const uint8_t *place;
  size_t byte_count;
};

struct property_lists {
  std::vector<heif_box> properties;
  std::vector<association> associations;
};

bool read_associations(const heif_box &box, property_lists &lists) {
  heif_cursor cursor = {box.bytes, box.byte_count, false};
  const uint64_t version = cursor.take(1);
  const size_t index_byte_count = (cursor.take(3) & 1) != 0 ? 2 : 1;
  const uint64_t entries = cursor.take(4);
  for (uint64_t entry = 0; entry < entries && !cursor.is_cut; entry++) {
    const uint64_t item = cursor.take(version < 1 ? 2 : 4);
    const uint64_t count = cursor.take(1);
    for (uint64_t index = 0; index < count; index++) {
      const uint8_t *place = cursor.bytes;
      const uint64_t number = cursor.take(index_byte_count);
      if (cursor.is_cut) return true;
      if (lists.associations.size() == association_limit) return false;
      const uint64_t property = number & (index_byte_count == 2 ? 0x7FFF : 0x7F);
      lists.associations.push_back({item, property, place, index_byte_count});
    }
  }
  return true;
}

bool read_lists(const heif_box &meta, property_lists &lists) {
  heif_box all, found;
  const uint8_t *content = meta.bytes + heif_full_head_byte_count;
  const size_t byte_count = meta.byte_count - heif_full_head_byte_count;
  if (!heif_find_box(content, byte_count, "iprp", all)) return true;
  if (heif_find_box(all.bytes, all.byte_count, "ipco", found)) {
    const uint8_t *rest = found.bytes;
    size_t left = found.byte_count;
    for (heif_box property; heif_next_box(rest, left, property);) {
      if (lists.properties.size() == heif_box_count_limit) return false;
      lists.properties.push_back(property);
    }
  }
  const uint8_t *rest = all.bytes;
  for (size_t left = all.byte_count; heif_next_box(rest, left, found);) {
    if (found.is("ipma") && !read_associations(found, lists)) return false;
  }
  return true;
}

/// Calls `body` with each property of an item.
template <typename Body>
void for_each_property(const property_lists &lists, uint64_t item, Body body) {
  for (const association &one : lists.associations) {
    if (one.item != item || one.property == 0 || one.property > lists.properties.size()) continue;
    body(lists.properties[one.property - 1]);
  }
}

bool is_transformation(const heif_box &property) {
  return property.is("clap") || property.is("irot") || property.is("imir");
}

void read_size(const property_lists &lists, uint64_t item, heif_presentation &presentation) {
  for_each_property(lists, item, [&](const heif_box &property) {
    if (!property.is("ispe") || property.byte_count < 12) return;
    presentation.stored_width = static_cast<uint32_t>(heif_number_at(property.bytes + 4, 4));
    presentation.stored_height = static_cast<uint32_t>(heif_number_at(property.bytes + 8, 4));
  });
}

/// Lists the grids that decoding the primary image comes to, at most one more than the limit.
std::vector<uint64_t> grids_of(const heif_items &items) {
  std::vector<uint64_t> grids, waiting = {items.primary};
  std::unordered_set<uint64_t> seen;
  while (!waiting.empty() && grids.size() <= grid_limit) {
    const uint64_t item = waiting.back();
    waiting.pop_back();
    if (!seen.insert(item).second) continue;
    if (items.is(item, "grid")) grids.push_back(item);
    for (const auto *steps : {&items.parts, &items.auxiliaries}) {
      const auto next = steps->find(item);
      if (next == steps->end()) continue;
      waiting.insert(waiting.end(), next->second.begin(), next->second.end());
    }
  }
  return grids;
}

void read_colours(
    const property_lists &lists, uint64_t item, heif_presentation &presentation) {
  for_each_property(lists, item, [&](const heif_box &property) {
    if (property.is("colr") && property.byte_count >= 11 &&
        memcmp(property.bytes, "nclx", 4) == 0 && !presentation.has_colours) {
      presentation.has_colours = true;
      presentation.colours = {static_cast<uint16_t>(heif_number_at(property.bytes + 4, 2)),
                              static_cast<uint16_t>(heif_number_at(property.bytes + 8, 2)),
                              (property.bytes[10] & 0x80) != 0};
    }
    // The numbers of chroma's planes: a flag of AV1, a format of HEVC.
    if (property.is("av1C") && property.byte_count >= 3) {
      presentation.is_grey = (property.bytes[2] & 0x10) != 0;
    }
    if (property.is("hvcC") && property.byte_count >= 17) {
      presentation.is_grey = (property.bytes[16] & 3) == 0;
    }
  });
}

/// Lists the frames of an image and then of its alpha. References are sound, so that this ends.
void list_frames(
    const heif_items &items, uint64_t item, bool is_alpha, std::vector<bool> &frames) {
  if (frames.size() >= frame_limit) return;
  const auto parts = items.parts.find(item);
  if (parts == items.parts.end()) {
    frames.push_back(is_alpha);
  } else {
    for (const uint64_t part : parts->second) list_frames(items, part, is_alpha, frames);
  }
  const auto auxiliaries = items.auxiliaries.find(item);
  if (is_alpha || auxiliaries == items.auxiliaries.end()) return;
  for (const uint64_t alpha : auxiliaries->second) list_frames(items, alpha, true, frames);
}

/// Lists the primary image and those that it is, turned once more each time: of kind `iden`.
std::vector<uint64_t> chain_of(const heif_items &items) {
  std::vector<uint64_t> chain = {items.primary};
  while (items.is(chain.back(), "iden")) {
    const auto next = items.parts.find(chain.back());
    if (next == items.parts.end() || next->second.size() != 1) break;
    chain.push_back(next->second[0]);
  }
  return chain;
}

/// Lists images that libheif shall take as they are stored: those of the chain, their alpha, and
/// tiles of AV1 of either. Ascending.
std::vector<uint64_t> plain_images(const heif_items &items, const std::vector<uint64_t> &chain) {
  std::vector<uint64_t> plain = chain;
  for (const uint64_t item : chain) {
    const auto alphas = items.auxiliaries.find(item);
    if (alphas == items.auxiliaries.end()) continue;
    plain.insert(plain.end(), alphas->second.begin(), alphas->second.end());
  }
  for (size_t index = 0, count = plain.size(); index < count; index++) {
    const auto tiles = items.parts.find(plain[index]);
    if (!items.is(plain[index], "grid") || tiles == items.parts.end()) continue;
    for (const uint64_t tile : tiles->second) {
      if (items.is(tile, "av01")) plain.push_back(tile);
    }
  }
  std::sort(plain.begin(), plain.end());
  return plain;
}

/// Lists the places of the numbers that give plain images their turns.
std::vector<size_t> places_of_turns(
    const uint8_t *file, const property_lists &lists, const std::vector<uint64_t> &plain) {
  std::vector<size_t> places;
  for (const association &one : lists.associations) {
    if (one.property == 0 || one.property > lists.properties.size()) continue;
    if (!is_transformation(lists.properties[one.property - 1])) continue;
    if (!std::binary_search(plain.begin(), plain.end(), one.item)) continue;
    for (size_t index = 0; index < one.byte_count; index++) {
      places.push_back(static_cast<size_t>(one.place - file) + index);
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

}  // namespace

bool heif_presentation_read(
    const uint8_t *file, const heif_box &meta, const heif_items &items,
    heif_presentation &presentation) {
  property_lists lists;
  if (!read_lists(meta, lists)) return false;
  const std::vector<uint64_t> chain = chain_of(items);
  for (auto item = chain.rbegin(); item != chain.rend(); item++) {
    for_each_property(lists, *item, [&](const heif_box &property) {
      if (is_transformation(property)) presentation.transformations.push_back(property);
    });
  }
  presentation.hidden = places_of_turns(file, lists, plain_images(items, chain));
  const uint64_t stored = chain.back();
  read_size(lists, stored, presentation);
  for (const uint64_t item : chain) read_colours(lists, item, presentation);
  const auto parts = items.parts.find(stored);
  if (parts != items.parts.end() && !parts->second.empty()) {
    read_colours(lists, parts->second[0], presentation);
  }
  list_frames(items, items.primary, false, presentation.alpha_frames);
  return true;
}

// ISO/IEC 23008-12, section 6.6.2.3.2:
//
//   version (1 byte)  flags (1): bit 0 for numbers of 4 bytes, else 2
//   rows - 1 (1)  columns - 1 (1)  width  height
bool heif_grids_are_sound(
    const uint8_t *file, size_t byte_count, const heif_box &meta, const heif_items &items) {
  property_lists lists;
  const std::vector<uint64_t> grids = grids_of(items);
  if (grids.size() > grid_limit || !read_lists(meta, lists)) return false;
  for (const uint64_t item : grids) {
    heif_cursor cursor;
    // What is nowhere is not decoded either.
    if (!heif_item_find(file, byte_count, meta, item, cursor)) continue;
    cursor.take(1);
    const size_t size = (cursor.take(1) & 1) != 0 ? 4 : 2;
    cursor.take(2);
    const uint64_t width = cursor.take(size), height = cursor.take(size);
    heif_presentation announced = {};
    read_size(lists, item, announced);
    if (cursor.is_cut || width != announced.stored_width || height != announced.stored_height) {
      return false;
    }
  }
  return true;
}

// MARK: Placement

heif_placement heif_placement::whole(int64_t width, int64_t height) {
  return {width, height, {0, 0}, {1, 0}, {0, 1}};
}

void heif_placement::crop(int64_t left, int64_t top, int64_t new_width, int64_t new_height) {
  first.x += left * column_step.x + top * row_step.x;
  first.y += left * column_step.y + top * row_step.y;
  width = new_width;
  height = new_height;
}

void heif_placement::turn() {
  // The last column becomes the first row.
  first.x += (width - 1) * column_step.x;
  first.y += (width - 1) * column_step.y;
  const vector down = {-column_step.x, -column_step.y};
  column_step = row_step;
  row_step = down;
  std::swap(width, height);
}

void heif_placement::mirror(bool exchanges_columns) {
  vector &step = exchanges_columns ? column_step : row_step;
  const int64_t distance = (exchanges_columns ? width : height) - 1;
  first.x += distance * step.x;
  first.y += distance * step.y;
  step = {-step.x, -step.y};
}

/// Returns a fraction of a clean aperture; NaN if it is none.
static double fraction_at(const uint8_t *bytes) {
  const auto numerator = static_cast<int32_t>(heif_number_at(bytes, 4));
  const auto denominator = static_cast<int32_t>(heif_number_at(bytes + 4, 4));
  return denominator > 0 ? static_cast<double>(numerator) / denominator : NAN;
}

/// Cuts out a clean aperture, whose offsets are those of its middle from the image's. Halves of
/// pixels are rounded as libheif does.
static const char *crop(const heif_box &property, heif_placement &placement) {
  static const char *const failure = "its clean aperture lies outside of it";
  if (property.byte_count < 32) return failure;
  const double width = std::round(fraction_at(property.bytes));
  const double height = std::round(fraction_at(property.bytes + 8));
  const double left = std::floor(
      fraction_at(property.bytes + 16) + static_cast<double>(placement.width - 1) / 2 -
      (fraction_at(property.bytes) - 1) / 2);
  const double top = std::round(
      fraction_at(property.bytes + 24) + static_cast<double>(placement.height - 1) / 2 -
      (fraction_at(property.bytes + 8) - 1) / 2);
  const double right = std::min(left + width, static_cast<double>(placement.width));
  const double bottom = std::min(top + height, static_cast<double>(placement.height));
  const double first_column = std::max(left, 0.0), first_row = std::max(top, 0.0);
  // False for what is not a number, too.
  if (!(right > first_column && bottom > first_row)) return failure;
  placement.crop(
      static_cast<int64_t>(first_column), static_cast<int64_t>(first_row),
      static_cast<int64_t>(right - first_column), static_cast<int64_t>(bottom - first_row));
  return nullptr;
}

const char *heif_presentation_place(
    const heif_presentation &presentation, heif_placement &placement) {
  for (const heif_box &property : presentation.transformations) {
    if (property.is("clap")) {
      const char *failure = crop(property, placement);
      if (failure != nullptr) return failure;
      continue;
    }
    if (property.byte_count < 1) return "a turn of it is missing";
    const uint8_t value = property.bytes[0];
    if (property.is("imir")) {
      placement.mirror((value & 1) != 0);
    } else {
      for (int quarter = 0; quarter < (value & 3); quarter++) placement.turn();
    }
  }
  return nullptr;
}
