#include <cstring>
#include <memory>

#include "heif.h"

// Decoders of HEVC and AV1 for libheif in place of its own: without threads, with limits, and
// strict about damage.

thread_local heif_allowance current_allowance;

bool heif_allowance::take(uint64_t width, uint64_t height) {
  // Both are at most 2^32.
  const bool fits = width > 0 && height > 0 && height <= frame_pixel_limit / width &&
                    width * height <= pixels_left;
  if (fits) pixels_left -= width * height;
  if (!fits) is_exceeded = true;
  return fits;
}

static heif_error missing(const char *library, const char *package) {
  current_allowance.missing_library = library;
  current_allowance.missing_package = package;
  return {heif_error_Unsupported_feature, heif_suberror_Unsupported_codec, "no decoder"};
}

/// Converts a frame by the colours of the file, or by its own.
static heif_error take_frame(const heif_frame &frame, heif_image **image) {
  heif_allowance &allowance = current_allowance;
  const heif_presentation *presentation = allowance.presentation;
  const size_t number = allowance.frame++;
  if (presentation == nullptr) return heif_frame_convert(frame, frame.colours, false, image);
  const auto &alphas = presentation->alpha_frames;
  if (number < alphas.size() && alphas[number]) {
    heif_colours colours = frame.colours;
    colours.is_full_range = frame.has_full_alpha;
    return heif_frame_convert(frame, colours, true, image);
  }
  return heif_frame_convert(
      frame, presentation->has_colours ? presentation->colours : frame.colours, false, image);
}

// MARK: HEVC

static int take_buffer(
    de265_decoder_context *context, de265_image_spec *spec, de265_image *image, void *) {
  const auto *allocation = de265_library_shared()->default_allocation();
  const auto width = static_cast<uint64_t>(spec->width);
  const auto height = static_cast<uint64_t>(spec->height);
  if (spec->width <= 0 || spec->height <= 0 || !current_allowance.take(width, height)) return 0;
  return allocation->get_buffer(context, spec, image, nullptr);
}

static void release_buffer(de265_decoder_context *context, de265_image *image, void *) {
  de265_library_shared()->default_allocation()->release_buffer(context, image, nullptr);
}

static heif_error hevc_error(de265_error error) {
  return error == DE265_ERROR_OUT_OF_MEMORY ? heif_no_memory : heif_damaged;
}

static heif_error hevc_new(void **decoder) {
  const de265_library *de265 = de265_library_shared();
  if (de265 == nullptr) return missing("libde265", "libde265-0");
  de265_decoder_context *context = de265->decoder_new();
  if (context == nullptr) return heif_no_memory;
  de265_image_allocation allocation = {take_buffer, release_buffer};
  de265->set_allocation(context, &allocation, nullptr);
  *decoder = context;
  return heif_success;
}

static void hevc_free(void *decoder) { de265_library_shared()->decoder_free(decoder); }

/// Passes on units that each follow their length, in four bytes.
static heif_error hevc_push(void *decoder, const void *data, size_t byte_count) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  for (size_t offset = 0; offset < byte_count;) {
    if (byte_count - offset < 4) return heif_damaged;
    size_t length = 0;
    for (int index = 0; index < 4; index++) length = length << 8 | bytes[offset + index];
    offset += 4;
    if (length > byte_count - offset) return heif_damaged;
    const de265_error error = de265_library_shared()->push(
        decoder, bytes + offset, static_cast<int>(length), 0, nullptr);
    if (error != DE265_OK) return hevc_error(error);
    offset += length;
  }
  return heif_success;
}

static heif_error hevc_copy(const de265_image *picture, heif_image **image) {
  const de265_library *de265 = de265_library_shared();
  heif_frame frame = {};
  frame.width = de265->width(picture, 0);
  frame.height = de265->height(picture, 0);
  frame.chroma = static_cast<heif_chroma>(de265->chroma_format(picture));
  frame.bit_count = de265->bit_count(picture, 0);
  const int count = frame.chroma == heif_chroma_monochrome ? 1 : 3;
  for (int index = 0; index < count; index++) {
    if (de265->bit_count(picture, index) != frame.bit_count) return heif_damaged;
    int stride = 0;
    const uint8_t *bytes = de265->plane(picture, index, &stride);
    frame.planes[index] = {bytes, stride, de265->width(picture, index),
                           de265->height(picture, index)};
  }
  frame.colours = {static_cast<uint16_t>(de265->primaries(picture)),
                   static_cast<uint16_t>(de265->matrix(picture)),
                   de265->is_full_range(picture) != 0};
  // Encoders leave the range of alpha unsaid, and mean all numbers.
  frame.has_full_alpha = true;
  return take_frame(frame, image);
}

static heif_error hevc_decode(void *decoder, heif_image **image) {
  const de265_library *de265 = de265_library_shared();
  *image = nullptr;
  de265->flush(decoder);
  for (int more = 1; more != 0;) {
    more = 0;
    const de265_error error = de265->decode(decoder, &more);
    if (error != DE265_OK) return hevc_error(error);
    // It makes up what is missing, and only warns.
    if (de265->warning(decoder) != DE265_OK) return heif_damaged;
    const de265_image *picture = de265->next_picture(decoder);
    if (picture == nullptr) continue;
    const heif_error copied = hevc_copy(picture, image);
    de265->release_picture(decoder);
    return copied;
  }
  return heif_damaged;
}

// MARK: AV1

