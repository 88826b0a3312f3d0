#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

// The first frame of a GIF on its canvas. Further frames are neither decoded nor looked at.

enum {
  gif_header_byte_count = 13,
  gif_colour_count = 256,
  /// Bytes of a graphics control extension, without its length.
  gif_control_byte_count = 4,
  /// Bytes that giflib takes for its tables of codes.
  gif_table_byte_count = 64 << 10,
};

typedef struct gif_state {
  GifFileType *file;
  const uint8_t *bytes;
  size_t byte_count;
  size_t offset;
  /// Whether giflib has asked for more bytes than there are.
  bool is_cut;
  /// Sides of the canvas, which holds the frame whole.
  uint32_t width;
  uint32_t height;
  /// Index of the colour that is transparent, or -1.
  int transparent;
  /// RGBA of each index.
  uint8_t colours[gif_colour_count][4];
  codec_colour_table table;
  /// Indices of the whole frame if it is interlaced, else of one row.
  uint8_t *indices;
  uint32_t next_row;
} gif_state;

static int read_bytes(GifFileType *file, GifByteType *target, int count) {
  gif_state *state = file->UserData;
  size_t part = state->byte_count - state->offset;
  if (count < 0) return 0;
  if (part < (size_t)count) state->is_cut = true;
  if (part > (size_t)count) part = (size_t)count;
  memcpy(target, state->bytes + state->offset, part);
  state->offset += part;
  return (int)part;
}

/// Fails with an error of giflib, which has several for a file that ends early.
static image_codec_status fail(const gif_state *state, int code, codec_message message) {
  if (code == D_GIF_ERR_NOT_ENOUGH_MEM) {
    return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  }
  if (state->is_cut || code == D_GIF_ERR_EOF_TOO_SOON) {
    return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "the file ends early");
  }
  const char *reason = GifErrorString(code);
  return codec_fail(
      IMAGE_CODEC_STATUS_CORRUPT, message, reason == NULL ? "its blocks are invalid" : reason);
}

static void gif_close(void *opaque) {
  gif_state *state = opaque;
  int code;
  if (state->file != NULL) DGifCloseFile(state->file, &code);
  free(state->indices);
  free(state);
}

static int read_extension(gif_state *state) {
  int kind;
  GifByteType *block;
  if (DGifGetExtension(state->file, &kind, &block) == GIF_ERROR) return state->file->Error;
  while (block != NULL) {
    // The block's length, flags, two bytes of a duration, and an index.
    if (kind == GRAPHICS_EXT_FUNC_CODE && block[0] >= gif_control_byte_count) {
      state->transparent = (block[1] & 1) != 0 ? block[4] : -1;
    }
    if (DGifGetExtensionNext(state->file, &block) == GIF_ERROR) return state->file->Error;
  }
  return 0;
}

/// Reads up to the first frame's pixels; returns giflib's error, or 0.
static int read_header(gif_state *state) {
  int code = D_GIF_ERR_NOT_READABLE;
  state->file = DGifOpen(state, read_bytes, &code);
  if (state->file == NULL) return code;
  for (;;) {
    GifRecordType record;
    if (DGifGetRecordType(state->file, &record) == GIF_ERROR) return state->file->Error;
    switch (record) {
      case EXTENSION_RECORD_TYPE:
        code = read_extension(state);
        if (code != 0) return code;
        break;
      case IMAGE_DESC_RECORD_TYPE:
        return DGifGetImageDesc(state->file) == GIF_ERROR ? state->file->Error : 0;
      default: return D_GIF_ERR_NO_IMAG_DSCR;
    }
  }
}

/// Fills the colours from the frame's map, or the file's; without either, indices are grey.
static void read_colours(gif_state *state) {
  const ColorMapObject *map =
      state->file->Image.ColorMap != NULL ? state->file->Image.ColorMap : state->file->SColorMap;
  for (int index = 0; index < gif_colour_count; index++) {
    uint8_t *colour = state->colours[index];
    colour[3] = index == state->transparent ? 0 : 255;
    if (map == NULL) {
      memset(colour, index, 3);
    } else if (index < map->ColorCount) {
      colour[0] = map->Colors[index].Red;
      colour[1] = map->Colors[index].Green;
      colour[2] = map->Colors[index].Blue;
    }
  }
}

