#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "codec.h"

typedef struct webp_state {
  const uint8_t *bytes;
  size_t byte_count;
  WebPBitstreamFeatures features;
  bool is_complete;
  image_codec_backdrop backdrop;
  /// The whole canvas, RGBA if `features.has_alpha` or the picture is animated, else RGB.
  uint8_t *pixels;
  uint32_t next_row;
} webp_state;

static size_t pixel_byte_count(const webp_state *state) {
  return state->features.has_alpha || state->features.has_animation ? 4 : 3;
}

static image_codec_status fail(VP8StatusCode code, codec_message message) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, message, "out of memory");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED:
      return codec_fail(IMAGE_CODEC_STATUS_TRUNCATED, message, "the picture data ends early");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, message, "unsupported feature");
    default:
      return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "bad bitstream");
  }
}

static void webp_close(void *opaque) {
  webp_state *state = opaque;
  free(state->pixels);
  free(state);
}

/// Little-endian length of the RIFF container after its first eight bytes.
static uint64_t container_byte_count(const uint8_t *bytes) {
  return 8 + ((uint64_t)bytes[4] | (uint64_t)bytes[5] << 8 | (uint64_t)bytes[6] << 16 |
              (uint64_t)bytes[7] << 24);
}

static uint8_t orientation_of(const webp_state *state) {
  const WebPData data = {state->bytes, state->byte_count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (demuxer == NULL) return 1;
  uint8_t orientation = 1;
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
    orientation = codec_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  WebPDemuxDelete(demuxer);
  return orientation;
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
    webp_close(state);
    return fail(code, message);
  }
  header->width = (uint32_t)state->features.width;
  header->height = (uint32_t)state->features.height;
  header->bit_depth = 8;
  header->has_alpha = state->features.has_alpha != 0;
  header->colour = IMAGE_CODEC_COLOUR_RGB;
  if (state->is_complete) header->orientation = orientation_of(state);
  // The canvas, and as much again that the decoder may hold of a lossless picture.
  header->decoding_byte_count =
      (uint64_t)header->width * header->height * (pixel_byte_count(state) + 4);
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
  const VP8StatusCode code = WebPDecode(bytes, byte_count, &config);
  WebPFreeDecBuffer(&config.output);
  return code;
}

/// The first frame at its place on the canvas, which is transparent around it.
static VP8StatusCode decode_first_frame(webp_state *state, size_t stride, size_t byte_count) {
  const WebPData data = {state->bytes, state->byte_count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (demuxer == NULL) return VP8_STATUS_BITSTREAM_ERROR;
  VP8StatusCode code = VP8_STATUS_BITSTREAM_ERROR;
  WebPIterator frame;
  if (WebPDemuxGetFrame(demuxer, 1, &frame)) {
    const size_t x = (size_t)frame.x_offset, y = (size_t)frame.y_offset;
    const bool fits = frame.x_offset >= 0 && frame.y_offset >= 0 && frame.width > 0 &&
                      frame.height > 0 &&
                      x + (size_t)frame.width <= (size_t)state->features.width &&
                      y + (size_t)frame.height <= (size_t)state->features.height;
    const size_t offset = y * stride + 4 * x;
    if (fits) {
      code = decode(
          frame.fragment.bytes, frame.fragment.size, true, state->pixels + offset, stride,
          byte_count - offset);
    }
    WebPDemuxReleaseIterator(&frame);
  }
  WebPDemuxDelete(demuxer);
  return code;
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
    return codec_fail(IMAGE_CODEC_STATUS_CORRUPT, message, "no more rows");
  }
  const uint8_t *stored = state->pixels + width * pixel_byte_count(state) * state->next_row;
  if (pixel_byte_count(state) == 4) {
    codec_compose_row(stored, row, width, state->backdrop);
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

const codec_decoder codec_webp_decoder = {webp_start, webp_read_row, webp_finish, webp_close};

uint32_t image_codec_version_webp(void) { return (uint32_t)WebPGetDecoderVersion(); }
