#pragma once

#include <tiffio.h>

#include "codec.h"

/// Functions of libtiff, which is opened when it is first needed.
typedef struct tiff_library {
  __typeof__(TIFFOpenOptionsAlloc) *options_alloc;
  __typeof__(TIFFOpenOptionsFree) *options_free;
  __typeof__(TIFFOpenOptionsSetMaxSingleMemAlloc) *options_set_allocation_limit;
  __typeof__(TIFFOpenOptionsSetErrorHandlerExtR) *options_set_error_handler;
  __typeof__(TIFFOpenOptionsSetWarningHandlerExtR) *options_set_warning_handler;
  __typeof__(TIFFClientOpenExt) *open;
  __typeof__(TIFFClose) *close;
  __typeof__(TIFFGetField) *get;
  __typeof__(TIFFGetFieldDefaulted) *get_or_default;
  __typeof__(TIFFSetField) *set;
  __typeof__(TIFFIsTiled) *is_tiled;
  __typeof__(TIFFTileSize64) *tile_byte_count;
  __typeof__(TIFFTileRowSize64) *tile_row_byte_count;
  __typeof__(TIFFStripSize64) *strip_byte_count;
  __typeof__(TIFFScanlineSize64) *row_byte_count;
  __typeof__(TIFFNumberOfStrips) *strip_count;
  __typeof__(TIFFNumberOfTiles) *tile_count;
  __typeof__(TIFFComputeStrip) *strip_at;
  __typeof__(TIFFComputeTile) *tile_at;
  __typeof__(TIFFGetStrileOffset) *piece_offset;
  __typeof__(TIFFGetStrileByteCount) *piece_byte_count;
  __typeof__(TIFFReadScanline) *read_row;
  __typeof__(TIFFReadEncodedStrip) *read_strip;
  __typeof__(TIFFReadEncodedTile) *read_tile;
  __typeof__(TIFFGetVersion) *version;
} tiff_library;

/// Returns the library; null if it is not installed.
const tiff_library *tiff_library_shared(void);

/// What the samples of a row are, and how they become RGBA.
typedef struct tiff_samples {
  uint16_t bit_count;
  uint16_t photometric;
  /// Whether the file says so.
  bool says_colours;
  /// Samples of a pixel, all of them stored together unless `is_separate`.
  uint16_t count;
  /// How many of them are colours, at most four; they come first.
  uint16_t colour_count;
  bool is_separate;
  /// Number of the sample that is alpha to colours, or -1, and whether they are multiplied by it.
  int alpha;
  bool is_premultiplied;
  /// Number of the last sample that is marked as alpha, or -1, and how many are.
  int alpha_band;
  int alpha_count;
  /// Whether there are further samples of which the file says nothing.
  bool has_unknown;
  /// RGB of each index, for a palette.
  uint8_t palette[256][3];
} tiff_samples;

/// Returns why colours cannot be told from alpha, and what to do; null if they can.
const char *tiff_samples_refusal(const tiff_samples *samples);

/// Fills a table with the colours of the only sample of a pixel, of up to eight bits; false where
/// pixels are others.
bool tiff_samples_fill(const tiff_samples *samples, codec_colour_table *table);

/// Whether rows are stored as RGB of eight bits.
bool tiff_samples_are_rgb(const tiff_samples *samples);

/// Converts a row of `width` pixels to RGBA. `rows` are the samples' rows: one of all samples, or
/// one of each.
void tiff_samples_convert(
    const tiff_samples *samples, const uint8_t *const *rows, uint8_t *rgba, size_t width);

/// Whether the samples are numbers to be taken as they are.
bool tiff_samples_are_bands(const tiff_samples *samples);

/// Writes all samples of such a row but one; none is left out if `skipped` is negative.
void tiff_samples_copy(
    const tiff_samples *samples, const uint8_t *const *rows, int skipped, uint16_t *values,
    size_t width);

typedef struct tiff_state {
  const tiff_library *library;
  TIFF *file;
  const uint8_t *bytes;
  size_t byte_count;
  size_t offset;
  /// First complaint of libtiff about the header, or about the pixels once these are read.
  char reason[IMAGE_CODEC_MESSAGE_BYTE_COUNT];
  bool reads_pixels;
  /// Whether a complaint was about the pixels.
  bool is_damaged;
  uint32_t width;
  uint32_t height;
  uint16_t compression;
  tiff_samples samples;
  /// Colours of the values, if a pixel is one sample.
  bool uses_table;
  codec_colour_table table;
  /// Rows that are decoded at once: one, or those of a strip or tile, of all samples or of each.
  bool is_tiled;
  bool is_by_row;
  uint32_t tile_width;
  uint32_t band_row_count;
  size_t band_row_byte_count;
  size_t plane_count;
  uint8_t *band;
  uint8_t *tile;
  uint8_t *rgba;
  image_codec_backdrop backdrop;
  uint32_t next_row;
} tiff_state;

/// Opens the file, whose bytes and library the state has; false if it is not a TIFF.
bool tiff_file_open(tiff_state *state);

/// Whether the file is a BigTIFF.
bool tiff_is_big(const tiff_state *state);

/// An entry of the first directory.
typedef struct tiff_entry {
  uint16_t type;
  uint64_t count;
  /// Place of the values, or of their place if they take more bytes than it.
  uint64_t place;
} tiff_entry;

/// Finds an entry of the first directory, by which an image describes itself.
bool tiff_directory_find(const tiff_state *state, uint16_t tag, tiff_entry *entry);

/// Returns the first number of an entry of one byte, two or four.
uint64_t tiff_entry_number(const tiff_state *state, const tiff_entry *entry);

/// Returns whether the file ends before its first directory does, or before values of this.
bool tiff_directory_is_cut(const tiff_state *state);

/// Reads what the first image is, and refuses what is not decoded.
image_codec_status tiff_header_read(
    tiff_state *state, image_codec_header *header, codec_message message);

/// Fails with libtiff's first complaint; without one, with `otherwise`.
image_codec_status tiff_fail(
    const tiff_state *state, image_codec_status status, codec_message message,
    const char *otherwise);
