#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "Huffman/huffman.h"
#include "codec.h"

// libjpeg leaves by longjmp from its error handlers; every call to it follows a setjmp in the same
// function, and no automatic variable that changes after the setjmp is read once that has returned
// again.

typedef struct jpeg_state {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  image_codec_status status;
  char reason[JMSG_LENGTH_MAX];
  /// The first EXIF block, inside the encoded bytes; null if there is none.
  const uint8_t *exif;
  size_t exif_byte_count;
  /// The last XMP block likewise.
  const uint8_t *xmp;
  size_t xmp_byte_count;
  /// Scans counted in `visit_count`, and the blocks of coefficients that they visit, all scans
  /// together.
  int counted_scan;
  /// A bit for each component whose mean light, the lowest frequency, is in a scan so far.
  unsigned seen_components;
  uint64_t visit_count;
  uint64_t visit_limit;
  /// One row of CMYK; null for other images.
  uint8_t *cmyk_row;
  bool created;
  /// Whether an own decoder of Huffman codes is still to take the place of the library's; and that
  /// decoder, or null.
  bool attaches_huffman;
  codec_huffman *huffman;
} jpeg_state;

static jpeg_state *state_of(j_common_ptr info) { return info->client_data; }

static _Noreturn void escape(j_common_ptr info, image_codec_status status) {
  jpeg_state *state = state_of(info);
  state->status = status;
  info->err->format_message(info, state->reason);
  longjmp(state->escape, 1);
}

/// Returns what a start of a frame, ITU-T T.81, table B.1, announces of what is not decoded.
static const char *process_name(int marker) {
  switch (marker) {
    case 0xc3: return "lossless JPEG";
    case 0xc5: case 0xc6: case 0xc7: return "hierarchical JPEG";
    case 0xcb: return "lossless JPEG with arithmetic coding";
    case 0xcd: case 0xce: case 0xcf: return "hierarchical JPEG with arithmetic coding";
    default: return "JPEG of a reserved kind";
  }
}

#define SAVE_AS_JPEG "save it as a baseline or progressive JPEG with 8 bits a sample, or as a PNG"

/// Ends decoding of what libjpeg-turbo does not decode, with what it is and what to do.
static _Noreturn void refuse_feature(j_common_ptr info) {
  jpeg_state *state = state_of(info);
  const int number = info->err->msg_parm.i[0];
  char found[JMSG_LENGTH_MAX];
  state->status = IMAGE_CODEC_STATUS_UNSUPPORTED;
  switch (info->err->msg_code) {
    case JERR_SOF_UNSUPPORTED:
      snprintf(found, sizeof found, "it is %s (marker 0xff%02x)", process_name(number), number);
      break;
    case JERR_UNKNOWN_MARKER:
      snprintf(found, sizeof found, "it is JPEG-LS (marker 0xff%02x)", number);
      break;
    case JERR_BAD_PRECISION:
      snprintf(found, sizeof found, "its samples have %d bits", number);
      break;
    default: info->err->format_message(info, found);
  }
  snprintf(state->reason, sizeof state->reason, "%.100s; " SAVE_AS_JPEG, found);
  longjmp(state->escape, 1);
}

/// Whether a marker that libjpeg-turbo does not know is the start of a frame of JPEG-LS (ITU-T
/// T.87).
static bool begins_jpeg_ls(j_common_ptr info) {
  enum { frame_of_jpeg_ls = 0xf7 };
  // A frame tells its sides; after one the marker is damage.
  return info->is_decompressor && ((j_decompress_ptr)info)->image_width == 0 &&
         info->err->msg_parm.i[0] == frame_of_jpeg_ls;
}

static void error_exit(j_common_ptr info) {
  switch (info->err->msg_code) {
    case JERR_OUT_OF_MEMORY:
    case JERR_NO_BACKING_STORE:
    case JERR_WIDTH_OVERFLOW:
      escape(info, IMAGE_CODEC_STATUS_OUT_OF_MEMORY);
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY:
      escape(info, IMAGE_CODEC_STATUS_TRUNCATED);
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CCIR601_NOTIMPL:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_NOTIMPL:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      refuse_feature(info);
    case JERR_UNKNOWN_MARKER:
      if (begins_jpeg_ls(info)) refuse_feature(info);
      escape(info, IMAGE_CODEC_STATUS_CORRUPT);
    default:
      escape(info, IMAGE_CODEC_STATUS_CORRUPT);
  }
}

