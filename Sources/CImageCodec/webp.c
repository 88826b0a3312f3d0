#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

#include "codec.h"

typedef struct webp_state {
  const uint8_t *bytes;
  size_t byte_count;
  WebPBitstreamFeatures features;
  bool is_complete;
  image_codec_backdrop backdrop;
  /// The whole canvas, RGBA if `features.has_alpha`, else RGB.
  uint8_t *pixels;
  uint32_t next_row;
} webp_state;

enum {
  /// Bytes of `RIFF`, its length, and `WEBP`.
  webp_container_head_byte_count = 12,
  /// Bytes of a chunk's type and length.
  webp_chunk_head_byte_count = 8,
  /// Bytes of a frame's place, sides, duration and flags.
  webp_frame_head_byte_count = 16,
  /// Bytes of libwebp's tables for one group with the largest colour cache: 5,004 entries of four
  /// bytes, and 64 packed ones.
  webp_group_byte_count = 5004 * 4 + 600,
};

typedef struct webp_chunk {
  const uint8_t *type;
  const uint8_t *bytes;
  size_t byte_count;
} webp_chunk;

static size_t pixel_byte_count(const webp_state *state) {
  return state->features.has_alpha ? 4 : 3;
}

static image_codec_status fail(VP8StatusCode code, codec_message message) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "the image data ends early");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return codec_fail(
          IMAGE_CODEC_STATUS_UNSUPPORTED, message,
          "it uses an unsupported feature; save it as a PNG");
    default:
      return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "its bitstream is invalid");
  }
}

static void webp_close(void *opaque) {
  webp_state *state = opaque;
  free(state->pixels);
  free(state);
}

static size_t little_endian(const uint8_t *bytes, int count) {
  size_t value = 0;
  for (int index = count - 1; index >= 0; index--) value = value << 8 | bytes[index];
  return value;
}

/// Returns the length of the RIFF container, not counting its first eight bytes.
static uint64_t container_byte_count(const uint8_t *bytes) {
  return 8 + (uint64_t)little_endian(bytes + 4, 4);
}

/// Reads a chunk of the container and moves `offset` to the next one; false if there is none, or
/// not whole.
static bool next_chunk(
    const uint8_t *bytes, size_t byte_count, size_t *offset, webp_chunk *chunk) {
  if (*offset > byte_count || byte_count - *offset < webp_chunk_head_byte_count) return false;
  const uint8_t *start = bytes + *offset;
  chunk->type = start;
  chunk->bytes = start + webp_chunk_head_byte_count;
  chunk->byte_count = little_endian(start + 4, 4);
  if (chunk->byte_count > byte_count - *offset - webp_chunk_head_byte_count) return false;
  // Chunks of odd length are followed by a padding byte.
  *offset += webp_chunk_head_byte_count + chunk->byte_count + chunk->byte_count % 2;
  return true;
}

/// Finds the first chunk of a type. Chunks are skipped one by one: libwebp's demuxer would keep a
/// note of each.
static bool find_chunk(const webp_state *state, const char *type, webp_chunk *chunk) {
  const uint64_t container = container_byte_count(state->bytes);
  const size_t end = container < state->byte_count ? (size_t)container : state->byte_count;
  size_t offset = webp_container_head_byte_count;
  while (next_chunk(state->bytes, end, &offset, chunk)) {
    if (memcmp(chunk->type, type, 4) == 0) return true;
  }
  return false;
}

static uint8_t orientation_of(const webp_state *state) {
  webp_chunk chunk;
  uint8_t orientation = 0;
  if (find_chunk(state, "EXIF", &chunk))
    orientation = codec_exif_orientation(chunk.bytes, chunk.byte_count);
  if (orientation == 0 && find_chunk(state, "XMP ", &chunk))
    orientation = codec_xmp_orientation(chunk.bytes, chunk.byte_count);
  return orientation == 0 ? 1 : orientation;
}

/// Returns the bytes of tables of prefix codes. A lossless image, or lossless alpha, has at most
/// one group for each tile of 4 x 4 pixels. Their number is inside the compressed data; files of
/// encoders have a few hundred.
static uint64_t table_byte_count(const webp_state *state) {
  const bool is_lossy = state->features.format == 1 && !state->features.has_alpha;
  if (is_lossy) return 0;
  const uint64_t width = (uint64_t)state->features.width, height = (uint64_t)state->features.height;
  uint64_t count = ((width + 3) / 4) * ((height + 3) / 4);
  // Five codes of four bits each are the shortest group.
  const uint64_t written = (uint64_t)state->byte_count * 8 / 20;
  if (count > written) count = written;
  if (count > IMAGE_CODEC_WEBP_GROUP_COUNT) count = IMAGE_CODEC_WEBP_GROUP_COUNT;
  return count * webp_group_byte_count;
}

