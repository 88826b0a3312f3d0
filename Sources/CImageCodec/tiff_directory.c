#include "tiff.h"

// The first directory of a TIFF, for what libtiff does not tell:
//
//   "II" or "MM"  42  place of the directory          BigTIFF: 43  8  0  place, numbers of 8 bytes
//   directory     count (2 bytes)  entries            count (8)
//     entry       tag (2)  type (2)  count (4)  values, or their place (4)
//                                                     count (8)  values, or their place (8)

enum { tiff_tag_byte_count = 2, tiff_type_byte_count = 2 };

/// Sizes of what depends on the kind of file.
typedef struct tiff_layout {
  unsigned word;
  unsigned count_byte_count;
  unsigned entry_byte_count;
  /// Place of the first directory.
  uint64_t directory;
} tiff_layout;

/// Returns a number of the file in its order of bytes; 0 beyond the end.
static uint64_t stored_number(const tiff_state *state, uint64_t offset, unsigned byte_count) {
  uint64_t value = 0;
  if (offset > state->byte_count || state->byte_count - offset < byte_count) return 0;
  for (unsigned index = 0; index < byte_count; index++) {
    const unsigned place = state->bytes[0] == 'M' ? index : byte_count - 1 - index;
    value = value << 8 | state->bytes[offset + place];
  }
  return value;
}

bool tiff_is_big(const tiff_state *state) {
  return stored_number(state, 2, 2) == TIFF_VERSION_BIG;
}

static tiff_layout layout_of(const tiff_state *state) {
  const bool is_big = tiff_is_big(state);
  tiff_layout layout = {is_big ? 8 : 4, is_big ? 8 : 2, is_big ? 20 : 12, 0};
  layout.directory = stored_number(state, is_big ? 8 : 4, layout.word);
  return layout;
}

/// Returns the number of entries that lie within the file, and whether that is all of them.
static uint64_t entry_count(const tiff_state *state, const tiff_layout *layout, bool *is_whole) {
  const uint64_t file = state->byte_count, start = layout->directory;
  *is_whole = false;
  if (start > file || file - start < layout->count_byte_count) return 0;
  const uint64_t announced = stored_number(state, start, layout->count_byte_count);
  const uint64_t there = (file - start - layout->count_byte_count) / layout->entry_byte_count;
  *is_whole = announced <= there;
  return announced < there ? announced : there;
}

static uint64_t entry_place(const tiff_layout *layout, uint64_t index) {
  return layout->directory + layout->count_byte_count + index * layout->entry_byte_count;
}

static tiff_entry entry_at(const tiff_state *state, const tiff_layout *layout, uint64_t place) {
  tiff_entry entry;
  entry.type = (uint16_t)stored_number(state, place + tiff_tag_byte_count, tiff_type_byte_count);
  place += tiff_tag_byte_count + tiff_type_byte_count;
  entry.count = stored_number(state, place, layout->word);
  entry.place = place + layout->word;
  return entry;
}

bool tiff_directory_find(const tiff_state *state, uint16_t tag, tiff_entry *entry) {
  const tiff_layout layout = layout_of(state);
  bool is_whole;
  const uint64_t count = entry_count(state, &layout, &is_whole);
  for (uint64_t index = 0; index < count; index++) {
    const uint64_t place = entry_place(&layout, index);
    if (stored_number(state, place, tiff_tag_byte_count) != tag) continue;
    *entry = entry_at(state, &layout, place);
    return true;
  }
  return false;
}

/// Returns the bytes of one value of a type; 0 for one that is not known.
static unsigned value_byte_count(uint16_t type) {
  switch (type) {
    case TIFF_BYTE: case TIFF_ASCII: case TIFF_SBYTE: case TIFF_UNDEFINED: return 1;
    case TIFF_SHORT: case TIFF_SSHORT: return 2;
    case TIFF_LONG: case TIFF_SLONG: case TIFF_FLOAT: case TIFF_IFD: return 4;
    case TIFF_RATIONAL: case TIFF_SRATIONAL: case TIFF_DOUBLE: case TIFF_LONG8: case TIFF_SLONG8:
    case TIFF_IFD8: return 8;
    default: return 0;
  }
}

uint64_t tiff_entry_number(const tiff_state *state, const tiff_entry *entry) {
  const unsigned size = value_byte_count(entry->type);
  return stored_number(state, entry->place, size == 1 || size == 2 ? size : 4);
}

bool tiff_directory_is_cut(const tiff_state *state) {
  const tiff_layout layout = layout_of(state);
  bool is_whole;
  const uint64_t file = state->byte_count;
  const uint64_t count = entry_count(state, &layout, &is_whole);
  if (!is_whole) return true;
  for (uint64_t index = 0; index < count; index++) {
    const tiff_entry entry = entry_at(state, &layout, entry_place(&layout, index));
    const unsigned size = value_byte_count(entry.type);
    if (size == 0 || entry.count <= layout.word / size) continue;
    const uint64_t place = stored_number(state, entry.place, layout.word);
    if (place > file || entry.count > (file - place) / size) return true;
  }
  return false;
}