/// Returns whether bytes that belong to no code lie in a scan, so many that the codes before them
/// must have been others. Cameras and encoders leave a few; markers outside of scans may be padded.
static bool has_extraneous_codes(j_common_ptr info) {
  if (info->err->msg_code != JWRN_EXTRANEOUS_DATA || !info->is_decompressor) return false;
  return ((j_decompress_ptr)info)->input_scan_number > 0 &&
         info->err->msg_parm.i[0] > IMAGE_CODEC_JPEG_EXTRANEOUS_BYTE_COUNT;
}

/// Ends decoding at warnings that mean missing or damaged image data. The rest is tolerated, as
/// viewers do: markers that contradict each other, and bytes between them.
static void emit_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  info->err->num_warnings++;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER: escape(info, IMAGE_CODEC_STATUS_TRUNCATED);
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC: escape(info, IMAGE_CODEC_STATUS_CORRUPT);
    default: break;
  }
  if (has_extraneous_codes(info)) escape(info, IMAGE_CODEC_STATUS_CORRUPT);
}

static void output_message(j_common_ptr info) { (void)info; }

static _Noreturn void refuse(jpeg_state *state, const char *reason, uint64_t limit) {
  state->status = IMAGE_CODEC_STATUS_CORRUPT;
  snprintf(state->reason, sizeof state->reason, reason, (unsigned long long)limit);
  longjmp(state->escape, 1);
}

/// Notes which components the current scan has, if it begins with the lowest frequency.
static void note_components(jpeg_state *state) {
  j_decompress_ptr info = &state->info;
  // Other processes have all frequencies in each scan, whatever that says.
  if (info->progressive_mode && info->Ss != 0) return;
  for (int index = 0; index < info->comps_in_scan; index++) {
    state->seen_components |= 1u << info->cur_comp_info[index]->component_index;
  }
}

/// Returns the blocks that the current scan visits.
static uint64_t blocks_of_scan(j_decompress_ptr info) {
  uint64_t count = 0;
  for (int index = 0; index < info->comps_in_scan; index++) {
    const jpeg_component_info *component = info->cur_comp_info[index];
    count += (uint64_t)component->width_in_blocks * component->height_in_blocks;
  }
  return count;
}

static void attach_huffman(jpeg_state *state) {
  if (!state->attaches_huffman) return;
  state->attaches_huffman = false;
  state->huffman = codec_huffman_attach(&state->info);
}

/// Counts a scan, whole, when it has begun; called before each row of blocks of each scan.
static void progress_monitor(j_common_ptr common) {
  if (!common->is_decompressor) return;
  j_decompress_ptr info = (j_decompress_ptr)common;
  jpeg_state *state = state_of(common);
  attach_huffman(state);
  if (info->input_scan_number <= state->counted_scan) return;
  state->counted_scan = info->input_scan_number;
  note_components(state);
  state->visit_count += blocks_of_scan(info);
  if (state->counted_scan > IMAGE_CODEC_JPEG_SCAN_LIMIT) {
    refuse(state, "it has more than %llu progressive scans", IMAGE_CODEC_JPEG_SCAN_LIMIT);
  }
  if (state->visit_count > state->visit_limit) {
    refuse(
        state, "its scans visit more than %llu blocks, too many for its bytes",
        state->visit_limit);
  }
}

/// Skips a marker that may be EXIF or XMP and notes the first and the last that is. libjpeg would
/// keep each one, in a list that it walks for each further one.
static boolean read_exif_marker(j_decompress_ptr info) {
  jpeg_state *state = state_of((j_common_ptr)info);
  struct jpeg_source_mgr *source = info->src;
  const uint8_t *bytes = source->next_input_byte;
  const size_t length =
      source->bytes_in_buffer >= 2 ? (size_t)bytes[0] << 8 | bytes[1] : SIZE_MAX;
  if (length > source->bytes_in_buffer) {
    info->err->msg_code = JERR_INPUT_EOF;
    escape((j_common_ptr)info, IMAGE_CODEC_STATUS_TRUNCATED);
  }
  if (length < 2) {
    info->err->msg_code = JERR_BAD_LENGTH;
    escape((j_common_ptr)info, IMAGE_CODEC_STATUS_CORRUPT);
  }
  if (state->exif == NULL && length >= 8 && memcmp(bytes + 2, "Exif\0\0", 6) == 0) {
    state->exif = bytes + 2;
    state->exif_byte_count = length - 2;
  }
  static const char xmp_name[] = "http://ns.adobe.com/xap/1.0/";
  if (length >= 2 + sizeof xmp_name && memcmp(bytes + 2, xmp_name, sizeof xmp_name) == 0) {
    state->xmp = bytes + 2 + sizeof xmp_name;
    state->xmp_byte_count = length - 2 - sizeof xmp_name;
  }
  source->next_input_byte += length;
  source->bytes_in_buffer -= length;
  return TRUE;
}