image_codec_status codec_webp_open(
    const uint8_t *bytes, size_t byte_count, void **result, image_codec_header *header,
    codec_message message) {
  if (byte_count < 12) return fail(VP8_STATUS_NOT_ENOUGH_DATA, message);
  webp_state *state = calloc(1, sizeof *state);
  if (state == NULL) return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
  state->bytes = bytes;
  state->byte_count = byte_count;
  const uint64_t container = container_byte_count(bytes);
  state->is_complete = container <= byte_count;
  const VP8StatusCode code = WebPGetFeatures(bytes, byte_count, &state->features);
  if (code != VP8_STATUS_OK) {
    const bool is_cut = !state->is_complete && code == VP8_STATUS_BITSTREAM_ERROR;
    webp_close(state);
    return fail(is_cut ? VP8_STATUS_NOT_ENOUGH_DATA : code, message);
  }
  header->width = (uint32_t)state->features.width;
  header->height = (uint32_t)state->features.height;
  header->bit_depth = 8;
  header->has_alpha = state->features.has_alpha != 0;
  header->colour = IMAGE_CODEC_COLOUR_RGB;
  if (state->is_complete) header->orientation = orientation_of(state);
  // The canvas, and as much again, which the decoder may hold for a lossless image.
  header->decoding_byte_count =
      (uint64_t)header->width * header->height * (pixel_byte_count(state) + 4) +
      table_byte_count(state);
  *result = state;
  return IMAGE_CODEC_STATUS_OK;
}

static VP8StatusCode decode(
    const uint8_t *bytes, size_t byte_count, bool has_alpha, uint8_t *target, size_t stride,
    size_t target_byte_count) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return VP8_STATUS_INVALID_PARAM;
  config.output.colorspace = has_alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = target;
  config.output.u.RGBA.stride = (int)stride;
  config.output.u.RGBA.size = target_byte_count;
  // If memory for tables runs out, libwebp blames the bitstream.
  errno = 0;
  VP8StatusCode code = WebPDecode(bytes, byte_count, &config);
  if (code != VP8_STATUS_OK && errno == ENOMEM) code = VP8_STATUS_OUT_OF_MEMORY;
  WebPFreeDecBuffer(&config.output);
  return code;
}

/// Decodes the first frame to its place on the canvas. Around it this is transparent if the file
/// has transparency, else black; what the frame itself has of it counts no more than that.
static VP8StatusCode decode_first_frame(webp_state *state, size_t stride, size_t byte_count) {
  webp_chunk frame;
  if (!find_chunk(state, "ANMF", &frame) || frame.byte_count < webp_frame_head_byte_count) {
    return VP8_STATUS_BITSTREAM_ERROR;
  }
  // Half the offsets, then the sides less one, three bytes each.
  const size_t x = 2 * little_endian(frame.bytes, 3), y = 2 * little_endian(frame.bytes + 3, 3);
  const size_t width = little_endian(frame.bytes + 6, 3) + 1;
  const size_t height = little_endian(frame.bytes + 9, 3) + 1;
  if (x + width > (size_t)state->features.width || y + height > (size_t)state->features.height) {
    return VP8_STATUS_BITSTREAM_ERROR;
  }
  const uint8_t *bytes = frame.bytes + webp_frame_head_byte_count;
  const size_t frame_byte_count = frame.byte_count - webp_frame_head_byte_count;
  WebPBitstreamFeatures features;
  const VP8StatusCode code = WebPGetFeatures(bytes, frame_byte_count, &features);
  if (code != VP8_STATUS_OK) return code;
  if ((size_t)features.width != width || (size_t)features.height != height) {
    return VP8_STATUS_BITSTREAM_ERROR;
  }
  const size_t offset = y * stride + pixel_byte_count(state) * x;
  return decode(
      bytes, frame_byte_count, state->features.has_alpha != 0, state->pixels + offset, stride,
      byte_count - offset);
}

static image_codec_status webp_start(
    void *opaque, uint32_t scale_denominator, image_codec_columns *columns,
    image_codec_backdrop backdrop, codec_message message) {
  (void)scale_denominator;
  webp_state *state = opaque;
  if (!state->is_complete) return fail(VP8_STATUS_NOT_ENOUGH_DATA, message);
  state->backdrop = backdrop;
  *columns = (image_codec_columns){0, (uint32_t)state->features.width};
  const size_t stride = (size_t)state->features.width * pixel_byte_count(state);
  const size_t byte_count = stride * (size_t)state->features.height;
  state->pixels = calloc(byte_count, 1);
  if (state->pixels == NULL) return fail(VP8_STATUS_OUT_OF_MEMORY, message);
  const VP8StatusCode code =
      state->features.has_animation
          ? decode_first_frame(state, stride, byte_count)
          : decode(
                state->bytes, state->byte_count, state->features.has_alpha != 0, state->pixels,
                stride, byte_count);
  return code == VP8_STATUS_OK ? IMAGE_CODEC_STATUS_OK : fail(code, message);
}

static image_codec_status webp_read_row(void *opaque, uint8_t *row, codec_message message) {
  webp_state *state = opaque;
  const size_t width = (size_t)state->features.width;
  if (state->next_row >= (uint32_t)state->features.height) {
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "it has no more rows");
  }
  const uint8_t *stored = state->pixels + width * pixel_byte_count(state) * state->next_row;
  if (pixel_byte_count(state) == 4) {
    image_codec_compose_row(stored, row, width, state->backdrop);
  } else {
    memcpy(row, stored, width * 3);
  }
  state->next_row++;
  return IMAGE_CODEC_STATUS_OK;
}

static image_codec_status webp_finish(void *opaque, codec_message message) {
  (void)opaque;
  (void)message;
  return IMAGE_CODEC_STATUS_OK;
}

const codec_decoder codec_webp_decoder = {webp_start, webp_read_row, webp_finish, webp_close, NULL};

uint32_t image_codec_version_webp(void) { return (uint32_t)WebPGetDecoderVersion(); }
