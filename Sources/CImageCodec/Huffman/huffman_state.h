#pragma once

#include "huffman.h"

// What the library lets its own parts know of each other. Distributions install it.
#if __has_include(<jpegint.h>)
#define CODEC_HUFFMAN_IS_AVAILABLE 1
#include <jpegint.h>
#else
#define CODEC_HUFFMAN_IS_AVAILABLE 0
#endif

#if CODEC_HUFFMAN_IS_AVAILABLE

#include "bit_reader.h"
#include "code_table.h"

enum {
  /// Bits that a block of 64 coefficients takes at most: for each a code of 16 bits and a value of
  /// 15.
  BLOCK_BIT_LIMIT = 64 * (16 + 15),
  /// Bytes that a minimum coded unit (MCU) takes at most, and those that the reader looks ahead.
  UNIT_BYTE_LIMIT = D_MAX_BLOCKS_IN_MCU * BLOCK_BIT_LIMIT / 8 + 16,
  /// Bytes of a scan that are held without their stuffed zeros: few enough to stay in the cache.
  CHUNK_BYTE_COUNT = 16 << 10,
  /// Whole bytes at the end of a scan that are taken for padding. Stuffed or not they are no more
  /// than IMAGE_CODEC_JPEG_EXTRANEOUS_BYTE_COUNT, which the library's reader may leave.
  TAIL_BYTE_LIMIT = 8,
};

/// Reason for which the bytes of a segment end.
typedef enum segment_end {
  /// More follow than have been copied.
  SEGMENT_CONTINUES,
  /// A marker follows.
  SEGMENT_ENDS_AT_MARKER,
  /// The file ends without one, or in a way that the library's parts read differently.
  SEGMENT_ENDS_ODDLY,
} segment_end;

/// Part of a scan between two markers, its stuffed zeros taken out piece by piece.
typedef struct segment {
  /// Next byte of the file that has not been copied; the marker's 0xFF at its end.
  const uint8_t *source;
  const uint8_t *source_end;
  segment_end end_kind;
  /// Bytes that a unit of the scan takes at most, and those that the reader looks ahead.
  ptrdiff_t unit_byte_limit;
  bit_reader reader;
  /// End of the bytes copied.
  uint8_t *end;
  /// Zeros follow the last byte of a segment, so that a unit may be read to its end.
  uint8_t bytes[CHUNK_BYTE_COUNT + UNIT_BYTE_LIMIT + 32];
} segment;

/// Starts at `source`.
void segment_start(segment *segment, const uint8_t *source, const uint8_t *source_end);
/// Copies as much as there is room for.
void segment_copy(segment *segment);

/// What the current scan has for each block of an MCU.
typedef struct block_plan {
  const symbol_table *dc;
  const pair_table *ac;
  uint8_t component;
  bool keeps_ac;
} block_plan;

struct codec_huffman {
  /// What the library sees. First, for the library's pointer to it is this decoder's too.
  struct jpeg_entropy_decoder methods;
  /// Zeros, where a library of another version would look for more members.
  void *further_members[8];
  struct jpeg_entropy_decoder *library;

  uint64_t unit_count;
  /// Units decoded.
  uint64_t unit_index;
  uint32_t restarts_to_go;
  uint32_t next_restart;
  uint32_t last_dc[MAX_COMPS_IN_SCAN];
  /// Blocks of the end-of-band run that are left, of a progressive scan.
  uint32_t band_end_run;
  /// Whether the scan refines coefficients of the blocks that it gets.
  bool refines_ac;
  /// Next block of a scan that refines, and the first of each row so far.
  JDIMENSION column;
  JDIMENSION row;
  JBLOCKROW *rows;
  /// Places in zigzag order of four coefficients each, as bits.
  uint64_t zigzag_places[DCTSIZE2 / 4][16];

  block_plan plans[D_MAX_BLOCKS_IN_MCU];
  symbol_table dc_tables[NUM_HUFF_TBLS];
  pair_table ac_tables[NUM_HUFF_TBLS];
  segment segment;
  JBLOCK scratch[D_MAX_BLOCKS_IN_MCU];
};

static inline codec_huffman *huffman_of(j_decompress_ptr info) {
  return (codec_huffman *)(void *)info->entropy;
}

/// Steps over a restart marker. False if it is not there.
bool huffman_restart_now(codec_huffman *decoder, j_decompress_ptr info);

/// Steps over a restart marker where one is due. False if it is not there.
static inline bool huffman_restart(codec_huffman *decoder, j_decompress_ptr info) {
  if (info->restart_interval == 0 || decoder->restarts_to_go > 0) return true;
  return huffman_restart_now(decoder, info);
}

/// Copies more of the segment. False if the file ends within a unit.
bool huffman_supply_more(codec_huffman *decoder);

/// Has bytes for a whole unit ready. False if the file ends too near.
static inline bool huffman_supply(codec_huffman *decoder) {
  const segment *segment = &decoder->segment;
  return segment->end - segment->reader.next >= segment->unit_byte_limit ||
         huffman_supply_more(decoder);
}

/// Puts the source at the marker after the last unit. False if more than a little stands before it.
bool huffman_end_scan(codec_huffman *decoder, j_decompress_ptr info);

/// Counts a unit that was decoded with `reader`. False if it took more bits than there are, or does
/// not end where its scan does.
static inline bool huffman_finish_unit(
    codec_huffman *decoder, j_decompress_ptr info, bit_reader reader) {
  if ((reader.next - decoder->segment.end) * 8 > (ptrdiff_t)reader.count) return false;
  decoder->segment.reader = reader;
  if (decoder->unit_index + 1 == decoder->unit_count && !huffman_end_scan(decoder, info)) {
    return false;
  }
  decoder->unit_index++;
  decoder->restarts_to_go--;
  return true;
}

/// Gives the library's decoder its place back. That reads all units of the scan before this one
/// again, then decodes this one.
boolean huffman_hand_over(j_decompress_ptr info, JBLOCKROW *blocks);

/// Reads a unit of a sequential scan.
boolean huffman_decode_sequential(j_decompress_ptr info, JBLOCKROW *blocks);

/// Returns whether a progressive scan takes up where those before it ended. Asked before the
/// library notes what this one gives.
bool huffman_is_orderly(j_decompress_ptr info);

/// Prepares a progressive scan. False if it is left to the library.
bool huffman_begin_progressive(codec_huffman *decoder, j_decompress_ptr info);

/// Takes back what a scan that refines did to a block, or part of it.
void huffman_undo_refinement(j_decompress_ptr info, JCOEF *block);

/// Zigzag order of a block's coefficients.
extern const uint8_t huffman_zigzag[DCTSIZE2];

#endif
