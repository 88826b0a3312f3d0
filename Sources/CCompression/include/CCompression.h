// Compressed bytes: gzip (RFC 1952) and zlib (RFC 1950) by zlib, zstd (RFC 8878) by libzstd.
//
// Nothing is decompressed but into memory that the caller gives, a step at a time. What a step
// reads and writes is bounded, so that the caller can stop between two of them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef enum compression_format {
  /// One member or several, one after the other.
  COMPRESSION_GZIP = 0,
  COMPRESSION_ZLIB = 1,
  /// One frame or several; legacy formats are not read.
  COMPRESSION_ZSTD = 2,
} compression_format;

typedef enum compression_status {
  /// All of the input has been read, and its last stream has ended.
  COMPRESSION_DONE = 0,
  /// There is more to read or to write.
  COMPRESSION_GOES_ON = 1,
  /// The input ends before its stream does.
  COMPRESSION_TRUNCATED = 2,
  /// The input breaks the format; `decompression_reason` says how.
  COMPRESSION_CORRUPT = 3,
  /// The window of a zstd frame is larger than 8 MiB.
  COMPRESSION_WINDOW = 4,
  /// Something follows the end that is no further stream.
  COMPRESSION_TRAILING = 5,
  COMPRESSION_NO_MEMORY = 6,
} compression_status;

/// Memory that reading a format takes at most: its window and the library's state.
size_t decompression_byte_count(compression_format format);

typedef struct decompression decompression;

/// Returns NULL without memory; the caller owns it.
decompression *_Nullable decompression_create(compression_format format);
void decompression_destroy(decompression *decompression);

/// Reads on from `*offset` of the whole input, which it moves, and writes at most `room` bytes,
/// which must be more than none.
compression_status decompression_step(
    decompression *decompression, const uint8_t *input, size_t input_count, size_t *offset,
    uint8_t *output, size_t room, size_t *written);

/// The library's words for what is wrong; a constant string.
const char *decompression_reason(const decompression *decompression);

/// Compresses all of the input, quickly rather than well. COMPRESSION_GOES_ON where the output has
/// no room for it, and COMPRESSION_NO_MEMORY.
compression_status compression_compress(
    compression_format format, const uint8_t *input, size_t input_count, uint8_t *output,
    size_t room, size_t *written);

/// Versions of the libraries as loaded; constant strings.
const char *compression_zlib_version(void);
const char *compression_zstd_version(void);

/// Memory that compressing takes at most beside input and output.
size_t compression_byte_count(compression_format format);

#pragma clang assume_nonnull end
