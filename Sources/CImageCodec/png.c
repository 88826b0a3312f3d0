#include <spng.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

// libspng sees only the chunks that make pixels. Ancillary chunks (strings, profiles, animation
// frames) are skipped before it could inflate or copy them, so they cost nothing whatever size they
// claim; EXIF is read on the way, also where it is text, and XMP.

enum {
  png_signature_byte_count = 8,
  /// Bytes of length, type and checksum around a chunk's data.
  png_chunk_frame_byte_count = 12,
  /// Bytes of a palette of 256 entries, the largest chunk that is held whole.
  png_chunk_byte_count_limit = 768,
};

typedef struct png_state {
  spng_ctx *context;
  const uint8_t *bytes;
  size_t byte_count;
  /// Offsets of the next byte, and of the end of the chunk that it lies in.
  size_t offset;
  size_t chunk_end;
  struct spng_ihdr header;
  bool is_complete;
  bool has_alpha;
  image_codec_backdrop backdrop;
  /// Whether a pixel is one sample of up to eight bits, whose colour the table has. libspng expands
  /// samples of fewer bits one by one, in several times the time.
  bool uses_table;
  codec_colour_table table;
  /// The whole image if it is interlaced, else one row if it is not returned as it is decoded, else
  /// null.
  uint8_t *pixels;
  uint32_t next_row;
} png_state;

typedef struct png_chunk {
  size_t data_byte_count;
  const uint8_t *data;
  char type[5];
} png_chunk;

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/// Finds the chunk at `offset`; false if the bytes do not hold it whole.
static bool chunk_at(const png_state *state, size_t offset, png_chunk *chunk) {
  if (state->byte_count - offset < png_chunk_frame_byte_count) return false;
  const uint8_t *start = state->bytes + offset;
  chunk->data_byte_count = big_endian(start);
  memcpy(chunk->type, start + 4, 4);
  chunk->type[4] = 0;
  chunk->data = start + 8;
  return chunk->data_byte_count <= state->byte_count - offset - png_chunk_frame_byte_count;
}

static bool makes_pixels(const png_chunk *chunk) {
  const bool is_ancillary = (chunk->type[0] & 0x20) != 0;
  return !is_ancillary || strcmp(chunk->type, "tRNS") == 0;
}

/// Looks through all chunks once, for whether the file is whole and for its orientation.
static void survey(png_state *state, image_codec_header *header) {
  size_t offset = png_signature_byte_count;
  bool has_exif = false, has_text = false;
  uint8_t of_exif = 0, of_text = 0;
  png_chunk xmp = {0}, chunk;
  while (chunk_at(state, offset, &chunk)) {
    if (!has_exif && strcmp(chunk.type, "eXIf") == 0) {
      has_exif = true;
      of_exif = codec_exif_orientation(chunk.data, chunk.data_byte_count);
    }
    const bool is_deflated = strcmp(chunk.type, "zTXt") == 0;
    const bool is_text = is_deflated || strcmp(chunk.type, "tEXt") == 0;
    if (!has_exif && !has_text && is_text) {
      has_text = codec_png_text_orientation(
          chunk.data, chunk.data_byte_count, is_deflated, &of_text);
    }
    // The last one counts, as in Pillow.
    if ((is_text || strcmp(chunk.type, "iTXt") == 0) &&
        codec_png_text_is_xmp(chunk.data, chunk.data_byte_count))
      xmp = chunk;
    if (strcmp(chunk.type, "tRNS") == 0) state->has_alpha = true;
    if (strcmp(chunk.type, "IEND") == 0) {
      state->is_complete = true;
      break;
    }
    offset += chunk.data_byte_count + png_chunk_frame_byte_count;
  }
  // The chunk of its own counts, wherever it is, before a text, and EXIF before XMP.
  uint8_t orientation = has_exif ? of_exif : of_text;
  if (orientation == 0 && xmp.data != NULL)
    orientation = codec_png_xmp_orientation(xmp.type, xmp.data, xmp.data_byte_count);
  if (orientation != 0) header->orientation = orientation;
}

