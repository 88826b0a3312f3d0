#pragma once

#include "CImageCodec.h"

#ifdef __cplusplus
extern "C" {
#endif

// Common part of the decoders. A decoder is created by its `open` and driven through
// `codec_decoder`.

typedef struct codec_message {
  char *characters;
  size_t byte_count;
} codec_message;

typedef struct codec_decoder {
  image_codec_status (*start)(
      void *state, uint32_t scale_denominator, image_codec_columns *columns,
      image_codec_backdrop backdrop, codec_message message);
  image_codec_status (*read_row)(void *state, uint8_t *row, codec_message message);
  image_codec_status (*finish)(void *state, codec_message message);
  void (*close)(void *state);
  /// Null in formats without bands.
  image_codec_status (*read_samples)(
      void *state, int skipped, uint8_t *row, codec_message message);
} codec_decoder;

typedef image_codec_status codec_open(
    const uint8_t *bytes, size_t byte_count, void **state, image_codec_header *header,
    codec_message message);

codec_open codec_jpeg_open;
codec_open codec_png_open;
codec_open codec_webp_open;
codec_open codec_gif_open;
codec_open codec_tiff_open;
codec_open codec_heif_open;

/// `image_codec_reader_choose_huffman` and `image_codec_reader_has_own_huffman` of a JPEG.
void codec_jpeg_choose_huffman(void *state, image_codec_huffman choice);
bool codec_jpeg_has_own_huffman(const void *state);

extern const codec_decoder codec_jpeg_decoder;
extern const codec_decoder codec_png_decoder;
extern const codec_decoder codec_webp_decoder;
extern const codec_decoder codec_gif_decoder;
extern const codec_decoder codec_tiff_decoder;
extern const codec_decoder codec_heif_decoder;

/// Writes the message, cut to fit, and returns the status.
image_codec_status codec_fail(image_codec_status status, codec_message message, const char *reason);

/// Returns the orientation, 1 to 8, of a TIFF block with or without the leading "Exif\0\0"; 0 if it
/// has none.
uint8_t codec_exif_orientation(const uint8_t *bytes, size_t byte_count);

/// Returns the orientation, 1 to 8, of XMP; 0 if it has none. It counts only where EXIF has none.
uint8_t codec_xmp_orientation(const uint8_t *bytes, size_t byte_count);

/// Tells whether a chunk tEXt or zTXt of a PNG has EXIF as text, and gives its orientation, 0 if
/// that has none.
bool codec_png_text_orientation(
    const uint8_t *data, size_t byte_count, bool is_deflated, uint8_t *orientation);

/// Tells whether a chunk of text of a PNG has XMP.
bool codec_png_text_is_xmp(const uint8_t *data, size_t byte_count);

/// Returns the orientation of XMP in a chunk tEXt, zTXt or iTXt of a PNG; 0 if it has none.
uint8_t codec_png_xmp_orientation(const char *type, const uint8_t *data, size_t byte_count);

/// Colours of each value of a sample of up to eight bits, over the backdrop where they are
/// transparent.
typedef struct codec_colour_table {
  /// The fourth byte is nothing.
  uint8_t rgb[256][4];
} codec_colour_table;

/// Composes the colours, RGBA, of all values.
void codec_colour_table_fill(
    codec_colour_table *table, const uint8_t (*rgba)[4], image_codec_backdrop backdrop);

/// Writes the RGB of `count` samples of 1, 2, 4 or 8 bits, which are packed from the highest bit of
/// each byte on.
void codec_colour_table_expand(
    const codec_colour_table *table, const uint8_t *samples, unsigned bit_count, uint8_t *rgb,
    size_t count);

/// Fails because a library is not installed, and names it and its Debian package.
image_codec_status codec_missing(
    codec_message message, const char *library, const char *package);

typedef struct codec_symbol {
  const char *name;
  void **function;
} codec_symbol;

/// Opens a shared library for the rest of the process's life and finds functions in it; false if it
/// is not installed or lacks one of them.
bool codec_library_load(const char *file, const codec_symbol *symbols, size_t count);

#ifdef __cplusplus
}
#endif
