#include "tiff.h"

#include <stdlib.h>
#include <string.h>

static void tiff_close(void *opaque) {
  tiff_state *state = opaque;
  if (state->file != NULL) state->library->close(state->file);
  free(state->band);
  free(state->tile);
  free(state->rgba);
  free(state);
}

/// Calls damage truncation where the file ends before what its first directory announces.
static image_codec_status named(
    image_codec_status status, const tiff_state *state, codec_message message) {
  if (status != IMAGE_CODEC_STATUS_CORRUPT || !tiff_directory_is_cut(state)) return status;
  return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "the file ends early");
}

image_codec_status codec_tiff_open(
    const uint8_t *bytes, size_t byte_count, void **result, image_codec_header *header,
    codec_message message) {
  const tiff_library *library = tiff_library_shared();
  if (library == NULL) return codec_missing(message, "libtiff", "libtiff6");
  tiff_state *state = calloc(1, sizeof *state);
  if (state == NULL) return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  state->library = library;
  state->bytes = bytes;
  state->byte_count = byte_count;
  const image_codec_status outcome =
      tiff_file_open(state)
          ? tiff_header_read(state, header, message)
          : tiff_fail(state, IMAGE_CODEC_STATUS_CORRUPT, message, "its header is invalid");
  const image_codec_status status = named(outcome, state, message);
  if (status != IMAGE_CODEC_STATUS_OK) {
    tiff_close(state);
    return status;
  }
  *result = state;
  return status;
}

/// Returns whether all strips or tiles lie within the file.
static bool is_whole(const tiff_state *state) {
  const tiff_library *library = state->library;
  const uint32_t count = state->is_tiled ? library->tile_count(state->file)
                                         : library->strip_count(state->file);
  for (uint32_t piece = 0; piece < count; piece++) {
    const uint64_t offset = library->piece_offset(state->file, piece);
    const uint64_t length = library->piece_byte_count(state->file, piece);
    if (offset > state->byte_count || length > state->byte_count - offset) return false;
  }
  return true;
}

static image_codec_status tiff_start(
    void *opaque, uint32_t scale_denominator, image_codec_columns *columns,
    image_codec_backdrop backdrop, codec_message message) {
  (void)scale_denominator;
  tiff_state *state = opaque;
  if (!is_whole(state)) {
    return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "strips end after the file");
  }
  state->backdrop = backdrop;
  state->reads_pixels = true;
  state->reason[0] = 0;
  *columns = (image_codec_columns){0, state->width};
  state->uses_table = tiff_samples_fill(&state->samples, &state->table);
  state->band = calloc(state->band_row_byte_count, state->band_row_count * state->plane_count);
  state->rgba = malloc((size_t)state->width * 4);
  if (state->is_tiled) state->tile = malloc(state->library->tile_byte_count(state->file));
  if (state->band == NULL || state->rgba == NULL || (state->is_tiled && state->tile == NULL)) {
    return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  }
  return IMAGE_CODEC_STATUS_OK;
}

static size_t plane_byte_count(const tiff_state *state) {
  return state->band_row_byte_count * state->band_row_count;
}

/// Reads the tiles of one sample, or of all, that hold a row and the rows around it.
static bool read_tiles(tiff_state *state, uint32_t row, size_t plane) {
  const tiff_library *library = state->library;
  const uint64_t byte_count = library->tile_byte_count(state->file);
  const size_t tile_row = library->tile_row_byte_count(state->file);
  uint8_t *target = state->band + plane * plane_byte_count(state);
  for (uint32_t x = 0; x < state->width; target += tile_row) {
    const uint32_t tile = library->tile_at(state->file, x, row, 0, (uint16_t)plane);
    if (library->read_tile(state->file, tile, state->tile, (tmsize_t)byte_count) < 0) return false;
    for (size_t y = 0; y < state->band_row_count; y++) {
      memcpy(target + y * state->band_row_byte_count, state->tile + y * tile_row, tile_row);
    }
    if (state->width - x <= state->tile_width) break;
    x += state->tile_width;
  }
  return true;
}

static bool read_band(tiff_state *state, uint32_t row) {
  const tiff_library *library = state->library;
  if (state->is_by_row) return library->read_row(state->file, state->band, row, 0) == 1;
  for (size_t plane = 0; plane < state->plane_count; plane++) {
    if (state->is_tiled) {
      if (!read_tiles(state, row, plane)) return false;
      continue;
    }
    const uint32_t strip = library->strip_at(state->file, row, (uint16_t)plane);
    uint8_t *target = state->band + plane * plane_byte_count(state);
    const tmsize_t byte_count = (tmsize_t)plane_byte_count(state);
    if (library->read_strip(state->file, strip, target, byte_count) < 0) return false;
  }
  return true;
}

/// Reads the next row as it is stored: one of all samples, or one of each.
static image_codec_status read_stored(
    tiff_state *state, const uint8_t **rows, codec_message message) {
  if (state->next_row >= state->height) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  const size_t place = state->next_row % state->band_row_count;
  if (place == 0 && (!read_band(state, state->next_row) || state->is_damaged)) {
    const image_codec_status status =
        tiff_fail(state, IMAGE_CODEC_STATUS_CORRUPT, message, "its data cannot be decoded");
    return named(status, state, message);
  }
  for (size_t plane = 0; plane < state->plane_count; plane++) {
    rows[plane] =
        state->band + plane * plane_byte_count(state) + place * state->band_row_byte_count;
  }
  state->next_row++;
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status tiff_read_row(void *opaque, uint8_t *row, codec_message message) {
  tiff_state *state = opaque;
  const uint8_t *rows[IMAGE_CODEC_SAMPLE_LIMIT] = {NULL};
  const char *refusal = tiff_samples_refusal(&state->samples);
  if (refusal != NULL) return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, message, refusal);
  const image_codec_status status = read_stored(state, rows, message);
  if (status != IMAGE_CODEC_STATUS_OK) return status;
  if (state->uses_table) {
    codec_colour_table_expand(
        &state->table, rows[0], state->samples.bit_count, row, state->width);
  } else if (tiff_samples_are_rgb(&state->samples)) {
    memcpy(row, rows[0], (size_t)state->width * 3);
  } else {
    tiff_samples_convert(&state->samples, rows, state->rgba, state->width);
    image_codec_compose_row(state->rgba, row, state->width, state->backdrop);
  }
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status tiff_read_samples(
    void *opaque, int skipped, uint8_t *row, codec_message message) {
  tiff_state *state = opaque;
  if (!tiff_samples_are_bands(&state->samples)) {
    return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, message, "it has no bands");
  }
  const uint8_t *rows[IMAGE_CODEC_SAMPLE_LIMIT] = {NULL};
  const image_codec_status status = read_stored(state, rows, message);
  if (status != IMAGE_CODEC_STATUS_OK) return status;
  tiff_samples_copy(&state->samples, rows, skipped, (uint16_t *)(void *)row, state->width);
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status tiff_finish(void *opaque, codec_message message) {
  (void)opaque;
  (void)message;
  return IMAGE_CODEC_STATUS_OK;
}

const codec_decoder codec_tiff_decoder = {
    tiff_start, tiff_read_row, tiff_finish, tiff_close, tiff_read_samples};