static int read_bytes(spng_ctx *context, void *opaque, void *target, size_t count) {
  (void)context;
  png_state *state = opaque;
  uint8_t *out = target;
  while (count > 0) {
    if (state->offset == state->chunk_end) {
      png_chunk chunk;
      if (!chunk_at(state, state->offset, &chunk)) return SPNG_IO_EOF;
      const size_t whole = chunk.data_byte_count + png_chunk_frame_byte_count;
      if (!makes_pixels(&chunk)) state->offset += whole;
      state->chunk_end = state->offset + (makes_pixels(&chunk) ? whole : 0);
      continue;
    }
    size_t part = state->chunk_end - state->offset;
    if (part > count) part = count;
    memcpy(out, state->bytes + state->offset, part);
    state->offset += part;
    out += part;
    count -= part;
  }
  return SPNG_OK;
}

static image_codec_status fail(int code, codec_message message) {
  image_codec_status status = IMAGE_CODEC_STATUS_CORRUPT;
  if (code == SPNG_EMEM) status = IMAGE_CODEC_STATUS_OUT_OF_MEMORY;
  if (code == SPNG_IO_EOF || code == SPNG_EOF) status = IMAGE_CODEC_STATUS_TRUNCATED;
  return codec_fail(status, message, spng_strerror(code));
}

static void png_close(void *opaque) {
  png_state *state = opaque;
  spng_ctx_free(state->context);
  free(state->pixels);
  free(state);
}

static int read_header(png_state *state) {
  state->context = spng_ctx_new(0);
  if (state->context == NULL) return SPNG_EMEM;
  int code = spng_set_crc_action(state->context, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
  if (code == 0) {
    code = spng_set_chunk_limits(
        state->context, png_chunk_byte_count_limit, png_chunk_byte_count_limit);
  }
  if (code == 0) code = spng_set_png_stream(state->context, read_bytes, state);
  if (code == 0) code = spng_get_ihdr(state->context, &state->header);
  return code;
}

image_codec_status codec_png_open(
    const uint8_t *bytes, size_t byte_count, void **result, image_codec_header *header,
    codec_message message) {
  if (byte_count < png_signature_byte_count) {
    return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "it has no header");
  }
  png_state *state = calloc(1, sizeof *state);
  if (state == NULL) return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  state->bytes = bytes;
  state->byte_count = byte_count;
  state->chunk_end = png_signature_byte_count;
  const int code = read_header(state);
  if (code == SPNG_EOVERFLOW && byte_count >= 24) {
    // A valid header of an image larger than memory: the caller judges its size. Decoding would
    // fail, since nothing marks this file as complete.
    header->width = big_endian(bytes + 16);
    header->height = big_endian(bytes + 20);
    *result = state;
    return IMAGE_CODEC_STATUS_OK;
  }
  if (code != 0) {
    const image_codec_status status = fail(code, message);
    png_close(state);
    return status;
  }
  survey(state, header);
  const uint8_t type = state->header.color_type;
  if ((type & SPNG_COLOR_TYPE_GRAYSCALE_ALPHA) != 0) state->has_alpha = true;
  header->width = state->header.width;
  header->height = state->header.height;
  header->bit_depth = state->header.bit_depth;
  header->has_alpha = state->has_alpha;
  header->colour = type == SPNG_COLOR_TYPE_GRAYSCALE || type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA
                       ? IMAGE_CODEC_COLOUR_GREY
                       : IMAGE_CODEC_COLOUR_RGB;
  // Two rows as stored, of at most four samples of two bytes, and one as returned; interlaced
  // images are held whole.
  const uint64_t pixel_byte_count = state->has_alpha ? 4 : 3;
  const uint64_t rows = state->header.interlace_method != 0 ? state->header.height : 1;
  header->decoding_byte_count = (uint64_t)state->header.width * (16 + pixel_byte_count * rows);
  *result = state;
  return IMAGE_CODEC_STATUS_OK;
}

