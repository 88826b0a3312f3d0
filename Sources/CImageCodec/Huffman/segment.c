#include "huffman_state.h"

#if CODEC_HUFFMAN_IS_AVAILABLE

// A marker within a scan, and the bytes 0xFF of the data, each of which has a zero after it:
//
//   data ... 0xFF 0x00 ... data 0xFF 0xD0 data ...
//            one byte           restart marker

#if defined(__SSE2__)
#include <emmintrin.h>

/// Bytes that are looked at together. 32 by AVX2 save 2 % of the time at most: a 0xFF comes too
/// soon.
enum { WORD_BYTE_COUNT = 16 };

/// Copies a word and returns how many of its bytes stand before the first 0xFF.
static inline size_t copy_word(uint8_t *target, const uint8_t *source) {
  const __m128i word = _mm_loadu_si128((const __m128i *)(const void *)source);
  _mm_storeu_si128((__m128i *)(void *)target, word);
  const int places = _mm_movemask_epi8(_mm_cmpeq_epi8(word, _mm_set1_epi8(-1)));
  return (size_t)__builtin_ctz((unsigned)places | 1u << WORD_BYTE_COUNT);
}
#else
enum { WORD_BYTE_COUNT = 8 };

static inline size_t copy_word(uint8_t *target, const uint8_t *source) {
  uint64_t word;
  memcpy(&word, source, sizeof word);
  memcpy(target, &word, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  const uint64_t ones = 0x0101010101010101u;
  const uint64_t inverse = ~word;
  // The lowest byte whose highest bit is set here is zero in `inverse`; higher ones need not be.
  const uint64_t zeros = (inverse - ones) & ~inverse & (ones << 7);
  return zeros == 0 ? WORD_BYTE_COUNT : (size_t)__builtin_ctzll(zeros) / 8;
}
#endif

void segment_start(segment *segment, const uint8_t *source, const uint8_t *source_end) {
  segment->source = source;
  segment->source_end = source_end;
  segment->end_kind = SEGMENT_CONTINUES;
  segment->reader = (bit_reader){0, 0, segment->bytes};
  segment->end = segment->bytes;
}

/// Says how a segment ends whose next byte is a 0xFF that is not part of the data.
static segment_end kind_of_end(const uint8_t *source, const uint8_t *source_end) {
  // Any number of bytes 0xFF may stand before a marker. Before a zero they are data to one part of
  // the library and padding to another.
  while (source < source_end && *source == 0xFF) source++;
  return source < source_end && *source != 0 ? SEGMENT_ENDS_AT_MARKER : SEGMENT_ENDS_ODDLY;
}

void segment_copy(segment *segment) {
  // What is left goes to the beginning.
  const size_t left = (size_t)(segment->end - segment->reader.next);
  memmove(segment->bytes, segment->reader.next, left);
  segment->reader.next = segment->bytes;

  const uint8_t *source = segment->source;
  const uint8_t *const source_end = segment->source_end;
  uint8_t *target = segment->bytes + left;
  uint8_t *const target_end = segment->bytes + CHUNK_BYTE_COUNT;
  while (target < target_end && segment->end_kind == SEGMENT_CONTINUES) {
    if (source_end - source > WORD_BYTE_COUNT) {
      // Room for a word follows the chunk.
      const size_t count = copy_word(target, source);
      source += count;
      target += count;
      if (count == WORD_BYTE_COUNT) continue;
    } else if (source < source_end && *source != 0xFF) {
      *target++ = *source++;
      continue;
    }
    if (source_end - source >= 2 && source[1] == 0) {
      *target++ = 0xFF;
      source += 2;
    } else {
      segment->end_kind = kind_of_end(source, source_end);
    }
  }
  segment->source = source;
  segment->end = target;
  if (segment->end_kind != SEGMENT_CONTINUES) {
    memset(target, 0, (size_t)segment->unit_byte_limit + 16);
  }
}

#endif