namespace {
struct av1_decoder {
  Dav1dContext *context;
  Dav1dData data;
};
}  // namespace

static heif_error av1_new(void **decoder) {
  const dav1d_library *dav1d = dav1d_library_shared();
  if (dav1d == nullptr) return missing("libdav1d", "libdav1d6");
  std::unique_ptr<av1_decoder> made(new av1_decoder());
  Dav1dSettings settings;
  dav1d->default_settings(&settings);
  settings.n_threads = 1;
  settings.max_frame_delay = 1;
  settings.all_layers = 0;
  const uint64_t limit = current_allowance.frame_pixel_limit;
  settings.frame_size_limit = limit < UINT32_MAX ? static_cast<unsigned>(limit) : UINT32_MAX;
  settings.logger.callback = nullptr;
  if (dav1d->open(&made->context, &settings) != 0) return heif_no_memory;
  *decoder = made.release();
  return heif_success;
}

static void av1_free(void *opaque) {
  const dav1d_library *dav1d = dav1d_library_shared();
  auto *decoder = static_cast<av1_decoder *>(opaque);
  if (decoder->data.sz > 0) dav1d->data_unref(&decoder->data);
  dav1d->close(&decoder->context);
  delete decoder;
}

static heif_error av1_push(void *opaque, const void *bytes, size_t byte_count) {
  auto *decoder = static_cast<av1_decoder *>(opaque);
  if (byte_count == 0 || decoder->data.sz > 0) return heif_damaged;
  uint8_t *target = dav1d_library_shared()->data_create(&decoder->data, byte_count);
  if (target == nullptr) return heif_no_memory;
  memcpy(target, bytes, byte_count);
  return heif_success;
}

static heif_error av1_copy(const Dav1dPicture &picture, heif_image **image) {
  static const heif_chroma chromas[] = {
      heif_chroma_monochrome, heif_chroma_420, heif_chroma_422, heif_chroma_444};
  heif_frame frame = {};
  frame.width = picture.p.w;
  frame.height = picture.p.h;
  frame.chroma = chromas[picture.p.layout];
  frame.bit_count = picture.p.bpc;
  for (int index = 0; index < 3; index++) {
    const bool is_narrow = index > 0 && frame.chroma != heif_chroma_444;
    const bool is_low = index > 0 && frame.chroma == heif_chroma_420;
    frame.planes[index] = {
        static_cast<const uint8_t *>(picture.data[index]), picture.stride[index > 0 ? 1 : 0],
        is_narrow ? (frame.width + 1) / 2 : frame.width,
        is_low ? (frame.height + 1) / 2 : frame.height};
  }
  frame.colours = {static_cast<uint16_t>(picture.seq_hdr->pri),
                   static_cast<uint16_t>(picture.seq_hdr->mtrx),
                   picture.seq_hdr->color_range != 0};
  frame.has_full_alpha = frame.colours.is_full_range;
  return take_frame(frame, image);
}

static heif_error av1_error(int code) {
  return code == DAV1D_ERR(ENOMEM) ? heif_no_memory : heif_damaged;
}

/// Decodes up to the first picture; 0 if there is one.
static int av1_next(av1_decoder *decoder, Dav1dPicture *picture) {
  const dav1d_library *dav1d = dav1d_library_shared();
  while (decoder->data.sz > 0) {
    const size_t before = decoder->data.sz;
    const int sent = dav1d->send(decoder->context, &decoder->data);
    if (sent < 0 && sent != DAV1D_ERR(EAGAIN)) return sent;
    const int got = dav1d->get(decoder->context, picture);
    if (got != DAV1D_ERR(EAGAIN)) return got;
    if (decoder->data.sz == before) return DAV1D_ERR(EINVAL);
  }
  return dav1d->get(decoder->context, picture);
}

static heif_error av1_decode(void *opaque, heif_image **image) {
  *image = nullptr;
  Dav1dPicture picture = {};
  const int code = av1_next(static_cast<av1_decoder *>(opaque), &picture);
  if (code != 0) {
    // The size is the one thing that it calls out of range.
    if (code == DAV1D_ERR(ERANGE)) current_allowance.is_exceeded = true;
    return av1_error(code);
  }
  const bool fits = current_allowance.take(
      static_cast<uint64_t>(picture.p.w), static_cast<uint64_t>(picture.p.h));
  const heif_error error = fits ? av1_copy(picture, image) : heif_damaged;
  dav1d_library_shared()->picture_unref(&picture);
  return error;
}

// MARK: What libheif is given

enum { own_priority = 1000 };

static const char *hevc_name() { return "HEVC for resnetd"; }
static const char *av1_name() { return "AV1 for resnetd"; }
static void do_nothing() {}
static void ignore_strictness(void *, int) {}

static int hevc_priority(heif_compression_format format) {
  return format == heif_compression_HEVC ? own_priority : 0;
}

static int av1_priority(heif_compression_format format) {
  return format == heif_compression_AV1 ? own_priority : 0;
}

const heif_decoder_plugin heif_hevc_decoder = {
    3,         hevc_name, do_nothing, do_nothing,  hevc_priority,     hevc_new,
    hevc_free, hevc_push, hevc_decode, ignore_strictness, "resnetd-hevc",
};

const heif_decoder_plugin heif_av1_decoder = {
    3,        av1_name, do_nothing, do_nothing, av1_priority,      av1_new,
    av1_free, av1_push, av1_decode, ignore_strictness, "resnetd-av1",
};
