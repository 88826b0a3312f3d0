#pragma once

#include <dav1d/dav1d.h>
#include <libde265/de265.h>
#include <libheif/heif.h>
#include <libheif/heif_plugin.h>

#include "../codec.h"
#include "heif_presentation.h"

// C++, for libheif and libde265 may throw when memory runs out.

/// Functions of libheif.
struct heif_library {
  decltype(&heif_init) init;
  decltype(&heif_get_version) version;
  decltype(&heif_register_decoder_plugin) register_decoder;
  decltype(&heif_context_alloc) context_alloc;
  decltype(&heif_context_free) context_free;
  decltype(&heif_context_set_max_decoding_threads) context_set_thread_limit;
  decltype(&heif_context_read_from_reader) context_read;
  decltype(&heif_context_get_primary_image_handle) context_primary;
  decltype(&heif_image_handle_release) handle_release;
  decltype(&heif_image_handle_has_alpha_channel) handle_has_alpha;
  decltype(&heif_image_handle_is_premultiplied_alpha) handle_is_premultiplied;
  decltype(&heif_image_handle_get_luma_bits_per_pixel) handle_bit_count;
  decltype(&heif_decoding_options_alloc) options_alloc;
  decltype(&heif_decoding_options_free) options_free;
  decltype(&heif_decode_image) decode;
  decltype(&heif_image_create) image_create;
  decltype(&heif_image_release) image_release;
  decltype(&heif_image_add_plane) image_add_plane;
  decltype(&heif_image_get_plane) image_plane;
  decltype(&heif_image_get_plane_readonly) image_plane_readonly;
  decltype(&heif_image_get_width) image_width;
  decltype(&heif_image_get_height) image_height;
};

/// Functions of libde265, which decodes HEVC.
struct de265_library {
  decltype(&de265_get_version) version;
  decltype(&de265_init) init;
  decltype(&de265_new_decoder) decoder_new;
  decltype(&de265_free_decoder) decoder_free;
  decltype(&de265_set_image_allocation_functions) set_allocation;
  decltype(&de265_get_default_image_allocation_functions) default_allocation;
  decltype(&de265_push_NAL) push;
  decltype(&de265_flush_data) flush;
  decltype(&de265_decode) decode;
  decltype(&de265_get_warning) warning;
  decltype(&de265_get_next_picture) next_picture;
  decltype(&de265_release_next_picture) release_picture;
  decltype(&de265_get_chroma_format) chroma_format;
  decltype(&de265_get_image_width) width;
  decltype(&de265_get_image_height) height;
  decltype(&de265_get_bits_per_pixel) bit_count;
  decltype(&de265_get_image_plane) plane;
  decltype(&de265_get_image_colour_primaries) primaries;
  decltype(&de265_get_image_matrix_coefficients) matrix;
  decltype(&de265_get_image_full_range_flag) is_full_range;
};

/// Functions of libdav1d, which decodes AV1.
struct dav1d_library {
  decltype(&dav1d_version) version;
  decltype(&dav1d_default_settings) default_settings;
  decltype(&dav1d_open) open;
  decltype(&dav1d_close) close;
  decltype(&dav1d_data_create) data_create;
  decltype(&dav1d_data_unref) data_unref;
  decltype(&dav1d_send_data) send;
  decltype(&dav1d_get_picture) get;
  decltype(&dav1d_picture_unref) picture_unref;
};

/// The libraries; null for one that is not installed. The first call opens them.
const heif_library *heif_library_shared();
const de265_library *de265_library_shared();
const dav1d_library *dav1d_library_shared();

extern const heif_decoder_plugin heif_hevc_decoder;
extern const heif_decoder_plugin heif_av1_decoder;

/// Limits of one call of `heif_decode_image`, and why it went no further. They belong to a thread:
/// libheif tells its decoders nothing of the image that they decode a part of.
struct heif_allowance {
  uint64_t frame_pixel_limit;
  uint64_t pixels_left;
  /// Presentation of the image, and the number of the frame of it that is decoded next.
  const heif_presentation *presentation;
  size_t frame;
  /// Library that is missing, and its package.
  const char *missing_library;
  const char *missing_package;
  /// What about the colours is not supported.
  const char *refusal;
  bool is_exceeded;

  /// Takes the pixels of a frame; false if that is too many.
  bool take(uint64_t width, uint64_t height);
};

extern thread_local heif_allowance current_allowance;

/// Plane of a decoded frame.
struct heif_frame_plane {
  const uint8_t *bytes;
  ptrdiff_t stride;
  int width;
  int height;
};

/// A decoded frame: light and two planes of chroma, or light alone.
struct heif_frame {
  int width;
  int height;
  heif_chroma chroma;
  int bit_count;
  heif_frame_plane planes[3];
  heif_colours colours;
  /// Whether alpha goes from 0 to the largest number.
  bool has_full_alpha;
};

/// Converts a frame to an image of libheif, of red, green and blue. `is_alpha` takes the light
/// alone.
heif_error heif_frame_convert(
    const heif_frame &frame, const heif_colours &colours, bool is_alpha, heif_image **image);

constexpr heif_error heif_success = {heif_error_Ok, heif_suberror_Unspecified, "success"};
constexpr heif_error heif_damaged = {
    heif_error_Decoder_plugin_error, heif_suberror_Unspecified, "its image data is damaged"};
constexpr heif_error heif_no_memory = {
    heif_error_Memory_allocation_error, heif_suberror_Unspecified, "out of memory"};
