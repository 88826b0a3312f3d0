#pragma once

#include <stdint.h>
#include <string.h>

/// Reader of bits, the first the highest, from bytes without stuffed zeros. It reads up to 8 bytes
/// from `next` on, so as many must follow the last.
typedef struct bit_reader {
  /// The next bits, the first the highest; `count` of them are settled.
  uint64_t bits;
  uint32_t count;
  const uint8_t *next;
} bit_reader;

/// Makes at least 56 bits ready.
static inline void bit_reader_fill(bit_reader *reader) {
  uint64_t word;
  memcpy(&word, reader->next, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  reader->bits |= word >> reader->count;
  reader->next += (63 - reader->count) >> 3;
  reader->count |= 56;
}

static inline void bit_reader_drop(bit_reader *reader, uint32_t count) {
  reader->bits <<= count;
  reader->count -= count;
}

/// Takes 1 to 16 bits, which must be ready.
static inline uint32_t bit_reader_take(bit_reader *reader, uint32_t count) {
  const uint32_t value = (uint32_t)(reader->bits >> (64 - count));
  bit_reader_drop(reader, count);
  return value;
}

/// Takes a value of up to 15 bits as ITU-T T.81, F.2.2.1, EXTEND has it: the first bit is 0 for a
/// negative one.
static inline int32_t bit_reader_take_signed(bit_reader *reader, uint32_t size) {
  const int32_t negative = (int32_t)(~reader->bits >> 63);
  // Shifted twice, since one shift by 64 means nothing.
  const int32_t value = (int32_t)(reader->bits >> 1 >> (63 - size));
  bit_reader_drop(reader, size);
  return value + (-negative & (1 - (1 << size)));
}