image_codec_status codec_gif_open(
    const uint8_t *bytes, size_t byte_count, void **result, image_codec_header *header,
    codec_message message) {
  if (byte_count < gif_header_byte_count) {
    return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "it has no header");
  }
  gif_state *state = calloc(1, sizeof *state);
  if (state == NULL) return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  state->bytes = bytes;
  state->byte_count = byte_count;
  state->transparent = -1;
  const int code = read_header(state);
  if (code != 0) {
    const image_codec_status status = fail(state, code, message);
    gif_close(state);
    return status;
  }
  const GifImageDesc *frame = &state->file->Image;
  if (frame->Width <= 0 || frame->Height <= 0 || frame->Left < 0 || frame->Top < 0) {
    gif_close(state);
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "its first frame is empty");
  }
  read_colours(state);
  // A frame that exceeds the canvas enlarges it, as in Pillow. All numbers have 16 bits.
  const int right = frame->Left + frame->Width, bottom = frame->Top + frame->Height;
  state->width = (uint32_t)(right > state->file->SWidth ? right : state->file->SWidth);
  state->height = (uint32_t)(bottom > state->file->SHeight ? bottom : state->file->SHeight);
  header->width = state->width;
  header->height = state->height;
  header->bit_depth = 8;
  header->has_alpha = state->transparent >= 0;
  header->colour = IMAGE_CODEC_COLOUR_RGB;
  header->decoding_byte_count =
      gif_table_byte_count + (uint64_t)frame->Width * (frame->Interlace ? frame->Height : 1);
  *result = state;
  return IMAGE_CODEC_STATUS_OK;
}

/// Decodes the four passes of an interlaced frame; returns giflib's error, or 0.
static int read_passes(gif_state *state) {
  static const int starts[4] = {0, 4, 2, 1}, steps[4] = {8, 8, 4, 2};
  const GifImageDesc *frame = &state->file->Image;
  for (int pass = 0; pass < 4; pass++) {
    for (int y = starts[pass]; y < frame->Height; y += steps[pass]) {
      uint8_t *row = state->indices + (size_t)y * (size_t)frame->Width;
      if (DGifGetLine(state->file, row, frame->Width) == GIF_ERROR) return state->file->Error;
    }
  }
  return 0;
}

static image_codec_status gif_start(
    void *opaque, uint32_t scale_denominator, image_codec_columns *columns,
    image_codec_backdrop backdrop, codec_message message) {
  (void)scale_denominator;
  gif_state *state = opaque;
  const GifImageDesc *frame = &state->file->Image;
  codec_colour_table_fill(&state->table, state->colours, backdrop);
  *columns = (image_codec_columns){0, state->width};
  state->indices = malloc((size_t)frame->Width * (size_t)(frame->Interlace ? frame->Height : 1));
  if (state->indices == NULL) return fail(state, D_GIF_ERR_NOT_ENOUGH_MEM, message);
  const int code = frame->Interlace ? read_passes(state) : 0;
  return code == 0 ? IMAGE_CODEC_STATUS_OK : fail(state, code, message);
}

static image_codec_status gif_read_row(void *opaque, uint8_t *row, codec_message message) {
  gif_state *state = opaque;
  const GifImageDesc *frame = &state->file->Image;
  if (state->next_row >= state->height) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  // Around the frame the canvas is transparent, or has the first colour if none is.
  const uint8_t *around = state->table.rgb[state->transparent >= 0 ? state->transparent : 0];
  for (size_t x = 0; x < state->width; x++) memcpy(row + 3 * x, around, 3);
  const int64_t y = (int64_t)state->next_row - frame->Top;
  if (y >= 0 && y < frame->Height) {
    const uint8_t *indices = state->indices;
    if (frame->Interlace) {
      indices += (size_t)y * (size_t)frame->Width;
    } else if (DGifGetLine(state->file, state->indices, frame->Width) == GIF_ERROR) {
      return fail(state, state->file->Error, message);
    }
    codec_colour_table_expand(
        &state->table, indices, 8, row + (size_t)frame->Left * 3, (size_t)frame->Width);
  }
  state->next_row++;
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status gif_finish(void *opaque, codec_message message) {
  (void)opaque;
  (void)message;
  return IMAGE_CODEC_STATUS_OK;
}

const codec_decoder codec_gif_decoder = {gif_start, gif_read_row, gif_finish, gif_close, NULL};

#define TEXT_OF_(value) #value
#define TEXT_OF(value) TEXT_OF_(value)
const char *image_codec_version_gif(void) {
  return TEXT_OF(GIFLIB_MAJOR) "." TEXT_OF(GIFLIB_MINOR) "." TEXT_OF(GIFLIB_RELEASE);
}
