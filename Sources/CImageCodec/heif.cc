#include "heif.h"

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
  uint32_t width;
  uint32_t height;
  /// Pixels as stored, of which a part may be cut out.
  uint64_t stored_width;
  uint64_t stored_height;
  bool has_alpha;
  bool is_premultiplied;
  const uint8_t *pixels;
  int stride;
  uint8_t *row;
  image_codec_backdrop backdrop;
  uint32_t next_row;
};

// MARK: The header

image_codec_status fail(const heif_error &error, codec_message message) {
  const heif_allowance &allowance = current_allowance;
  if (allowance.missing_library != nullptr) {
    return codec_missing(message, allowance.missing_library, allowance.missing_package);
  }
  if (allowance.is_exceeded) {
    return codec_fail(
        IMAGE_CODEC_STATUS_CORRUPT, message, "its data has more pixels than its header says");
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
  return codec_fail(status, message, error.message == nullptr ? "it is invalid" : error.message);
}

void close(heif_state *state) {
  const heif_library *library = state->library;
  if (state->image != nullptr) library->image_release(state->image);
  if (state->handle != nullptr) library->handle_release(state->handle);
  if (state->context != nullptr) library->context_free(state->context);
  free(state->row);
  free(state);
}

image_codec_status read_header(
    heif_state *state, image_codec_header *header, codec_message message) {
  const heif_library *library = state->library;
  if (!heif_references_are_sound(state->bytes, state->byte_count)) {
    return codec_fail(
        IMAGE_CODEC_STATUS_UNSUPPORTED, message,
        "its images are made of one another in many steps, or of what is not an image");
  }
  state->context = library->context_alloc();
  if (state->context == nullptr) return fail(heif_no_memory, message);
  library->context_set_thread_limit(state->context, 0);
  heif_error error =
      library->context_read(state->context, state->bytes, state->byte_count, nullptr);
  if (error.code == heif_error_Ok) {
    error = library->context_primary(state->context, &state->handle);
  }
  if (error.code != heif_error_Ok) return fail(error, message);
  const int width = library->handle_width(state->handle);
  const int height = library->handle_height(state->handle);
  const int stored_width = library->handle_stored_width(state->handle);
  const int stored_height = library->handle_stored_height(state->handle);
  if (width <= 0 || height <= 0 || stored_width <= 0 || stored_height <= 0) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no pixels");
  }
  const int bit_count = library->handle_bit_count(state->handle);
  state->width = static_cast<uint32_t>(width);
  state->height = static_cast<uint32_t>(height);
  state->stored_width = static_cast<uint64_t>(stored_width);
  state->stored_height = static_cast<uint64_t>(stored_height);
  state->has_alpha = library->handle_has_alpha(state->handle) != 0;
  state->is_premultiplied =
      state->has_alpha && library->handle_is_premultiplied(state->handle) != 0;
  header->width = state->width;
  header->height = state->height;
  header->bit_depth = static_cast<uint8_t>(bit_count > 0 && bit_count <= 16 ? bit_count : 8);
  header->has_alpha = state->has_alpha;
  header->colour = IMAGE_CODEC_COLOUR_RGB;
  const uint64_t pixel_count = state->stored_width * state->stored_height;
  header->decoding_byte_count =
      fixed_byte_count + state->byte_count +
      pixel_count * (header->bit_depth > 8 ? byte_count_per_deep_pixel : byte_count_per_pixel);
  return IMAGE_CODEC_STATUS_OK;
}

// MARK: Pixels

image_codec_status decode(heif_state *state, codec_message message) {
  const heif_library *library = state->library;
  const uint64_t allowed =
      (state->stored_width + tile_excess) * (state->stored_height + tile_excess);
  // Alpha is a second image.
  current_allowance = {allowed, 2 * allowed, nullptr, nullptr, false};
  heif_decoding_options *options = library->options_alloc();
  if (options == nullptr) return fail(heif_no_memory, message);
  options->convert_hdr_to_8bit = 1;
  options->strict_decoding = 1;
  const heif_chroma chroma =
      state->has_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB;
  const heif_error error =
      library->decode(state->handle, &state->image, heif_colorspace_RGB, chroma, options);
  library->options_free(options);
  if (error.code != heif_error_Ok) return fail(error, message);
  state->pixels =
      library->image_plane_readonly(state->image, heif_channel_interleaved, &state->stride);
  const int width = library->image_width(state->image, heif_channel_interleaved);
  const int height = library->image_height(state->image, heif_channel_interleaved);
  if (state->pixels == nullptr || static_cast<uint32_t>(width) != state->width ||
      static_cast<uint32_t>(height) != state->height) {
    return codec_fail(
        IMAGE_CODEC_STATUS_CORRUPT, message, "its data has another size than its header says");
  }
  state->row = static_cast<uint8_t *>(malloc(static_cast<size_t>(state->width) * 4));
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
  *columns = {0, state->width};
  return guarded(message, [&] { return decode(state, message); });
}

image_codec_status heif_read_row(void *opaque, uint8_t *row, codec_message message) {
  auto *state = static_cast<heif_state *>(opaque);
  if (state->next_row >= state->height) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  const uint8_t *stored =
      state->pixels + static_cast<ptrdiff_t>(state->next_row) * state->stride;
  const size_t width = state->width;
  if (!state->has_alpha) {
    memcpy(row, stored, width * 3);
  } else {
    memcpy(state->row, stored, width * 4);
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
  const image_codec_status status =
      guarded(message, [&] { return read_header(state, header, message); });
  if (status != IMAGE_CODEC_STATUS_OK) {
    close(state);
    return status;
  }
  *result = state;
  return status;
}

extern const codec_decoder codec_heif_decoder = {
    heif_start, heif_read_row, heif_finish, heif_close, nullptr};
