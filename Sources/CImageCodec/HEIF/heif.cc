#include "heif.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

// The primary image of an AVIF or HEIC file, turned and mirrored as its properties say. EXIF counts
// for nothing here: ISO/IEC 23008-12, annex A.2.1, leaves orientation to the properties.

namespace {

enum {
  /// Columns and rows by which the tiles of a grid may exceed its image.
  tile_excess = 1024,
  /// Bytes that the decoders take whatever the image.
  fixed_byte_count = 12 << 20,
  /// Bytes for each pixel: planes of the decoder, of libheif and of its conversion to RGB.
  byte_count_per_pixel = 13,
  byte_count_per_deep_pixel = 20,
};

struct heif_state {
  const heif_library *library;
  heif_context *context;
  heif_image_handle *handle;
  heif_image *image;
  const uint8_t *bytes;
  size_t byte_count;
  /// Place that libheif reads next.
  size_t offset;
  /// Null while there is none.
  heif_presentation *presentation;
  heif_placement placement;
  bool has_alpha;
  bool is_premultiplied;
  const uint8_t *pixels;
  int stride;
  uint8_t *row;
  image_codec_backdrop backdrop;
  int64_t next_row;
};

image_codec_status fail(const heif_error &error, codec_message message) {
  const heif_allowance &allowance = current_allowance;
  if (allowance.missing_library != nullptr) {
    return codec_missing(message, allowance.missing_library, allowance.missing_package);
  }
  if (allowance.refusal != nullptr) {
    return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, message, allowance.refusal);
  }
  if (allowance.is_exceeded) {
    return codec_fail(
        IMAGE_CODEC_STATUS_CORRUPT, message, "its data has more pixels than its header says");
  }
  // Memory has not run out: libheif takes sides of 32,768 pixels, and so many boxes.
  if (error.subcode == heif_suberror_Security_limit_exceeded) {
    return codec_fail(
        IMAGE_CODEC_STATUS_UNSUPPORTED, message,
        "it is larger than libheif allows; save it with fewer pixels, or as a JPEG or PNG");
  }
  image_codec_status status = IMAGE_CODEC_STATUS_CORRUPT;
  switch (error.code) {
    case heif_error_Memory_allocation_error: status = IMAGE_CODEC_STATUS_OUT_OF_MEMORY; break;
    case heif_error_Unsupported_feature:
    case heif_error_Unsupported_filetype: status = IMAGE_CODEC_STATUS_UNSUPPORTED; break;
    default: break;
  }
  if (error.code == heif_error_Decoder_plugin_error) {
    return codec_fail(status, message, heif_damaged.message);
  }
  if (error.subcode == heif_suberror_End_of_data) status = IMAGE_CODEC_STATUS_TRUNCATED;
  const char *said = error.message == nullptr ? "it is invalid" : error.message;
  if (status != IMAGE_CODEC_STATUS_UNSUPPORTED) return codec_fail(status, message, said);
  char reason[IMAGE_CODEC_MESSAGE_BYTE_COUNT];
  snprintf(reason, sizeof reason, "%.180s; save it as a JPEG or PNG", said);
  return codec_fail(status, message, reason);
}

void close(heif_state *state) {
  const heif_library *library = state->library;
  if (state->image != nullptr) library->image_release(state->image);
  if (state->handle != nullptr) library->handle_release(state->handle);
  if (state->context != nullptr) library->context_free(state->context);
  delete state->presentation;
  free(state->row);
  free(state);
}

// MARK: What libheif calls

int64_t reader_position(void *opaque) {
  return static_cast<int64_t>(static_cast<heif_state *>(opaque)->offset);
}

/// Copies bytes of the file; those that it is not shown are zero.
int reader_read(void *target, size_t count, void *opaque) {
  auto *state = static_cast<heif_state *>(opaque);
  const size_t start = state->offset;
  if (start > state->byte_count || count > state->byte_count - start) return 1;
  if (count == 0) return 0;
  memcpy(target, state->bytes + start, count);
  const std::vector<size_t> &hidden = state->presentation->hidden;
  for (auto place = std::lower_bound(hidden.begin(), hidden.end(), start);
       place != hidden.end() && *place - start < count; place++) {
    static_cast<uint8_t *>(target)[*place - start] = 0;
  }
  state->offset += count;
  return 0;
}

int reader_seek(int64_t position, void *opaque) {
  auto *state = static_cast<heif_state *>(opaque);
  if (position < 0 || static_cast<uint64_t>(position) > state->byte_count) return 1;
  state->offset = static_cast<size_t>(position);
  return 0;
}

heif_reader_grow_status reader_wait(int64_t size, void *opaque) {
  const auto *state = static_cast<heif_state *>(opaque);
  const bool is_there = size >= 0 && static_cast<uint64_t>(size) <= state->byte_count;
  return is_there ? heif_reader_grow_status_size_reached : heif_reader_grow_status_size_beyond_eof;
}

// MARK: The header

