#include "huffman_state.h"

#if CODEC_HUFFMAN_IS_AVAILABLE

// Units of baseline and extended sequential scans, ITU-T T.81, F.2.2. A look at the table gives the
// runs and values of one or two coefficients.

const uint8_t huffman_zigzag[DCTSIZE2] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/// Reads the AC coefficients of a block. False if it is not clean.
static inline __attribute__((always_inline)) bool read_ac(
    bit_reader *reader, const pair_table *table, JCOEF *block, bool keeps) {
  uint32_t place = 0;
  for (;;) {
    bit_reader_fill(reader);
    pair_entry entry;
    uint32_t next_place;
    // Each step takes at most 11 bits of 56 that are ready.
    for (int step = 0; step < 5; step++) {
      entry = table->entries[reader->bits >> (64 - PAIR_LOOKAHEAD)];
      next_place = place + pair_skip(entry);
      if (next_place >= DCTSIZE2 - 1) goto end;
      bit_reader_drop(reader, pair_bit_count(entry));
      if (keeps) {
        block[huffman_zigzag[place + pair_first_skip(entry)]] = (JCOEF)pair_first(entry);
        block[huffman_zigzag[next_place]] = (JCOEF)pair_second(entry);
      }
      place = next_place;
    }
    continue;

  end:
    if (pair_skip(entry) != NO_COEFFICIENT_SKIP) {
      // The block ends with one of the two, or is damaged.
      const uint32_t first_place = place + pair_first_skip(entry);
      if (first_place >= DCTSIZE2 - 1) {
        pair_table_drop_first(table, reader);
        if (keeps) block[DCTSIZE2 - 1] = (JCOEF)pair_first(entry);
        return first_place == DCTSIZE2 - 1;
      }
      bit_reader_drop(reader, pair_bit_count(entry));
      if (keeps) {
        // Without a branch: whether there is a coefficient before the end is hard to foretell.
        JCOEF *const last = &block[huffman_zigzag[first_place]];
        *last = pair_first_skip(entry) == 0 ? *last : (JCOEF)pair_first(entry);
      }
      if (pair_skip(entry) >= END_OF_BLOCK_SKIP) return true;
      if (keeps) block[DCTSIZE2 - 1] = (JCOEF)pair_second(entry);
      return next_place == DCTSIZE2 - 1;
    }
    bit_reader_fill(reader);
    const int symbol = pair_table_take_symbol(table, reader);
    if (symbol < 0) return false;
    const uint32_t size = (uint32_t)symbol & 15;
    const uint32_t run = (uint32_t)symbol >> 4;
    if (size == 0 && run < 15) return true;
    place += run + 1;
    if (place >= DCTSIZE2) return false;
    if (size > 0) {
      const int32_t value = bit_reader_take_signed(reader, size);
      if (keeps) block[huffman_zigzag[place]] = (JCOEF)value;
    }
    // A run of zeros leaves the coefficient at its end as it is.
    if (place == DCTSIZE2 - 1) return true;
  }
}

/// Reads the difference of a DC coefficient. False if there is no such code.
static inline __attribute__((always_inline)) bool read_dc(
    bit_reader *reader, const symbol_table *table, int32_t *difference) {
  bit_reader_fill(reader);
  const int size = symbol_table_take(table, reader);
  if (__builtin_expect(size < 0, 0)) return false;
  *difference = bit_reader_take_signed(reader, (uint32_t)size & 15);
  return true;
}

boolean huffman_decode_sequential(j_decompress_ptr info, JBLOCKROW *blocks) {
  codec_huffman *decoder = huffman_of(info);
  if (!huffman_restart(decoder, info) || !huffman_supply(decoder)) {
    return huffman_hand_over(info, blocks);
  }
  bit_reader reader = decoder->segment.reader;
  const int block_count = info->blocks_in_MCU;
  for (int index = 0; index < block_count; index++) {
    const block_plan plan = decoder->plans[index];
    JCOEF *block = blocks != NULL ? *blocks[index] : decoder->scratch[index];
    int32_t difference;
    if (!read_dc(&reader, plan.dc, &difference)) return huffman_hand_over(info, blocks);
    // Hostile differences may add up to any number.
    decoder->last_dc[plan.component] += (uint32_t)difference;
    block[0] = (JCOEF)decoder->last_dc[plan.component];
    const bool is_clean = plan.keeps_ac ? read_ac(&reader, plan.ac, block, true)
                                        : read_ac(&reader, plan.ac, block, false);
    if (!is_clean) return huffman_hand_over(info, blocks);
  }
  if (!huffman_finish_unit(decoder, info, reader)) return huffman_hand_over(info, blocks);
  return TRUE;
}

#endif
