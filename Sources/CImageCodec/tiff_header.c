#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiff.h"

// The first image of a TIFF. Pixels come from libtiff as they are stored, never by its conversion
// to RGBA, which rounds 16 bits and multiplies by alpha.

enum {
  /// Bytes of one strip or tile, decoded.
  tiff_piece_byte_count_limit = 1 << 30,
  /// Tiles that make up whole rows, of all samples; no caller allows as much.
  tiff_band_byte_count_limit = 1LL << 40,
  /// Bytes that libtiff may take at once for the lists of its strips, and for other tags.
  tiff_allocation_byte_count_limit = 16 << 20,
};

// MARK: What libtiff calls

static tmsize_t read_bytes(thandle_t handle, void *target, tmsize_t count) {
  tiff_state *state = handle;
  const size_t left = state->offset < state->byte_count ? state->byte_count - state->offset : 0;
  const size_t part = count < 0 ? 0 : (size_t)count < left ? (size_t)count : left;
  memcpy(target, state->bytes + (left == 0 ? 0 : state->offset), part);
  state->offset += part;
  return (tmsize_t)part;
}

static tmsize_t write_bytes(thandle_t handle, void *source, tmsize_t count) {
  (void)handle;
  (void)source;
  (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int origin) {
  tiff_state *state = handle;
  if (origin == SEEK_CUR) offset += state->offset;
  if (origin == SEEK_END) offset += state->byte_count;
  state->offset = (size_t)offset;
  return offset;
}

static int close_bytes(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of_bytes(thandle_t handle) { return ((tiff_state *)handle)->byte_count; }

static int map_bytes(thandle_t handle, void **base, toff_t *size) {
  tiff_state *state = handle;
  *base = (void *)(uintptr_t)state->bytes;
  *size = state->byte_count;
  return 1;
}

static void unmap_bytes(thandle_t handle, void *base, toff_t size) {
  (void)handle;
  (void)base;
  (void)size;
}

static int note_error(
    TIFF *file, void *opaque, const char *module, const char *format, va_list arguments) {
  (void)file;
  (void)module;
  tiff_state *state = opaque;
  if (state->reason[0] == 0) vsnprintf(state->reason, sizeof state->reason, format, arguments);
  // Its decoder of faxes goes on after codes that do not exist.
  if (state->reads_pixels) state->is_damaged = true;
  return 1;
}

static int note_warning(
    TIFF *file, void *opaque, const char *module, const char *format, va_list arguments) {
  tiff_state *state = opaque;
  // libtiff cannot tell how bad it is; the JPEGs inside are held to be whole or damaged. So are the
  // lines of Group 4, which all depend on the one before, but not those of Group 3.
  if (module == NULL || (strcmp(module, "JPEGLib") != 0 && strcmp(module, "Fax4Decode") != 0)) {
    return 1;
  }
  state->is_damaged = true;
  return note_error(file, opaque, module, format, arguments);
}

// MARK: The header

image_codec_status tiff_fail(
    const tiff_state *state, image_codec_status status, codec_message message,
    const char *otherwise) {
  return codec_fail(status, message, state->reason[0] != 0 ? state->reason : otherwise);
}

bool tiff_file_open(tiff_state *state) {
  const tiff_library *library = state->library;
  TIFFOpenOptions *options = library->options_alloc();
  if (options == NULL) return false;
  library->options_set_allocation_limit(options, tiff_allocation_byte_count_limit);
  library->options_set_error_handler(options, note_error, state);
  library->options_set_warning_handler(options, note_warning, state);
  // `O` leaves the lists of strips alone until they are asked for.
  state->file = library->open(
      "image", "rO", state, read_bytes, write_bytes, seek, close_bytes, size_of_bytes, map_bytes,
      unmap_bytes, options);
  library->options_free(options);
  return state->file != NULL;
}

/// Returns what is wrong with what the colours are, and what to do; null if nothing is.
static const char *colour_refusal(const tiff_state *state) {
  const tiff_samples *samples = &state->samples;
  const uint16_t bits = samples->bit_count;
  const bool is_small = bits == 1 || bits == 2 || bits == 4;
  // Readers take zero for white or for black, and three samples for RGB or for nothing.
  if (!samples->says_colours) {
    return "it does not say what its samples are (PhotometricInterpretation is missing); save it "
           "with that tag: 0 where zero is white, 1 where zero is black, 2 for RGB";
  }
  uint16_t ink = INKSET_CMYK;
  state->library->get_or_default(state->file, TIFFTAG_INKSET, &ink);
  switch (samples->photometric) {
    case PHOTOMETRIC_MINISWHITE: case PHOTOMETRIC_MINISBLACK: return NULL;
    case PHOTOMETRIC_PALETTE:
      return bits == 16 ? "its palette has 16-bit indices; save it with 8 bits a sample" : NULL;
    case PHOTOMETRIC_RGB:
      return samples->count < 3 || is_small
                 ? "its colours are not three samples of 8 or 16 bits; save it as RGB with 8 bits "
                   "a sample"
                 : NULL;
    case PHOTOMETRIC_SEPARATED:
      return samples->count < 4 || is_small || ink != INKSET_CMYK
                 ? "its inks are not cyan, magenta, yellow and black of 8 or 16 bits; save it as "
                   "RGB with 8 bits a sample"
                 : NULL;
    case PHOTOMETRIC_YCBCR:
      return state->compression == COMPRESSION_JPEG && bits == 8 && samples->count == 3
                 ? NULL
                 : "YCbCr is supported in JPEG compression alone, without alpha; save it as RGB";
    default:
      return "its colours are neither grey, of a palette, RGB, CMYK nor YCbCr; save it as RGB "
             "with 8 bits a sample";
  }
}

/// Returns what is wrong with the kind of compression or samples, and what to do; null if nothing
/// is.
static const char *refusal(const tiff_state *state) {
  const tiff_samples *samples = &state->samples;
  const uint8_t *version = NULL;
  uint32_t kind = 0;
  uint16_t format = SAMPLEFORMAT_UINT;
  const tiff_library *library = state->library;
  library->get_or_default(state->file, TIFFTAG_SAMPLEFORMAT, &format);
  const bool is_negative = library->get(state->file, TIFFTAG_DNGVERSION, &version) == 1;
  library->get(state->file, TIFFTAG_SUBFILETYPE, &kind);
  if (is_negative || samples->photometric == PHOTOMETRIC_CFA) {
    return "it is a camera's raw file (DNG); develop it and send a JPEG";
  }
  if ((kind & FILETYPE_REDUCEDIMAGE) != 0) {
    return "its first image is a preview, as in a camera's raw file (NEF, ARW, DNG); develop it "
           "and send a JPEG";
  }
  switch (state->compression) {
    case COMPRESSION_NONE: case COMPRESSION_CCITTRLE: case COMPRESSION_CCITTRLEW:
    case COMPRESSION_CCITTFAX3: case COMPRESSION_CCITTFAX4: case COMPRESSION_LZW:
    case COMPRESSION_JPEG: case COMPRESSION_ADOBE_DEFLATE: case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS: case COMPRESSION_ZSTD: break;
    case COMPRESSION_OJPEG:
      return "JPEG compression of the old style is not supported; save it with LZW or Deflate";
    default:
      return "its compression is not one of none, CCITT, LZW, Deflate, PackBits, JPEG, Zstd; save "
             "it with one of these";
  }
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
    return "its samples are not unsigned whole numbers; save it with such of 8 or 16 bits";
  }
  if (samples->count == 0) return "a pixel of it has no samples; save it anew";
  if (samples->count > IMAGE_CODEC_SAMPLE_LIMIT) {
    return "it has more than 32 samples a pixel; save it with fewer";
  }
  const uint16_t bits = samples->bit_count;
  if (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16) {
    return "its samples have neither 1, 2, 4, 8 nor 16 bits; save it with 8 or 16 bits a sample";
  }
  return colour_refusal(state);
}

static uint16_t colour_sample_count(uint16_t photometric) {
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE: case PHOTOMETRIC_MINISBLACK: case PHOTOMETRIC_PALETTE: return 1;
    case PHOTOMETRIC_SEPARATED: return 4;
    default: return 3;
  }
}