/// Reads what libheif is not asked for, and judges what it cannot take.
image_codec_status read_presentation(heif_state *state, codec_message message) {
  heif_box meta = {};
  heif_items items = {};
  state->presentation = new heif_presentation();
  const bool is_sound =
      heif_meta_find(state->bytes, state->byte_count, meta) &&
      (meta.bytes == nullptr || heif_items_read(meta, items));
  if (!is_sound) {
    return codec_fail(
        IMAGE_CODEC_STATUS_UNSUPPORTED, message,
        "its images are made of one another in many steps, or of what is not an image; save it "
        "as one image");
  }
  if (meta.bytes == nullptr) {
    heif_box movie;
    if (heif_find_box(state->bytes, state->byte_count, "moov", movie)) {
      return codec_fail(
          IMAGE_CODEC_STATUS_UNSUPPORTED, message,
          "it is a sequence of images, as a video is, without a still image; send one frame of it "
          "as a JPEG");
    }
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no list of images");
  }
  if (heif_items_exceed_file(meta, state->byte_count)) {
    return codec_fail(
        IMAGE_CODEC_STATUS_TRUNCATED, message, "the file is shorter than what it lists");
  }
  if (!heif_presentation_read(state->bytes, meta, items, *state->presentation)) {
    return codec_fail(
        IMAGE_CODEC_STATUS_UNSUPPORTED, message,
        "its images have too many properties; save it as one image");
  }
  if (!heif_grids_are_sound(state->bytes, state->byte_count, meta, items)) {
    return codec_fail(
        IMAGE_CODEC_STATUS_CORRUPT, message, "a grid has another size than its header says");
  }
  return IMAGE_CODEC_STATUS_OK;
}

/// Reads the file with libheif, up to the handle of its primary image.
heif_error read_file(heif_state *state) {
  static const heif_reader reader = {
      1, reader_position, reader_read, reader_seek, reader_wait};
  const heif_library *library = state->library;
  state->context = library->context_alloc();
  if (state->context == nullptr) return heif_no_memory;
  library->context_set_thread_limit(state->context, 0);
  const heif_error error = library->context_read(state->context, &reader, state, nullptr);
  if (error.code != heif_error_Ok) return error;
  return library->context_primary(state->context, &state->handle);
}

image_codec_status read_header(
    heif_state *state, image_codec_header *header, codec_message message) {
  const heif_library *library = state->library;
  const image_codec_status status = read_presentation(state, message);
  if (status != IMAGE_CODEC_STATUS_OK) return status;
  const heif_error error = read_file(state);
  if (error.code != heif_error_Ok) return fail(error, message);
  const heif_presentation &presentation = *state->presentation;
  const uint32_t stored_width = presentation.stored_width;
  const uint32_t stored_height = presentation.stored_height;
  if (stored_width == 0 || stored_height == 0 || stored_width > INT32_MAX ||
      stored_height > INT32_MAX) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no pixels");
  }
  state->placement = heif_placement::whole(stored_width, stored_height);
  const char *failure = heif_presentation_place(presentation, state->placement);
  if (failure != nullptr) return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, failure);
  const int bit_count = library->handle_bit_count(state->handle);
  state->has_alpha = library->handle_has_alpha(state->handle) != 0;
  state->is_premultiplied =
      state->has_alpha && library->handle_is_premultiplied(state->handle) != 0;
  header->width = static_cast<uint32_t>(state->placement.width);
  header->height = static_cast<uint32_t>(state->placement.height);
  header->bit_depth = static_cast<uint8_t>(bit_count > 0 && bit_count <= 16 ? bit_count : 8);
  header->has_alpha = state->has_alpha;
  header->colour = IMAGE_CODEC_COLOUR_RGB;
  header->has_light_alone = presentation.is_grey;
  const uint64_t pixel_count = static_cast<uint64_t>(stored_width) * stored_height;
  header->decoding_byte_count =
      fixed_byte_count + state->byte_count +
      pixel_count * (header->bit_depth > 8 ? byte_count_per_deep_pixel : byte_count_per_pixel);
  return IMAGE_CODEC_STATUS_OK;
}

// MARK: Pixels