/// Fills the table from the palette, or with grey; what a palette lacks is black, as for libspng.
static int fill_table(png_state *state) {
  uint8_t colours[256][4];
  struct spng_plte palette = {0};
  struct spng_trns transparency = {0};
  const bool has_transparency =
      state->has_alpha && spng_get_trns(state->context, &transparency) == 0;
  const bool is_indexed = state->header.color_type == SPNG_COLOR_TYPE_INDEXED;
  const int code = is_indexed ? spng_get_plte(state->context, &palette) : 0;
  if (code != 0) return code;
  const uint32_t top = (1u << state->header.bit_depth) - 1;
  for (uint32_t value = 0; value < 256; value++) {
    const struct spng_plte_entry *entry = &palette.entries[value];
    const bool is_known = value < palette.n_entries;
    const uint8_t grey = (uint8_t)((value & top) * 255 / top);
    colours[value][0] = is_indexed ? (is_known ? entry->red : 0) : grey;
    colours[value][1] = is_indexed ? (is_known ? entry->green : 0) : grey;
    colours[value][2] = is_indexed ? (is_known ? entry->blue : 0) : grey;
    colours[value][3] = 255;
    if (!has_transparency) continue;
    if (is_indexed && value < transparency.n_type3_entries) {
      colours[value][3] = transparency.type3_alpha[value];
    }
    if (!is_indexed && value == transparency.gray) colours[value][3] = 0;
  }
  codec_colour_table_fill(&state->table, colours, state->backdrop);
  return 0;
}

/// Returns the bytes of a row as libspng is to give it.
static size_t decoded_row_byte_count(const png_state *state) {
  const size_t width = state->header.width;
  if (state->uses_table) return (width * state->header.bit_depth + 7) / 8;
  return width * (state->has_alpha ? 4 : 3);
}

static image_codec_status png_start(
    void *opaque, uint32_t scale_denominator, image_codec_columns *columns,
    image_codec_backdrop backdrop, codec_message message) {
  (void)scale_denominator;
  png_state *state = opaque;
  if (!state->is_complete) {
    return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "the file ends before IEND");
  }
  state->backdrop = backdrop;
  *columns = (image_codec_columns){0, state->header.width};
  const bool is_interlaced = state->header.interlace_method != 0;
  const uint8_t type = state->header.color_type;
  state->uses_table = !is_interlaced && state->header.bit_depth <= 8 &&
                      (type == SPNG_COLOR_TYPE_GRAYSCALE || type == SPNG_COLOR_TYPE_INDEXED);
  const size_t byte_count =
      decoded_row_byte_count(state) * (is_interlaced ? state->header.height : 1);
  if (is_interlaced || state->has_alpha || state->uses_table) {
    state->pixels = malloc(byte_count);
    if (state->pixels == NULL) return fail(SPNG_EMEM, message);
  }
  const int format = state->uses_table   ? SPNG_FMT_RAW
                     : state->has_alpha ? SPNG_FMT_RGBA8
                                        : SPNG_FMT_RGB8;
  const int transparency = state->uses_table ? 0 : SPNG_DECODE_TRNS;
  int code = is_interlaced
                 ? spng_decode_image(
                       state->context, state->pixels, byte_count, format, transparency)
                 : spng_decode_image(
                       state->context, NULL, 0, format, transparency | SPNG_DECODE_PROGRESSIVE);
  if (code == 0 && state->uses_table) code = fill_table(state);
  return code == 0 ? IMAGE_CODEC_STATUS_OK : fail(code, message);
}

static image_codec_status png_read_row(void *opaque, uint8_t *row, codec_message message) {
  png_state *state = opaque;
  const size_t width = state->header.width;
  const size_t row_byte_count = decoded_row_byte_count(state);
  const uint8_t *stored = row;
  if (state->next_row >= state->header.height) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  if (state->header.interlace_method != 0) {
    stored = state->pixels + row_byte_count * state->next_row;
    if (!state->has_alpha) memcpy(row, stored, row_byte_count);
  } else {
    uint8_t *target = state->pixels != NULL ? state->pixels : row;
    const int code = spng_decode_row(state->context, target, row_byte_count);
    // The last row comes with the end of the image.
    const bool is_last = state->next_row + 1 == state->header.height;
    if (code != 0 && !(code == SPNG_EOI && is_last)) return fail(code, message);
    stored = target;
  }
  if (state->uses_table) {
    codec_colour_table_expand(&state->table, stored, state->header.bit_depth, row, width);
  } else if (state->has_alpha) {
    image_codec_compose_row(stored, row, width, state->backdrop);
  }
  state->next_row++;
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status png_finish(void *opaque, codec_message message) {
  png_state *state = opaque;
  const int code = spng_decode_chunks(state->context);
  return code == 0 ? IMAGE_CODEC_STATUS_OK : fail(code, message);
}

const codec_decoder codec_png_decoder = {png_start, png_read_row, png_finish, png_close, NULL};

const char *image_codec_version_png(void) { return spng_version_string(); }