static void read_samples(tiff_state *state) {
  const tiff_library *library = state->library;
  tiff_samples *samples = &state->samples;
  uint16_t planes = PLANARCONFIG_CONTIG, extra_count = 0;
  uint16_t *extras = NULL;
  state->compression = COMPRESSION_NONE;
  library->get_or_default(state->file, TIFFTAG_COMPRESSION, &state->compression);
  library->get_or_default(state->file, TIFFTAG_BITSPERSAMPLE, &samples->bit_count);
  library->get_or_default(state->file, TIFFTAG_SAMPLESPERPIXEL, &samples->count);
  library->get_or_default(state->file, TIFFTAG_PLANARCONFIG, &planes);
  library->get_or_default(state->file, TIFFTAG_EXTRASAMPLES, &extra_count, &extras);
  samples->says_colours =
      library->get(state->file, TIFFTAG_PHOTOMETRIC, &samples->photometric) == 1;
  samples->is_separate = planes == PLANARCONFIG_SEPARATE && samples->count > 1;
  samples->alpha = samples->alpha_band = -1;
  samples->colour_count = colour_sample_count(samples->photometric);
  const uint16_t colours = samples->colour_count;
  for (int extra = 0; extra < extra_count && colours + extra < samples->count; extra++) {
    const uint16_t kind = extras[extra];
    if (kind != EXTRASAMPLE_ASSOCALPHA && kind != EXTRASAMPLE_UNASSALPHA) continue;
    samples->alpha_count++;
    samples->alpha = samples->alpha_band = colours + extra;
    samples->is_premultiplied = kind == EXTRASAMPLE_ASSOCALPHA;
  }
  tiff_entry entry;
  if (samples->count <= colours || tiff_directory_find(state, TIFFTAG_EXTRASAMPLES, &entry)) return;
  // A fourth sample of which nothing is said is alpha of RGB, as for Pillow; of bands it is one.
  const bool is_alpha = samples->photometric == PHOTOMETRIC_RGB && samples->count == 4;
  if (is_alpha) samples->alpha = 3;
  samples->has_unknown = !is_alpha;
}

