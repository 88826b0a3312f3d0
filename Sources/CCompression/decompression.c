#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "CCompression.h"

enum {
  /// Bytes that a step reads at most: input that holds nothing takes time too.
  STEP_BYTE_COUNT = 256 << 10,
  /// zlib's largest window, and what makes it read gzip's frame.
  ZLIB_WINDOW_BITS = 15,
  ZLIB_GZIP = 16,
  /// zlib's state for reading, its window included (zconf.h).
  ZLIB_BYTE_COUNT = 64 << 10,
  /// Logarithm of the largest window that a decoder has to support, 8 MiB (RFC 8878, section
  /// 3.1.1.1.2).
  ZSTD_WINDOW_BITS = 23,
  /// Tables and the block that is being read, beside the window.
  ZSTD_STATE_BYTE_COUNT = 1 << 20,
};

struct decompression {
  compression_format format;
  const char *reason;
  /// Whether the next byte begins a stream: the first one, or one that follows another.
  bool begins;
  /// Whether a stream has ended.
  bool has_ended;
  z_stream zlib;
  ZSTD_DCtx *_Nullable zstd;
};

size_t decompression_byte_count(compression_format format) {
  return format == COMPRESSION_ZSTD ? ((size_t)1 << ZSTD_WINDOW_BITS) + ZSTD_STATE_BYTE_COUNT
                                    : ZLIB_BYTE_COUNT;
}

static bool begin_zstd(decompression *made) {
  made->zstd = ZSTD_createDCtx();
  return made->zstd != NULL &&
         !ZSTD_isError(ZSTD_DCtx_setParameter(made->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_BITS));
}

decompression *decompression_create(compression_format format) {
  decompression *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  made->format = format;
  made->begins = true;
  made->reason = "";
  int bits = ZLIB_WINDOW_BITS + (format == COMPRESSION_GZIP ? ZLIB_GZIP : 0);
  bool is_ready = format == COMPRESSION_ZSTD ? begin_zstd(made)
                                             : inflateInit2(&made->zlib, bits) == Z_OK;
  if (is_ready) return made;
  if (made->zstd != NULL) ZSTD_freeDCtx(made->zstd);
  free(made);
  return NULL;
}

void decompression_destroy(decompression *decompression) {
  if (decompression->format == COMPRESSION_ZSTD) {
    ZSTD_freeDCtx(decompression->zstd);
  } else {
    inflateEnd(&decompression->zlib);
  }
  free(decompression);
}

const char *decompression_reason(const decompression *decompression) {
  return decompression->reason;
}

static compression_status corrupt(decompression *decompression, const char *reason) {
  decompression->reason = reason;
  return COMPRESSION_CORRUPT;
}

// MARK: zlib

/// Decides what follows the end of a stream.
static compression_status zlib_end(
    decompression *decompression, const uint8_t *rest, size_t rest_count) {
  if (rest_count == 0) return COMPRESSION_DONE;
  // RFC 1952, section 2.2: members simply follow each other.
  if (decompression->format != COMPRESSION_GZIP || rest[0] != 0x1f ||
      (rest_count > 1 && rest[1] != 0x8b)) {
    return COMPRESSION_TRAILING;
  }
  if (inflateReset(&decompression->zlib) != Z_OK) return corrupt(decompression, "");
  return COMPRESSION_GOES_ON;
}

static compression_status zlib_step(
    decompression *decompression, const uint8_t *input, size_t input_count, size_t *offset,
    uint8_t *output, size_t room, size_t *written) {
  z_stream *stream = &decompression->zlib;
  size_t rest = input_count - *offset;
  uInt given = (uInt)(rest < STEP_BYTE_COUNT ? rest : STEP_BYTE_COUNT);
  uInt output_room = (uInt)(room < UINT32_MAX ? room : UINT32_MAX);
  // zlib does not write there; its type lacks the const.
  stream->next_in = (z_const Bytef *)(input + *offset);
  stream->avail_in = given;
  stream->next_out = output;
  stream->avail_out = output_room;
  int status = inflate(stream, Z_NO_FLUSH);
  *offset += given - stream->avail_in;
  *written = output_room - stream->avail_out;
  bool is_read = *offset == input_count;
  bool is_full = stream->avail_out == 0;
  stream->next_in = NULL;
  stream->next_out = NULL;
  switch (status) {
    case Z_STREAM_END: return zlib_end(decompression, input + *offset, input_count - *offset);
    case Z_OK:
    case Z_BUF_ERROR: return is_read && !is_full ? COMPRESSION_TRUNCATED : COMPRESSION_GOES_ON;
    case Z_MEM_ERROR: return COMPRESSION_NO_MEMORY;
    case Z_NEED_DICT: return corrupt(decompression, "a dictionary is needed");
    default: return corrupt(decompression, stream->msg == NULL ? "" : stream->msg);
  }
}

// MARK: zstd

/// Returns whether a frame of RFC 8878 begins here, or may begin; libzstd would read older formats
/// as well.
static bool is_zstd(const uint8_t *bytes, size_t count) {
  static const uint8_t frame[4] = {0x28, 0xb5, 0x2f, 0xfd};
  static const uint8_t skippable[3] = {0x2a, 0x4d, 0x18};
  if (memcmp(bytes, frame, count < 4 ? count : 4) == 0) return true;
  return (bytes[0] & 0xf0) == 0x50 &&
         memcmp(bytes + 1, skippable, count < 4 ? count - 1 : 3) == 0;
}

static compression_status zstd_error(decompression *decompression, size_t result) {
  switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_frameParameter_windowTooLarge: return COMPRESSION_WINDOW;
    case ZSTD_error_memory_allocation: return COMPRESSION_NO_MEMORY;
    default: return corrupt(decompression, ZSTD_getErrorName(result));
  }
}

static compression_status zstd_step(
    decompression *decompression, const uint8_t *input, size_t input_count, size_t *offset,
    uint8_t *output, size_t room, size_t *written) {
  size_t rest = input_count - *offset;
  if (decompression->begins && rest > 0 && !is_zstd(input + *offset, rest)) {
    return decompression->has_ended ? COMPRESSION_TRAILING
                                    : corrupt(decompression, "incorrect header check");
  }
  size_t given = rest < STEP_BYTE_COUNT ? rest : STEP_BYTE_COUNT;
  ZSTD_inBuffer from = {input, *offset + given, *offset};
  ZSTD_outBuffer to = {output, room, 0};
  size_t result = ZSTD_decompressStream(decompression->zstd, &to, &from);
  *offset = from.pos;
  *written = to.pos;
  if (ZSTD_isError(result)) return zstd_error(decompression, result);
  decompression->begins = result == 0;
  if (result == 0) {
    decompression->has_ended = true;
    return from.pos == input_count ? COMPRESSION_DONE : COMPRESSION_GOES_ON;
  }
  return from.pos == input_count && to.pos < room ? COMPRESSION_TRUNCATED : COMPRESSION_GOES_ON;
}

compression_status decompression_step(
    decompression *decompression, const uint8_t *input, size_t input_count, size_t *offset,
    uint8_t *output, size_t room, size_t *written) {
  return decompression->format == COMPRESSION_ZSTD
             ? zstd_step(decompression, input, input_count, offset, output, room, written)
             : zlib_step(decompression, input, input_count, offset, output, room, written);
}
