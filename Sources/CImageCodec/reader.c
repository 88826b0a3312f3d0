#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"

struct image_codec_reader {
  const codec_decoder *decoder;
  bool is_scalable;
  void *state;
};

image_codec_status codec_fail(
    image_codec_status status, codec_message message, const char *reason) {
  if (message.byte_count == 0) return status;
  size_t length = strlen(reason);
  if (length >= message.byte_count) length = message.byte_count - 1;
  memcpy(message.characters, reason, length);
  message.characters[length] = 0;
  return status;
}

image_codec_status codec_missing(
    codec_message message, const char *library, const char *package) {
  char reason[IMAGE_CODEC_MESSAGE_BYTE_COUNT];
  snprintf(
      reason, sizeof reason,
      "%s is not installed where the server runs; install Debian's package %s and restart it, or "
      "send a JPEG", library, package);
  return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, message, reason);
}

void image_codec_compose_row(
    const uint8_t *rgba, uint8_t *rgb, size_t count, image_codec_backdrop backdrop) {
  const uint32_t backdrop_rgb[3] = {backdrop.red, backdrop.green, backdrop.blue};
  for (size_t pixel = 0; pixel < count; pixel++) {
    const uint32_t alpha = backdrop.composes ? rgba[4 * pixel + 3] : 255;
    // Most pixels of most images; the sum below would be the same.
    if (alpha == 255) {
      for (size_t channel = 0; channel < 3; channel++) {
        rgb[3 * pixel + channel] = rgba[4 * pixel + channel];
      }
      continue;
    }
    for (size_t channel = 0; channel < 3; channel++) {
      // (t + (t >> 8)) >> 8 with t = x + 128 is x / 255 rounded to nearest, for x up to 255 * 255.
      const uint32_t sum =
          rgba[4 * pixel + channel] * alpha + backdrop_rgb[channel] * (255 - alpha) + 128;
      rgb[3 * pixel + channel] = (uint8_t)((sum + (sum >> 8)) >> 8);
    }
  }
}

image_codec_status image_codec_reader_open(
    image_codec_format format, const uint8_t *bytes, size_t byte_count, image_codec_reader **reader,
    image_codec_header *header, char *message, size_t message_byte_count) {
  static const struct {
    codec_open *open;
    const codec_decoder *decoder;
  } formats[] = {
      [IMAGE_CODEC_FORMAT_JPEG] = {codec_jpeg_open, &codec_jpeg_decoder},
      [IMAGE_CODEC_FORMAT_PNG] = {codec_png_open, &codec_png_decoder},
      [IMAGE_CODEC_FORMAT_WEBP] = {codec_webp_open, &codec_webp_decoder},
      [IMAGE_CODEC_FORMAT_GIF] = {codec_gif_open, &codec_gif_decoder},
      [IMAGE_CODEC_FORMAT_TIFF] = {codec_tiff_open, &codec_tiff_decoder},
      [IMAGE_CODEC_FORMAT_HEIF] = {codec_heif_open, &codec_heif_decoder},
  };
  const codec_message answer = {message, message_byte_count};
  *reader = NULL;
  memset(header, 0, sizeof *header);
  header->orientation = 1;
  header->alpha_band = -1;
  if ((unsigned)format >= sizeof formats / sizeof formats[0]) {
    return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, answer, "unknown format");
  }
  image_codec_reader *made = calloc(1, sizeof *made);
  if (made == NULL) return codec_fail(IMAGE_CODEC_STATUS_OUT_OF_MEMORY, answer, "out of memory");
  made->decoder = formats[format].decoder;
  const image_codec_status status =
      formats[format].open(bytes, byte_count, &made->state, header, answer);
  if (status != IMAGE_CODEC_STATUS_OK) {
    free(made);
    return status;
  }
  made->is_scalable = header->is_scalable;
  *reader = made;
  return status;
}

image_codec_status image_codec_reader_start(
    image_codec_reader *reader, uint32_t scale_denominator, image_codec_columns *columns,
    image_codec_backdrop backdrop, char *message, size_t message_byte_count) {
  const codec_message answer = {message, message_byte_count};
  const bool is_scale = scale_denominator == 1 || scale_denominator == 2 ||
                        scale_denominator == 4 || scale_denominator == 8;
  if (!is_scale || (scale_denominator > 1 && !reader->is_scalable)) {
    return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, answer, "unknown scale");
  }
  return reader->decoder->start(reader->state, scale_denominator, columns, backdrop, answer);
}

image_codec_status image_codec_reader_read_row(
    image_codec_reader *reader, uint8_t *row, char *message, size_t message_byte_count) {
  return reader->decoder->read_row(
      reader->state, row, (codec_message){message, message_byte_count});
}

image_codec_status image_codec_reader_read_samples(
    image_codec_reader *reader, int skipped, uint8_t *row, char *message,
    size_t message_byte_count) {
  const codec_message answer = {message, message_byte_count};
  if (reader->decoder->read_samples == NULL) {
    return codec_fail(IMAGE_CODEC_STATUS_UNSUPPORTED, answer, "it has no bands");
  }
  return reader->decoder->read_samples(reader->state, skipped, row, answer);
}

image_codec_status image_codec_reader_finish(
    image_codec_reader *reader, char *message, size_t message_byte_count) {
  return reader->decoder->finish(reader->state, (codec_message){message, message_byte_count});
}

void image_codec_reader_choose_huffman(image_codec_reader *reader, image_codec_huffman choice) {
  if (reader->decoder == &codec_jpeg_decoder) codec_jpeg_choose_huffman(reader->state, choice);
}

bool image_codec_reader_has_own_huffman(const image_codec_reader *reader) {
  return reader->decoder == &codec_jpeg_decoder && codec_jpeg_has_own_huffman(reader->state);
}

void image_codec_reader_close(image_codec_reader *reader) {
  reader->decoder->close(reader->state);
  free(reader);
}
