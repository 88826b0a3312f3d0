#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "codec.h"

// EXIF as ImageMagick and exiftool put it into PNG before the chunk eXIf existed, in tEXt or zTXt:
//
//   Raw profile type exif, 0, of zTXt the method 0, then the text, of zTXt deflated:
//
//     (line feed) exif (line feed) number of bytes (line feed) hexadecimal digits in lines
//
// XMP in iTXt, or one of these:
//
//   XML:com.adobe.xmp, 0, of iTXt whether it is deflated, the method 0, language, 0, keyword, 0,
//   then the text

enum {
  /// Bytes of EXIF that are read: as many as a JPEG has at most.
  exif_byte_count_limit = 64 << 10,
  /// Bytes of the text that are inflated: those digits, line feeds and the head.
  text_byte_count_limit = 3 * exif_byte_count_limit,
  /// Bytes of XMP that are inflated: more than that Pillow refuses.
  xmp_byte_count_limit = 1 << 20,
  piece_byte_count = 4096,
  /// Bytes of a piece that are looked at again with the next one: as many as what is looked for
  /// has, but the last.
  carried_byte_count = sizeof "tiff:Orientation=\"" - 1,
};

/// Takes a part of a text; false if no more is wanted.
typedef bool take_part(void *context, const uint8_t *part, size_t byte_count);

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
static bool take_digits(void *context, const uint8_t *part, size_t byte_count) {
  exif_text *text = context;
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

static void inflate_text(
    const uint8_t *data, size_t byte_count, size_t limit, take_part *take, void *context) {
  uint8_t piece[piece_byte_count];
  z_stream stream = {0};
  if (byte_count > UINT32_MAX || inflateInit(&stream) != Z_OK) return;
  // zlib does not write to its input.
  stream.next_in = (Bytef *)(uintptr_t)data;
  stream.avail_in = (uInt)byte_count;
  int code = Z_OK;
  while (code == Z_OK && stream.total_out < limit) {
    stream.next_out = piece;
    stream.avail_out = piece_byte_count;
    code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) break;
    if (!take(context, piece, piece_byte_count - stream.avail_out)) break;
  }
  inflateEnd(&stream);
}

bool codec_png_text_orientation(
    const uint8_t *data, size_t byte_count, bool is_deflated, uint8_t *orientation) {
  static const char keyword[] = "Raw profile type exif";
  // With its zero.
  size_t head = sizeof keyword;
  if (byte_count < head || memcmp(data, keyword, head) != 0) return false;
  if (is_deflated && (byte_count == head || data[head++] != 0)) return false;
  exif_text text = {malloc(exif_byte_count_limit), 0, 0, -1};
  if (text.bytes == NULL) return false;
  if (is_deflated) {
    inflate_text(data + head, byte_count - head, text_byte_count_limit, take_digits, &text);
  } else {
    take_digits(&text, data + head, byte_count - head);
  }
  *orientation = codec_exif_orientation(text.bytes, text.byte_count);
  free(text.bytes);
  return true;
}

// MARK: XMP

/// Keyword of XMP, with its zero.
static const char xmp_keyword[] = "XML:com.adobe.xmp";

/// What is looked at of XMP: the end of a piece and the next one.
typedef struct xmp_window {
  uint8_t bytes[carried_byte_count + piece_byte_count];
  size_t byte_count;
  uint8_t orientation;
} xmp_window;

static bool take_xmp(void *context, const uint8_t *part, size_t byte_count) {
  xmp_window *window = context;
  memcpy(window->bytes + window->byte_count, part, byte_count);
  window->byte_count += byte_count;
  window->orientation = codec_xmp_orientation(window->bytes, window->byte_count);
  if (window->orientation != 0) return false;
  const size_t kept =
      window->byte_count < carried_byte_count ? window->byte_count : carried_byte_count;
  memmove(window->bytes, window->bytes + window->byte_count - kept, kept);
  window->byte_count = kept;
  return true;
}

bool codec_png_text_is_xmp(const uint8_t *data, size_t byte_count) {
  return byte_count >= sizeof xmp_keyword && memcmp(data, xmp_keyword, sizeof xmp_keyword) == 0;
}

uint8_t codec_png_xmp_orientation(const char *type, const uint8_t *data, size_t byte_count) {
  const uint8_t *end = data + byte_count;
  const uint8_t *text = data + sizeof xmp_keyword;
  bool is_deflated = false;
  if (strcmp(type, "zTXt") == 0) {
    if (text == end || *text++ != 0) return 0;
    is_deflated = true;
  } else if (strcmp(type, "iTXt") == 0) {
    if (end - text < 2) return 0;
    is_deflated = text[0] != 0;
    if (is_deflated && text[1] != 0) return 0;
    text += 2;
    // Language, and the keyword in it.
    for (int part = 0; part < 2; part++) {
      const uint8_t *zero = memchr(text, 0, (size_t)(end - text));
      if (zero == NULL) return 0;
      text = zero + 1;
    }
  }
  if (!is_deflated) return codec_xmp_orientation(text, (size_t)(end - text));
  xmp_window window = {.byte_count = 0, .orientation = 0};
  inflate_text(text, (size_t)(end - text), xmp_byte_count_limit, take_xmp, &window);
  return window.orientation;
}