/// Returns whether the first image says that its samples are indices of a palette. libtiff takes
/// those for grey or RGB, without a word, if there is no palette.
static bool is_marked_as_palette(const tiff_state *state) {
  tiff_entry entry;
  return tiff_directory_find(state, TIFFTAG_PHOTOMETRIC, &entry) &&
         tiff_entry_number(state, &entry) == PHOTOMETRIC_PALETTE;
}

/// Returns whether the palette, if the image has one, could be read.
static bool read_palette(tiff_state *state) {
  if (state->samples.photometric != PHOTOMETRIC_PALETTE) return !is_marked_as_palette(state);
  uint16_t *channels[3];
  const int found = state->library->get(
      state->file, TIFFTAG_COLORMAP, &channels[0], &channels[1], &channels[2]);
  if (found != 1) return false;
  for (size_t index = 0; index < (size_t)1 << state->samples.bit_count; index++) {
    for (int channel = 0; channel < 3; channel++) {
      state->samples.palette[index][channel] = (uint8_t)(channels[channel][index] >> 8);
    }
  }
  return true;
}

/// Chooses what is decoded at once, and returns the bytes that this takes; 0 if that is too much.
static uint64_t plan_bands(tiff_state *state) {
  const tiff_library *library = state->library;
  uint32_t piece_row_count = 0;
  state->is_tiled = library->is_tiled(state->file) != 0;
  state->plane_count = state->samples.is_separate ? state->samples.count : 1;
  uint64_t row, piece, tile = 0;
  if (state->is_tiled) {
    library->get(state->file, TIFFTAG_TILEWIDTH, &state->tile_width);
    library->get(state->file, TIFFTAG_TILELENGTH, &piece_row_count);
    tile = piece = library->tile_byte_count(state->file);
    if (state->tile_width == 0 || piece_row_count == 0) return 0;
    // Each tile's rows are whole bytes in files that keep the rule of multiples of 16 columns.
    if ((uint64_t)state->tile_width * state->samples.bit_count % 8 != 0) return 0;
    row = library->tile_row_byte_count(state->file) *
          (((uint64_t)state->width + state->tile_width - 1) / state->tile_width);
  } else {
    library->get_or_default(state->file, TIFFTAG_ROWSPERSTRIP, &piece_row_count);
    if (piece_row_count > state->height) piece_row_count = state->height;
    piece = library->strip_byte_count(state->file);
    row = library->row_byte_count(state->file);
    state->is_by_row = !state->samples.is_separate;
  }
  const uint32_t piece_count = state->is_tiled ? library->tile_count(state->file)
                                               : library->strip_count(state->file);
  if (piece_count == 0 || piece_count > IMAGE_CODEC_TIFF_PIECE_LIMIT) return 0;
  if (piece == 0 || row == 0 || piece_row_count == 0) return 0;
  if (piece > tiff_piece_byte_count_limit || row > tiff_piece_byte_count_limit) return 0;
  state->band_row_count = state->is_by_row ? 1 : piece_row_count;
  state->band_row_byte_count = (size_t)row;
  const uint64_t band = row * state->band_row_count * state->plane_count;
  if (band > tiff_band_byte_count_limit) return 0;
  // A progressive JPEG's coefficients have two bytes each.
  const uint64_t coefficients = state->compression == COMPRESSION_JPEG ? 2 * piece : 0;
  return band + tile + coefficients + (uint64_t)state->width * 4;
}

