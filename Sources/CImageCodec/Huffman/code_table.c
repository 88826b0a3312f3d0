#include "code_table.h"

/// Lists the codes of a definition, ITU-T T.81, C.2, and tells each that is no longer than
/// `lookahead` to `fill`. False if there are too many.
static bool list_codes(
    code_list *codes, const JHUFF_TBL *definition, uint32_t lookahead,
    void (*fill)(void *table, uint32_t first, uint32_t length, uint8_t symbol), void *table) {
  uint32_t code = 0;
  uint32_t place = 0;
  for (uint32_t length = 1; length <= 16; length++) {
    const uint32_t count = definition->bits[length];
    if (place + count > 256 || code + count > 1u << length) return false;
    codes->offsets[length] = (int32_t)place - (int32_t)code;
    for (uint32_t index = 0; index < count; index++, code++, place++) {
      codes->symbols[place] = definition->huffval[place];
      if (length <= lookahead) {
        fill(table, code << (lookahead - length), length, codes->symbols[place]);
      }
    }
    codes->limits[length] = code << (16 - length);
    code <<= 1;
  }
  return true;
}

static void fill_symbol(void *opaque, uint32_t first, uint32_t length, uint8_t symbol) {
  symbol_table *table = opaque;
  const uint32_t count = 1u << (SYMBOL_LOOKAHEAD - length);
  for (uint32_t index = 0; index < count; index++) {
    table->entries[first + index] = (uint16_t)(length << 8 | symbol);
  }
}

bool symbol_table_build(symbol_table *table, const JHUFF_TBL *definition) {
  memset(table->entries, 0, sizeof table->entries);
  return list_codes(&table->codes, definition, SYMBOL_LOOKAHEAD, fill_symbol, table);
}

static void fill_packed(void *opaque, uint32_t first, uint32_t length, uint8_t symbol) {
  pair_table *table = opaque;
  const uint32_t count = 1u << (PAIR_LOOKAHEAD - length);
  const pair_entry entry = (uint32_t)NO_COEFFICIENT_SKIP << PAIR_SKIP_BIT |
                           (uint32_t)symbol << PAIR_SECOND_BIT | length << (PAIR_SECOND_BIT + 8);
  for (uint32_t index = 0; index < count; index++) table->entries[first + index] = entry;
}

static pair_entry pack(
    int32_t first, int32_t second, uint32_t first_skip, uint32_t skip, uint32_t bit_count) {
  return (uint32_t)first << PAIR_FIRST_BIT | ((uint32_t)second & 127) << PAIR_SECOND_BIT |
         skip << PAIR_SKIP_BIT | first_skip << PAIR_FIRST_SKIP_BIT | bit_count;
}

/// Returns the entry of a coefficient or end of block, or `packed` if the bits of `index` do not
/// hold one as a whole.
static pair_entry single_entry(pair_entry packed, uint32_t index, bool is_progressive) {
  const uint32_t length = packed >> (PAIR_SECOND_BIT + 8);
  const uint32_t run = packed >> (PAIR_SECOND_BIT + 4) & 15;
  const uint32_t size = packed >> PAIR_SECOND_BIT & 15;
  if (length == 0) return packed;
  if (size == 0) {
    const bool is_end = is_progressive ? run == 0 : run < 15;
    return is_end ? pack(0, 0, 0, END_OF_BLOCK_SKIP, length) : packed;
  }
  const uint32_t bit_count = length + size;
  if (bit_count > PAIR_LOOKAHEAD || size > PAIR_VALUE_BIT_LIMIT) return packed;
  const int32_t bits = (int32_t)(index >> (PAIR_LOOKAHEAD - bit_count) & ((1u << size) - 1));
  const int32_t value = bits + (bits >> (size - 1) == 0 ? 1 - (1 << size) : 0);
  return pack(value, value, run + 1, run + 1, bit_count);
}

/// Returns the entry of what `first` gives and what follows it, if the bits of `index` hold that.
static pair_entry pair_of(const pair_entry *singles, pair_entry first, uint32_t index) {
  const uint32_t first_skip = pair_first_skip(first);
  if (pair_bit_count(first) == 0 || first_skip == 0) return first;
  const pair_entry next =
      singles[index << pair_bit_count(first) & ((1u << PAIR_LOOKAHEAD) - 1)];
  const uint32_t bit_count = pair_bit_count(first) + pair_bit_count(next);
  if (pair_bit_count(next) == 0 || bit_count > PAIR_LOOKAHEAD) return first;
  const bool is_end = pair_first_skip(next) == 0;
  return pack(
      pair_first(first), is_end ? 0 : pair_first(next), first_skip,
      first_skip + pair_skip(next), bit_count);
}

bool pair_table_build(pair_table *table, const JHUFF_TBL *definition, bool is_progressive) {
  const pair_entry none = (uint32_t)NO_COEFFICIENT_SKIP << PAIR_SKIP_BIT;
  for (uint32_t index = 0; index < 1u << PAIR_LOOKAHEAD; index++) table->entries[index] = none;
  if (!list_codes(&table->codes, definition, PAIR_LOOKAHEAD, fill_packed, table)) return false;
  pair_entry singles[1 << PAIR_LOOKAHEAD];
  for (uint32_t index = 0; index < 1u << PAIR_LOOKAHEAD; index++) {
    singles[index] = single_entry(table->entries[index], index, is_progressive);
  }
  for (uint32_t index = 0; index < 1u << PAIR_LOOKAHEAD; index++) {
    table->entries[index] = pair_of(singles, singles[index], index);
  }
  return true;
}