static uint8_t orientation_of(const jpeg_state *state) {
  uint8_t orientation = 0;
  if (state->exif != NULL)
    orientation = codec_exif_orientation(state->exif, state->exif_byte_count);
  if (orientation == 0 && state->xmp != NULL)
    orientation = codec_xmp_orientation(state->xmp, state->xmp_byte_count);
  return orientation == 0 ? 1 : orientation;
}

static void jpeg_close(void *opaque) {
  jpeg_state *state = opaque;
  if (state->created) jpeg_destroy_decompress(&state->info);
  codec_huffman_free(state->huffman);
  free(state->cmyk_row);
  free(state);
}

/// Returns the bytes of whole coefficient arrays for images of several scans, of a few rows of
/// blocks for the others.
static uint64_t decoding_byte_count(j_decompress_ptr info) {
  const uint64_t row = (uint64_t)info->image_width * 4;
  if (!jpeg_has_multiple_scans(info)) return row * (DCTSIZE * MAX_SAMP_FACTOR);
  uint64_t bytes = 0;
  for (int index = 0; index < info->num_components; index++) {
    const jpeg_component_info *component = &info->comp_info[index];
    bytes += (uint64_t)component->width_in_blocks * component->height_in_blocks * sizeof(JBLOCK);
  }
  return bytes + row;
}

/// Returns the blocks that all scans of a file of this size may visit.
static uint64_t visit_limit(size_t byte_count) {
  const uint64_t limit = IMAGE_CODEC_JPEG_FREE_VISIT_COUNT +
                         (uint64_t)byte_count * IMAGE_CODEC_JPEG_VISIT_COUNT_PER_BYTE;
  return limit < IMAGE_CODEC_JPEG_VISIT_LIMIT ? limit : IMAGE_CODEC_JPEG_VISIT_LIMIT;
}

static image_codec_status read_header(jpeg_state *state, const uint8_t *bytes, size_t byte_count) {
  j_decompress_ptr info = &state->info;
  if (setjmp(state->escape) != 0) return state->status;
  jpeg_create_decompress(info);
  state->created = true;
  info->client_data = state;
  info->progress = &state->progress;
  jpeg_set_marker_processor(info, JPEG_APP0 + 1, read_exif_marker);
  state->visit_limit = visit_limit(byte_count);
  jpeg_mem_src(info, bytes, byte_count);
  jpeg_read_header(info, TRUE);
  const char *refusal = NULL;
  if (info->arith_code) refusal = "its coding is arithmetic, not Huffman's; " SAVE_AS_JPEG;
  if (info->num_components == 2) {
    refusal = "it has two components, an image one, three or four; " SAVE_AS_JPEG;
  }
  if (info->num_components > 4) {
    refusal = "it has more than four components, an image one, three or four; " SAVE_AS_JPEG;
  }
  if (refusal != NULL) {
    snprintf(state->reason, sizeof state->reason, "%s", refusal);
    return IMAGE_CODEC_STATUS_UNSUPPORTED;
  }
  return IMAGE_CODEC_STATUS_OK;
}

image_codec_status codec_jpeg_open(
    const uint8_t *bytes, size_t byte_count, void **result, image_codec_header *header,
    codec_message message) {
  jpeg_state *state = calloc(1, sizeof *state);
  if (state == NULL) return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  state->info.err = jpeg_std_error(&state->errors);
  state->info.client_data = state;
  state->errors.error_exit = error_exit;
  state->errors.emit_message = emit_message;
  state->errors.output_message = output_message;
  state->progress.progress_monitor = progress_monitor;

  const image_codec_status status = read_header(state, bytes, byte_count);
  if (status != IMAGE_CODEC_STATUS_OK) {
    codec_fail(status, message, state->reason);
    jpeg_close(state);
    return status;
  }
  j_decompress_ptr info = &state->info;
  header->width = info->image_width;
  header->height = info->image_height;
  header->bit_depth = (uint8_t)info->data_precision;
  header->is_scalable = true;
  header->colour = info->num_components == 4   ? IMAGE_CODEC_COLOUR_CMYK
                   : info->num_components == 1 ? IMAGE_CODEC_COLOUR_GREY
                                               : IMAGE_CODEC_COLOUR_RGB;
  header->orientation = orientation_of(state);
  header->decoding_byte_count = decoding_byte_count(info);
  state->attaches_huffman =
      codec_huffman_is_proven() && codec_huffman_pays(info->src->bytes_in_buffer);
  if (state->attaches_huffman) header->decoding_byte_count += codec_huffman_byte_count(info);
  *result = state;
  return status;
}