/// Returns the orientation, by the types of numbers that count in EXIF; in a BigTIFF, whose
/// directories are others, by those that libtiff takes.
static uint8_t orientation_of(const tiff_state *state) {
  uint16_t orientation = 1;
  if (!tiff_is_big(state)) {
    orientation = codec_exif_orientation(state->bytes, state->byte_count);
  } else {
    state->library->get_or_default(state->file, TIFFTAG_ORIENTATION, &orientation);
  }
  return orientation >= 1 && orientation <= 8 ? (uint8_t)orientation : 1;
}

image_codec_status tiff_header_read(
    tiff_state *state, image_codec_header *header, codec_message message) {
  const tiff_library *library = state->library;
  library->get(state->file, TIFFTAG_IMAGEWIDTH, &state->width);
  library->get(state->file, TIFFTAG_IMAGELENGTH, &state->height);
  if (state->width == 0 || state->height == 0) {
    return tiff_fail(state, IMAGE_CODEC_STATUS_CORRUPT, message, "it has no pixels");
  }
  read_samples(state);
  const char *reason = refusal(state);
  if (reason != NULL) return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, message, reason);
  if (!read_palette(state)) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "its palette is missing");
  }
  if (state->samples.photometric == PHOTOMETRIC_YCBCR) {
    library->set(state->file, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  const uint64_t byte_count = plan_bands(state);
  if (byte_count == 0) {
    return tiff_fail(
        state, IMAGE_CODEC_STATUS_CORRUPT, message,
        "its strips or tiles are too many or too large; save it with strips of a few rows");
  }
  header->width = state->width;
  header->height = state->height;
  header->orientation = orientation_of(state);
  header->bit_depth = (uint8_t)state->samples.bit_count;
  header->has_alpha = state->samples.alpha >= 0;
  const uint16_t photometric = state->samples.photometric;
  header->colour = photometric == PHOTOMETRIC_SEPARATED ? IMAGE_CODEC_COLOUR_CMYK
                   : photometric <= PHOTOMETRIC_MINISBLACK ? IMAGE_CODEC_COLOUR_GREY
                                                           : IMAGE_CODEC_COLOUR_RGB;
  header->sample_count = (uint8_t)state->samples.count;
  header->has_bands = tiff_samples_are_bands(&state->samples);
  header->alpha_band = (int8_t)state->samples.alpha_band;
  header->decoding_byte_count = byte_count;
  return IMAGE_CODEC_STATUS_OK;
}
