#include "huffman_state.h"

#if CODEC_HUFFMAN_IS_AVAILABLE

// Units of progressive scans, ITU-T T.81, G.1.2: DC coefficients, or the AC coefficients of one
// component in a band, without their lowest bits at first, then a bit more with each scan that
// refines them.

#if defined(__SSE2__)
#include <emmintrin.h>

/// Returns which of 16 coefficients are not zero, the first the lowest bit.
static inline uint32_t nonzero_bits(const JCOEF *coefficients) {
  const __m128i *words = (const __m128i *)(const void *)coefficients;
  const __m128i bytes = _mm_packs_epi16(_mm_loadu_si128(words), _mm_loadu_si128(words + 1));
  return 0xFFFF ^ (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
}
#else
static inline uint32_t nonzero_bits(const JCOEF *coefficients) {
  uint32_t bits = 0;
  for (int index = 0; index < 16; index++) bits |= (uint32_t)(coefficients[index] != 0) << index;
  return bits;
}
#endif

static boolean decode_dc_first(j_decompress_ptr info, JBLOCKROW *blocks) {
  codec_huffman *decoder = huffman_of(info);
  if (!huffman_restart(decoder, info) || !huffman_supply(decoder)) {
    return huffman_hand_over(info, blocks);
  }
  bit_reader reader = decoder->segment.reader;
  for (int index = 0; index < info->blocks_in_MCU; index++) {
    const block_plan plan = decoder->plans[index];
    bit_reader_fill(&reader);
    const int size = symbol_table_take(plan.dc, &reader);
    if (size < 0 || size > 15) return huffman_hand_over(info, blocks);
    const int32_t difference = bit_reader_take_signed(&reader, (uint32_t)size);
    int32_t value;
    if (__builtin_add_overflow(
            (int32_t)decoder->last_dc[plan.component], difference, &value)) {
      return huffman_hand_over(info, blocks);
    }
    decoder->last_dc[plan.component] = (uint32_t)value;
    (*blocks[index])[0] = (JCOEF)((uint32_t)value << info->Al);
  }
  if (!huffman_finish_unit(decoder, info, reader)) return huffman_hand_over(info, blocks);
  return TRUE;
}

static boolean decode_dc_refinement(j_decompress_ptr info, JBLOCKROW *blocks) {
  codec_huffman *decoder = huffman_of(info);
  if (!huffman_restart(decoder, info) || !huffman_supply(decoder)) {
    return huffman_hand_over(info, blocks);
  }
  bit_reader reader = decoder->segment.reader;
  bit_reader_fill(&reader);
  for (int index = 0; index < info->blocks_in_MCU; index++) {
    (*blocks[index])[0] |= (JCOEF)(bit_reader_take(&reader, 1) << info->Al);
  }
  if (!huffman_finish_unit(decoder, info, reader)) return huffman_hand_over(info, blocks);
  return TRUE;
}

/// Reads the run of blocks that the end of a band with this symbol is the end of.
static uint32_t take_band_end_run(bit_reader *reader, uint32_t symbol) {
  const uint32_t size = symbol >> 4;
  return size == 0 ? 1 : (1u << size) + bit_reader_take(reader, size);
}

/// Reads the coefficients of a band. False if it is not clean.
static inline bool read_band(
    bit_reader *reader, const pair_table *table, JCOEF *block, uint32_t last_place,
    uint32_t place, int shift, uint32_t *band_end_run) {
  const int32_t scale = 1 << shift;
  for (;;) {
    bit_reader_fill(reader);
    pair_entry entry;
    uint32_t next_place;
    for (int step = 0; step < 5; step++) {
      entry = table->entries[reader->bits >> (64 - PAIR_LOOKAHEAD)];
      next_place = place + pair_skip(entry);
      if (next_place >= last_place) goto end;
      bit_reader_drop(reader, pair_bit_count(entry));
      block[huffman_zigzag[place + pair_first_skip(entry)]] = (JCOEF)(pair_first(entry) * scale);
      block[huffman_zigzag[next_place]] = (JCOEF)(pair_second(entry) * scale);
      place = next_place;
    }
    continue;

  end:
    if (pair_skip(entry) != NO_COEFFICIENT_SKIP) {
      const uint32_t first_place = place + pair_first_skip(entry);
      if (pair_first_skip(entry) != 0) {
        if (first_place > last_place) return false;
        block[huffman_zigzag[first_place]] = (JCOEF)(pair_first(entry) * scale);
        if (first_place == last_place) {
          pair_table_drop_first(table, reader);
          return true;
        }
      }
      bit_reader_drop(reader, pair_bit_count(entry));
      if (pair_skip(entry) >= END_OF_BLOCK_SKIP) return true;
      if (next_place > last_place) return false;
      block[huffman_zigzag[next_place]] = (JCOEF)(pair_second(entry) * scale);
      return true;
    }
    bit_reader_fill(reader);
    const int symbol = pair_table_take_symbol(table, reader);
    if (symbol < 0) return false;
    const uint32_t size = (uint32_t)symbol & 15;
    const uint32_t run = (uint32_t)symbol >> 4;
    if (size == 0 && run < 15) {
      *band_end_run = take_band_end_run(reader, (uint32_t)symbol) - 1;
      return true;
    }
    place += run + 1;
    if (place > last_place || size + (uint32_t)shift > SHIFTED_VALUE_BIT_LIMIT) return false;
    if (size > 0) {
      const int32_t value = bit_reader_take_signed(reader, size);
      block[huffman_zigzag[place]] = (JCOEF)(value * scale);
    }
    if (place == last_place) return true;
  }
}

static boolean decode_ac_first(j_decompress_ptr info, JBLOCKROW *blocks) {
  codec_huffman *decoder = huffman_of(info);
  if (!huffman_restart(decoder, info)) return huffman_hand_over(info, blocks);
  if (decoder->band_end_run > 0) {
    if (!huffman_finish_unit(decoder, info, decoder->segment.reader)) {
      return huffman_hand_over(info, blocks);
    }
    decoder->band_end_run--;
    return TRUE;
  }
  if (!huffman_supply(decoder)) return huffman_hand_over(info, blocks);
  bit_reader reader = decoder->segment.reader;
  uint32_t band_end_run = 0;
  const bool is_clean = read_band(
      &reader, decoder->plans[0].ac, *blocks[0], (uint32_t)info->Se, (uint32_t)info->Ss - 1,
      info->Al, &band_end_run);
  if (!is_clean || !huffman_finish_unit(decoder, info, reader)) {
    return huffman_hand_over(info, blocks);
  }
  decoder->band_end_run = band_end_run;
  return TRUE;
}

/// Returns the places from `first` on that are below `end`, as bits.
static inline uint64_t places_between(uint32_t first, uint32_t end) {
  const uint64_t below_end = end >= DCTSIZE2 ? ~(uint64_t)0 : ((uint64_t)1 << end) - 1;
  return first >= DCTSIZE2 ? 0 : below_end & (~(uint64_t)0 << first);
}

/// Returns the places of a block's coefficients that are not zero, as bits.
static inline uint64_t nonzero_places(const codec_huffman *decoder, const JCOEF *block) {
  uint64_t places = 0;
  for (int half = 0; half < DCTSIZE2; half += 16) {
    const uint32_t bits = nonzero_bits(block + half);
    for (int part = 0; part < 4; part++) {
      places |= decoder->zigzag_places[half / 4 + part][bits >> (4 * part) & 15];
    }
  }
  return places;
}

/// Bits that a scan has for the coefficients of a band that are not zero, the first the highest.
typedef struct refinement {
  uint64_t bits;
  uint32_t count;
} refinement;

/// Takes bits for `count` more coefficients.
static inline void take_refinement(
    bit_reader *reader, refinement *refinement, uint32_t count) {
  for (; count > 0; count -= count < 16 ? count : 16) {
    const uint32_t part = count < 16 ? count : 16;
    if (reader->count < part) bit_reader_fill(reader);
    refinement->bits |=
        (uint64_t)bit_reader_take(reader, part) << (64 - part - refinement->count);
    refinement->count += part;
  }
}

/// Adds to each coefficient in `places` its bit, away from zero.
static inline void apply_refinement(
    refinement refinement, JCOEF *block, uint64_t places, int bit) {
  for (; places != 0; places &= places - 1) {
    JCOEF *const coefficient = &block[huffman_zigzag[__builtin_ctzll(places)]];
    const int sign = *coefficient >> 15;
    const int is_set = (int)((int64_t)refinement.bits >> 63);
    *coefficient = (JCOEF)(*coefficient + (((bit ^ sign) - sign) & is_set));
    refinement.bits <<= 1;
  }
}

/// Clears the lowest `count` bits that are set. Whether there are one, two or three is hard to
/// foretell, so that there is no branch for those.
static inline uint64_t without_lowest(uint64_t bits, int count) {
  for (int step = 0; step < 3; step++) bits = step < count ? bits & (bits - 1) : bits;
  for (int step = 3; step < count; step++) bits &= bits - 1;
  return bits;
}

/// Reads what a scan has for a band up to an end of it that the scan tells. `*band_end_run` is then
/// not 0, and the bits for the places from `*place` on have not been taken. False if the band is
/// not clean.
static inline bool refine_band(
    bit_reader *reader, const symbol_table *table, JCOEF *block, uint64_t nonzeros,
    uint32_t end, int bit, uint32_t *place, refinement *refinement, uint32_t *band_end_run) {
  while (*place < end) {
    bit_reader_fill(reader);
    const int symbol = symbol_table_take(table, reader);
    if (symbol < 0) return false;
    const int run = symbol >> 4;
    const int size = symbol & 15;
    if (size > 1) return false;
    if (size == 0 && run < 15) {
      *band_end_run = take_band_end_run(reader, (uint32_t)symbol);
      return true;
    }
    const int value = size > 0 && bit_reader_take(reader, 1) == 0 ? -bit : bit;
    const uint64_t zeros = without_lowest(~nonzeros & places_between(*place, end), run);
    // No encoder has a reason to count more zeros than the band has left.
    if (zeros == 0) return false;
    const uint32_t target = (uint32_t)__builtin_ctzll(zeros);
    take_refinement(reader, refinement, target - *place - (uint32_t)run);
    if (size > 0) block[huffman_zigzag[target]] = (JCOEF)value;
    *place = target + 1;
  }
  return true;
}

static boolean decode_ac_refinement(j_decompress_ptr info, JBLOCKROW *blocks) {
  codec_huffman *decoder = huffman_of(info);
  if (decoder->column == 0) decoder->rows[decoder->row] = blocks[0];
  if (++decoder->column == info->MCUs_per_row) {
    decoder->column = 0;
    decoder->row++;
  }
  if (!huffman_restart(decoder, info) || !huffman_supply(decoder)) {
    return huffman_hand_over(info, blocks);
  }
  bit_reader reader = decoder->segment.reader;
  JCOEF *const block = *blocks[0];
  const uint32_t end = (uint32_t)info->Se + 1;
  const int bit = 1 << info->Al;
  uint32_t place = (uint32_t)info->Ss;
  uint32_t band_end_run = decoder->band_end_run;
  const uint64_t band = nonzero_places(decoder, block) & places_between(place, end);
  refinement refinement = {0, 0};
  if (band_end_run == 0 &&
      !refine_band(
          &reader, decoder->plans[0].dc, block, band, end, bit, &place, &refinement,
          &band_end_run)) {
    return huffman_hand_over(info, blocks);
  }
  if (band_end_run > 0) {
    const uint64_t rest = band & places_between(place, end);
    take_refinement(&reader, &refinement, (uint32_t)__builtin_popcountll(rest));
    band_end_run--;
  }
  apply_refinement(refinement, block, band, bit);
  if (!huffman_finish_unit(decoder, info, reader)) return huffman_hand_over(info, blocks);
  decoder->band_end_run = band_end_run;
  return TRUE;
}

// Before a scan refines a band, its coefficients are multiples of twice the scan's bit: scans were
// orderly and clean so far. So a coefficient that has the bit got it from this scan.
void huffman_undo_refinement(j_decompress_ptr info, JCOEF *block) {
  const int32_t bit = 1 << info->Al;
  for (int place = info->Ss; place <= info->Se; place++) {
    JCOEF *const coefficient = &block[huffman_zigzag[place]];
    if ((*coefficient & bit) == 0) continue;
    *coefficient = (JCOEF)(*coefficient + (*coefficient < 0 ? bit : -bit));
  }
}

bool huffman_is_orderly(j_decompress_ptr info) {
  const int before = info->Ah == 0 ? -1 : info->Ah;
  if (info->Ss < 0 || info->Se >= DCTSIZE2) return false;
  for (int index = 0; index < info->comps_in_scan; index++) {
    const int component = info->cur_comp_info[index]->component_index;
    for (int place = info->Ss; place <= info->Se; place++) {
      if (info->coef_bits[component][place] != before) return false;
    }
  }
  return true;
}

/// Lists the places of each four neighbours in a block, for all sets of them.
static void list_zigzag_places(codec_huffman *decoder) {
  memset(decoder->zigzag_places, 0, sizeof decoder->zigzag_places);
  for (int place = 0; place < DCTSIZE2; place++) {
    const int index = huffman_zigzag[place];
    for (int bits = 0; bits < 16; bits++) {
      if ((bits >> (index & 3) & 1) != 0) {
        decoder->zigzag_places[index >> 2][bits] |= (uint64_t)1 << place;
      }
    }
  }
}

bool huffman_begin_progressive(codec_huffman *decoder, j_decompress_ptr info) {
  const jpeg_component_info *first = info->cur_comp_info[0];
  block_plan *plans = decoder->plans;
  // Coefficients have to stay within 16 bits when they are refined. No encoder shifts so far.
  if (info->Al > SHIFTED_VALUE_BIT_LIMIT - PAIR_VALUE_BIT_LIMIT) return false;
  if (info->Ss > 0) {
    const JHUFF_TBL *definition = info->ac_huff_tbl_ptrs[first->ac_tbl_no];
    decoder->refines_ac = info->Ah > 0;
    if (decoder->refines_ac) list_zigzag_places(decoder);
    decoder->row = 0;
    decoder->column = 0;
    plans[0] = (block_plan){.dc = &decoder->dc_tables[0], .ac = &decoder->ac_tables[0]};
    decoder->methods.decode_mcu = info->Ah > 0 ? decode_ac_refinement : decode_ac_first;
    return info->Ah > 0
               ? symbol_table_build(&decoder->dc_tables[0], definition)
               : pair_table_build(&decoder->ac_tables[0], definition, true);
  }
  decoder->methods.decode_mcu = info->Ah > 0 ? decode_dc_refinement : decode_dc_first;
  for (int index = 0; index < info->comps_in_scan && info->Ah == 0; index++) {
    const int table = info->cur_comp_info[index]->dc_tbl_no;
    if (!symbol_table_build(&decoder->dc_tables[table], info->dc_huff_tbl_ptrs[table])) {
      return false;
    }
  }
  for (int block = 0; block < info->blocks_in_MCU; block++) {
    const int index = info->MCU_membership[block];
    plans[block] = (block_plan){
        .dc = &decoder->dc_tables[info->cur_comp_info[index]->dc_tbl_no],
        .component = (uint8_t)index,
    };
  }
  return true;
}

#endif
