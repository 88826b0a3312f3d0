#include <cstdio>
#include <mutex>

#include "heif.h"

#define TEXT_OF_(value) #value
#define TEXT_OF(value) TEXT_OF_(value)

static heif_library heif;
static de265_library de265;
static dav1d_library dav1d;
static bool has_heif, has_de265, has_dav1d;
static std::once_flag once;

template <size_t count>
static bool load_one(const char *file, const codec_symbol (&symbols)[count]) {
  return codec_library_load(file, symbols, count);
}

#define SYMBOL(table, field, name) {#name, reinterpret_cast<void **>(&table.field)}

static bool load_heif() {
  const codec_symbol symbols[] = {
      SYMBOL(heif, init, heif_init),
      SYMBOL(heif, version, heif_get_version),
      SYMBOL(heif, register_decoder, heif_register_decoder_plugin),
      SYMBOL(heif, context_alloc, heif_context_alloc),
      SYMBOL(heif, context_free, heif_context_free),
      SYMBOL(heif, context_set_thread_limit, heif_context_set_max_decoding_threads),
      SYMBOL(heif, context_read, heif_context_read_from_reader),
      SYMBOL(heif, context_primary, heif_context_get_primary_image_handle),
      SYMBOL(heif, handle_release, heif_image_handle_release),
      SYMBOL(heif, handle_has_alpha, heif_image_handle_has_alpha_channel),
      SYMBOL(heif, handle_is_premultiplied, heif_image_handle_is_premultiplied_alpha),
      SYMBOL(heif, handle_bit_count, heif_image_handle_get_luma_bits_per_pixel),
      SYMBOL(heif, options_alloc, heif_decoding_options_alloc),
      SYMBOL(heif, options_free, heif_decoding_options_free),
      SYMBOL(heif, decode, heif_decode_image),
      SYMBOL(heif, image_create, heif_image_create),
      SYMBOL(heif, image_release, heif_image_release),
      SYMBOL(heif, image_add_plane, heif_image_add_plane),
      SYMBOL(heif, image_plane, heif_image_get_plane),
      SYMBOL(heif, image_plane_readonly, heif_image_get_plane_readonly),
      SYMBOL(heif, image_width, heif_image_get_width),
      SYMBOL(heif, image_height, heif_image_get_height),
  };
  return load_one("libheif.so.1", symbols);
}

static bool load_de265() {
  const codec_symbol symbols[] = {
      SYMBOL(de265, version, de265_get_version),
      SYMBOL(de265, init, de265_init),
      SYMBOL(de265, decoder_new, de265_new_decoder),
      SYMBOL(de265, decoder_free, de265_free_decoder),
      SYMBOL(de265, set_allocation, de265_set_image_allocation_functions),
      SYMBOL(de265, default_allocation, de265_get_default_image_allocation_functions),
      SYMBOL(de265, push, de265_push_NAL),
      SYMBOL(de265, flush, de265_flush_data),
      SYMBOL(de265, decode, de265_decode),
      SYMBOL(de265, warning, de265_get_warning),
      SYMBOL(de265, next_picture, de265_get_next_picture),
      SYMBOL(de265, release_picture, de265_release_next_picture),
      SYMBOL(de265, chroma_format, de265_get_chroma_format),
      SYMBOL(de265, width, de265_get_image_width),
      SYMBOL(de265, height, de265_get_image_height),
      SYMBOL(de265, bit_count, de265_get_bits_per_pixel),
      SYMBOL(de265, plane, de265_get_image_plane),
      SYMBOL(de265, primaries, de265_get_image_colour_primaries),
      SYMBOL(de265, matrix, de265_get_image_matrix_coefficients),
      SYMBOL(de265, is_full_range, de265_get_image_full_range_flag),
  };
  return load_one("libde265.so.0", symbols);
}

static bool load_dav1d() {
  const codec_symbol symbols[] = {
      SYMBOL(dav1d, version, dav1d_version),
      SYMBOL(dav1d, default_settings, dav1d_default_settings),
      SYMBOL(dav1d, open, dav1d_open),
      SYMBOL(dav1d, close, dav1d_close),
      SYMBOL(dav1d, data_create, dav1d_data_create),
      SYMBOL(dav1d, data_unref, dav1d_data_unref),
      SYMBOL(dav1d, send, dav1d_send_data),
      SYMBOL(dav1d, get, dav1d_get_picture),
      SYMBOL(dav1d, picture_unref, dav1d_picture_unref),
  };
  // The structures that are passed belong to this number.
  return load_one("libdav1d.so." TEXT_OF(DAV1D_API_VERSION_MAJOR), symbols);
}

static void load() {
  has_heif = load_heif();
  if (!has_heif) return;
  has_de265 = load_de265();
  has_dav1d = load_dav1d();
  if (has_de265) de265.init();
  // Its own decoders start threads, which a decoding process may not. They stay registered and
  // would be chosen if ours were not there, so ours always are. A folder of plugins that does not
  // exist is an error here, and none that matters.
  heif.init(nullptr);
  heif.register_decoder(&heif_hevc_decoder);
  heif.register_decoder(&heif_av1_decoder);
}

const heif_library *heif_library_shared() {
  std::call_once(once, load);
  return has_heif ? &heif : nullptr;
}

const de265_library *de265_library_shared() {
  std::call_once(once, load);
  return has_de265 ? &de265 : nullptr;
}

const dav1d_library *dav1d_library_shared() {
  std::call_once(once, load);
  return has_dav1d ? &dav1d : nullptr;
}

static bool write_version(const char *version, char *text, size_t byte_count) {
  snprintf(text, byte_count, "%s", version);
  return true;
}

bool image_codec_version_heif(char *text, size_t byte_count) {
  const heif_library *library = heif_library_shared();
  return library != nullptr && write_version(library->version(), text, byte_count);
}

bool image_codec_version_de265(char *text, size_t byte_count) {
  const de265_library *library = de265_library_shared();
  return library != nullptr && write_version(library->version(), text, byte_count);
}

bool image_codec_version_dav1d(char *text, size_t byte_count) {
  const dav1d_library *library = dav1d_library_shared();
  return library != nullptr && write_version(library->version(), text, byte_count);
}
