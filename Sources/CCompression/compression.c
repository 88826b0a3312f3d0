#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "CCompression.h"

enum {
  /// The quickest levels: an answer is compressed while its client waits.
  ZLIB_LEVEL = 1,
  ZSTD_LEVEL = 1,
  ZLIB_WINDOW_BITS = 15,
  ZLIB_GZIP = 16,
  ZLIB_MEMORY_LEVEL = 8,
  /// (1 << (15 + 2)) + (1 << (8 + 9)) and zlib's state (zconf.h).
  ZLIB_BYTE_COUNT = 272 << 10,
  /// Level 1: a window of 512 KiB, tables and buffers.
  ZSTD_BYTE_COUNT = 2 << 20,
};

const char *compression_zlib_version(void) { return zlibVersion(); }
const char *compression_zstd_version(void) { return ZSTD_versionString(); }

size_t compression_byte_count(compression_format format) {
  return format == COMPRESSION_ZSTD ? ZSTD_BYTE_COUNT : ZLIB_BYTE_COUNT;
}

static compression_status compress_zstd(
    const uint8_t *input, size_t input_count, uint8_t *output, size_t room, size_t *written) {
  ZSTD_CCtx *context = ZSTD_createCCtx();
  if (context == NULL) return COMPRESSION_NO_MEMORY;
  size_t result = ZSTD_compressCCtx(context, output, room, input, input_count, ZSTD_LEVEL);
  ZSTD_freeCCtx(context);
  // It fails for lack of room or memory alone.
  if (ZSTD_isError(result)) return COMPRESSION_GOES_ON;
  *written = result;
  return COMPRESSION_DONE;
}

static compression_status compress_zlib(
    int bits, const uint8_t *input, size_t input_count, uint8_t *output, size_t room,
    size_t *written) {
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (input_count > UINT32_MAX || room > UINT32_MAX) return COMPRESSION_GOES_ON;
  int status = deflateInit2(
      &stream, ZLIB_LEVEL, Z_DEFLATED, bits, ZLIB_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
  if (status != Z_OK) return COMPRESSION_NO_MEMORY;
  // zlib does not write there; its type lacks the const.
  stream.next_in = (z_const Bytef *)input;
  stream.avail_in = (uInt)input_count;
  stream.next_out = output;
  stream.avail_out = (uInt)room;
  status = deflate(&stream, Z_FINISH);
  *written = room - stream.avail_out;
  deflateEnd(&stream);
  return status == Z_STREAM_END ? COMPRESSION_DONE : COMPRESSION_GOES_ON;
}

compression_status compression_compress(
    compression_format format, const uint8_t *input, size_t input_count, uint8_t *output,
    size_t room, size_t *written) {
  *written = 0;
  if (format == COMPRESSION_ZSTD) return compress_zstd(input, input_count, output, room, written);
  int bits = ZLIB_WINDOW_BITS + (format == COMPRESSION_GZIP ? ZLIB_GZIP : 0);
  return compress_zlib(bits, input, input_count, output, room, written);
}