/// Leaves out the blocks that hold no wanted column. Covered by its caller's setjmp.
static void crop_columns(j_decompress_ptr info, image_codec_columns *columns) {
  // Interpolation of chroma takes the outermost columns for the edges of the image.
  const JDIMENSION margin = 2;
  JDIMENSION first = columns->first > margin ? columns->first - margin : 0;
  JDIMENSION end = columns->first + columns->count + margin;
  if (end > info->output_width) end = info->output_width;
  JDIMENSION count = end - first;
  jpeg_crop_scanline(info, &first, &count);
  *columns = (image_codec_columns){first, count};
}

static image_codec_status jpeg_start(
    void *opaque, uint32_t scale_denominator, image_codec_columns *columns,
    image_codec_backdrop backdrop, codec_message message) {
  (void)backdrop;
  jpeg_state *state = opaque;
  j_decompress_ptr info = &state->info;
  if (info->num_components == 4) {
    state->cmyk_row = malloc((size_t)info->image_width * 4);
    if (state->cmyk_row == NULL) {
      return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
    }
  }
  if (setjmp(state->escape) != 0) return codec_fail(state->status, message, state->reason);
  // The rest are libjpeg-turbo's defaults: accurate integer DCT and fancy upsampling.
  info->out_color_space = info->num_components == 4 ? JCS_CMYK : JCS_RGB;
  // An inverse transform of 4, 2 or 1 samples a side takes the low frequencies of each block.
  info->scale_num = 1;
  info->scale_denom = scale_denominator;
  jpeg_start_decompress(info);
  // All scans of several have been read by now. Higher frequencies may be left out of them.
  if (jpeg_has_multiple_scans(info) && state->seen_components != (1u << info->num_components) - 1) {
    return codec_fail(
        IMAGE_CODEC_STATUS_CORRUPT, message, "one of its components is in none of its scans");
  }
  attach_huffman(state);
  crop_columns(info, columns);
  return IMAGE_CODEC_STATUS_OK;
}

/// Converts CMYK as Adobe's programs store it, 255 for no ink, to RGB.
static void convert_cmyk_row(const uint8_t *cmyk, uint8_t *rgb, size_t count) {
  for (size_t pixel = 0; pixel < count; pixel++) {
    const uint32_t key = cmyk[4 * pixel + 3];
    for (size_t channel = 0; channel < 3; channel++) {
      const uint32_t product = (255u - cmyk[4 * pixel + channel]) * key + 128;
      const uint32_t ink = (product + (product >> 8)) >> 8;
      rgb[3 * pixel + channel] = (uint8_t)(key - ink);
    }
  }
}

static image_codec_status jpeg_read_row(void *opaque, uint8_t *row, codec_message message) {
  jpeg_state *state = opaque;
  if (setjmp(state->escape) != 0) return codec_fail(state->status, message, state->reason);
  JSAMPROW target = state->cmyk_row != NULL ? state->cmyk_row : row;
  if (jpeg_read_scanlines(&state->info, &target, 1) != 1) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  if (state->cmyk_row != NULL) convert_cmyk_row(state->cmyk_row, row, state->info.output_width);
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status jpeg_finish(void *opaque, codec_message message) {
  jpeg_state *state = opaque;
  if (setjmp(state->escape) != 0) return codec_fail(state->status, message, state->reason);
  jpeg_finish_decompress(&state->info);
  return IMAGE_CODEC_STATUS_OK;
}

void codec_jpeg_choose_huffman(void *opaque, image_codec_huffman choice) {
  jpeg_state *state = opaque;
  if (choice == IMAGE_CODEC_HUFFMAN_LIBRARY) state->attaches_huffman = false;
  if (choice == IMAGE_CODEC_HUFFMAN_OWN) state->attaches_huffman = codec_huffman_is_proven();
}

bool codec_jpeg_has_own_huffman(const void *opaque) {
  const jpeg_state *state = opaque;
  return codec_huffman_is_in_charge(state->huffman, &state->info);
}

const codec_decoder codec_jpeg_decoder = {jpeg_start, jpeg_read_row, jpeg_finish, jpeg_close, NULL};

#define TEXT_OF_(value) #value
#define TEXT_OF(value) TEXT_OF_(value)
const char *image_codec_version_jpeg(void) { return TEXT_OF(LIBJPEG_TURBO_VERSION); }