image_codec_status decode(heif_state *state, codec_message message) {
  const heif_library *library = state->library;
  const uint64_t stored_width = state->presentation->stored_width;
  const uint64_t stored_height = state->presentation->stored_height;
  const uint64_t allowed = (stored_width + tile_excess) * (stored_height + tile_excess);
  current_allowance = {};
  current_allowance.frame_pixel_limit = allowed;
  // Alpha is a second image.
  current_allowance.pixels_left = 2 * allowed;
  current_allowance.presentation = state->presentation;
  heif_decoding_options *options = library->options_alloc();
  if (options == nullptr) return fail(heif_no_memory, message);
  options->convert_hdr_to_8bit = 1;
  options->strict_decoding = 1;
  const heif_chroma chroma =
      state->has_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
  const heif_error error =
      library->decode(state->handle, &state->image, heif_colorspace_RGB, chroma, options);
  library->options_free(options);
  current_allowance.presentation = nullptr;
  if (error.code != heif_error_Ok) return fail(error, message);
  state->pixels =
      library->image_plane_readonly(state->image, heif_channel_interleaved, &state->stride);
  const int width = library->image_width(state->image, heif_channel_interleaved);
  const int height = library->image_height(state->image, heif_channel_interleaved);
  if (state->pixels == nullptr || width < 0 || static_cast<uint64_t>(width) != stored_width ||
      height < 0 || static_cast<uint64_t>(height) != stored_height) {
    return codec_fail(
        IMAGE_CODEC_STATUS_CORRUPT, message, "its data has another size than its header says");
  }
  state->row = static_cast<uint8_t *>(malloc(static_cast<size_t>(state->placement.width) * 4));
  return state->row == nullptr ? fail(heif_no_memory, message) : IMAGE_CODEC_STATUS_OK;
}

/// Runs a part of the work; what libheif throws ends here.
template <typename Body>
image_codec_status guarded(codec_message message, Body body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  } catch (...) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it is invalid");
  }
}

/// Calls damage truncation where the file ends before what it announces.
image_codec_status named(
    image_codec_status status, const heif_state *state, codec_message message) {
  if (status != IMAGE_CODEC_STATUS_CORRUPT) return status;
  if (!heif_file_is_cut(state->bytes, state->byte_count)) return status;
  return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "the file ends early");
}

void divide_by_alpha(uint8_t *rgba, size_t count) {
  for (size_t pixel = 0; pixel < count; pixel++, rgba += 4) {
    const uint32_t alpha = rgba[3];
    if (alpha == 0 || alpha == 255) continue;
    for (int channel = 0; channel < 3; channel++) {
      const uint32_t colour = (255 * static_cast<uint32_t>(rgba[channel]) + alpha / 2) / alpha;
      rgba[channel] = static_cast<uint8_t>(colour > 255 ? 255 : colour);
    }
  }
}

image_codec_status heif_start(
    void *opaque, uint32_t, image_codec_columns *columns, image_codec_backdrop backdrop,
    codec_message message) {
  auto *state = static_cast<heif_state *>(opaque);
  state->backdrop = backdrop;
  *columns = {0, static_cast<uint32_t>(state->placement.width)};
  const image_codec_status status = guarded(message, [&] { return decode(state, message); });
  return named(status, state, message);
}

/// Copies pixels that lie `step` bytes apart.
template <size_t byte_count>
void gather(const uint8_t *source, ptrdiff_t step, uint8_t *target, size_t count) {
  for (size_t pixel = 0; pixel < count; pixel++, source += step, target += byte_count) {
    memcpy(target, source, byte_count);
  }
}

image_codec_status heif_read_row(void *opaque, uint8_t *row, codec_message message) {
  auto *state = static_cast<heif_state *>(opaque);
  const heif_placement &placement = state->placement;
  if (state->next_row >= placement.height) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  const ptrdiff_t pixel_byte_count = state->has_alpha ? 4 : 3;
  const ptrdiff_t x = placement.first.x + state->next_row * placement.row_step.x;
  const ptrdiff_t y = placement.first.y + state->next_row * placement.row_step.y;
  const uint8_t *source = state->pixels + y * state->stride + x * pixel_byte_count;
  const ptrdiff_t step =
      placement.column_step.y * state->stride + placement.column_step.x * pixel_byte_count;
  const auto width = static_cast<size_t>(placement.width);
  if (!state->has_alpha) {
    gather<3>(source, step, row, width);
  } else {
    gather<4>(source, step, state->row, width);
    if (state->is_premultiplied) divide_by_alpha(state->row, width);
    image_codec_compose_row(state->row, row, width, state->backdrop);
  }
  state->next_row++;
  return IMAGE_CODEC_STATUS_OK;
}

image_codec_status heif_finish(void *, codec_message) { return IMAGE_CODEC_STATUS_OK; }

void heif_close(void *opaque) { close(static_cast<heif_state *>(opaque)); }

}  // namespace

image_codec_status codec_heif_open(
    const uint8_t *bytes, size_t byte_count, void **result, image_codec_header *header,
    codec_message message) {
  const heif_library *library = heif_library_shared();
  if (library == nullptr) return codec_missing(message, "libheif", "libheif1");
  auto *state = static_cast<heif_state *>(calloc(1, sizeof(heif_state)));
  if (state == nullptr) return fail(heif_no_memory, message);
  current_allowance = {};
  state->library = library;
  state->bytes = bytes;
  state->byte_count = byte_count;
  const image_codec_status status = named(
      guarded(message, [&] { return read_header(state, header, message); }), state, message);
  if (status != IMAGE_CODEC_STATUS_OK) {
    close(state);
    return status;
  }
  *result = state;
  return status;
}

extern const codec_decoder codec_heif_decoder = {
    heif_start, heif_read_row, heif_finish, heif_close, nullptr};
