#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec.h"

// EXIF as ImageMagick and exiftool put it into PNG before the chunk eXIf existed, in tEXt or zTXt:
//
//   Raw profile type exif, 0, of zTXt the method 0, then the text, of zTXt deflated:
//
//     (line feed) exif (line feed) number of bytes (line feed) hexadecimal digits in lines

enum {
  /// Bytes of EXIF that are read: as many as a JPEG has at most.
  exif_byte_count_limit = 64 << 10,
  /// Bytes of the text that are inflated: those digits, line feeds and the head.
  text_byte_count_limit = 3 * exif_byte_count_limit,
  piece_byte_count = 4096,
};

/// Digits that become bytes, a piece at a time.
typedef struct exif_text {
  uint8_t *bytes;
  size_t byte_count;
  int line_feeds;
  /// The first digit of a pair, or -1.
  int high;
} exif_text;

static int digit_of(uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  const uint8_t lower = character | 0x20;
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Takes a part of the text; false at its end: the limit, or what is no digit.
static bool take(exif_text *text, const uint8_t *part, size_t byte_count) {
  for (size_t index = 0; index < byte_count; index++) {
    const uint8_t character = part[index];
    if (text->line_feeds < 3) {
      if (character == '\n') text->line_feeds++;
      continue;
    }
    if (character == '\n' || character == '\r' || character == ' ') continue;
    const int digit = digit_of(character);
    if (digit < 0 || text->byte_count == exif_byte_count_limit) return false;
    if (text->high < 0) {
      text->high = digit;
    } else {
      text->bytes[text->byte_count++] = (uint8_t)(text->high << 4 | digit);
      text->high = -1;
    }
  }
  return true;
}

static void inflate_into(exif_text *text, const uint8_t *data, size_t byte_count) {
  uint8_t piece[piece_byte_count];
  z_stream stream = {0};
  if (byte_count > UINT32_MAX || inflateInit(&stream) != Z_OK) return;
  // zlib does not write to its input.
  stream.next_in = (Bytef *)(uintptr_t)data;
  stream.avail_in = (uInt)byte_count;
  int code = Z_OK;
  while (code == Z_OK && stream.total_out < text_byte_count_limit) {
    stream.next_out = piece;
    stream.avail_out = piece_byte_count;
    code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) break;
    if (!take(text, piece, piece_byte_count - stream.avail_out)) break;
  }
  inflateEnd(&stream);
}

uint8_t codec_png_text_orientation(const uint8_t *data, size_t byte_count, bool is_deflated) {
  static const char keyword[] = "Raw profile type exif";
  // With its zero.
  size_t head = sizeof keyword;
  if (byte_count < head || memcmp(data, keyword, head) != 0) return 0;
  if (is_deflated && (byte_count == head || data[head++] != 0)) return 0;
  exif_text text = {malloc(exif_byte_count_limit), 0, 0, -1};
  if (text.bytes == NULL) return 0;
  if (is_deflated) {
    inflate_into(&text, data + head, byte_count - head);
  } else {
    take(&text, data + head, byte_count - head);
  }
  const uint8_t orientation = codec_exif_orientation(text.bytes, text.byte_count);
  free(text.bytes);
  return orientation;
}
