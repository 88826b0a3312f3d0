#pragma once

#include <vector>

#include "heif_items.h"

/// How the colours of a frame are meant, as ITU-T H.273 numbers them.
struct heif_colours {
  uint16_t primaries;
  uint16_t matrix;
  bool is_full_range;
};

/// Way from the pixels of an upright image to those that are stored: pixel (x, y) is the stored one
/// at (first + x * column step + y * row step).
struct heif_placement {
  struct vector {
    int64_t x;
    int64_t y;
  };
  int64_t width;
  int64_t height;
  vector first;
  vector column_step;
  vector row_step;

  static heif_placement whole(int64_t width, int64_t height);
  void crop(int64_t left, int64_t top, int64_t new_width, int64_t new_height);
  /// Turns the image by a quarter, against the clock.
  void turn();
  /// Exchanges left and right, or top and bottom.
  void mirror(bool exchanges_columns);
};

/// How the primary image of a file is shown: what its boxes say beyond what libheif is asked for.
struct heif_presentation {
  /// Sides of the image as it is stored; 0 if the file has none.
  uint32_t stored_width;
  uint32_t stored_height;
  /// Contents of the properties `clap`, `irot` and `imir` that turn what is stored into what is
  /// shown, in their order.
  std::vector<heif_box> transformations;
  /// Places in the file of the numbers that give images these properties, ascending. libheif reads
  /// zeros there, which stand for no property.
  std::vector<size_t> hidden;
  /// Colours that the file gives; they count before those of the frames.
  bool has_colours;
  heif_colours colours;
  /// Whether light alone is stored.
  bool is_grey;
  /// Which of the frames are alpha, in the order in which libheif decodes them.
  std::vector<bool> alpha_frames;
};

/// Reads the presentation from the box `meta`, which is part of the file. False if the file has
/// more properties than is allowed.
bool heif_presentation_read(
    const uint8_t *file, const heif_box &meta, const heif_items &items,
    heif_presentation &presentation);

/// Returns whether the grids that decoding comes to, a few at most, are of the size that their
/// properties announce: libheif 1.15 makes room for the one that the grid has itself.
bool heif_grids_are_sound(
    const uint8_t *file, size_t byte_count, const heif_box &meta, const heif_items &items);

/// Applies the transformations to an image as it is stored. Returns null, or why it cannot.
const char *heif_presentation_place(
    const heif_presentation &presentation, heif_placement &placement);
