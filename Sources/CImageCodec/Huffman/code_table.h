#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

#include "bit_reader.h"

enum {
  /// Bits by which the tables of AC coefficients are indexed, …
  PAIR_LOOKAHEAD = 11,
  /// … and those of single symbols.
  SYMBOL_LOOKAHEAD = 9,
  /// Skips that lead out of every block.
  END_OF_BLOCK_SKIP = 64,
  NO_COEFFICIENT_SKIP = 127,
  /// Bits of the largest value, shifted, of a progressive scan, so that refining it stays within 16
  /// bits.
  SHIFTED_VALUE_BIT_LIMIT = 14,
};

/// Codes of a Huffman table by their lengths.
typedef struct code_list {
  /// For each length, the first 16 bits beyond its codes; and what leads from a code to its place
  /// in `symbols`.
  uint32_t limits[17];
  int32_t offsets[17];
  uint8_t symbols[256];
} code_list;

/// Table that gives a symbol: its place is the next bits. An entry is the symbol, and from bit 8 on
/// the bits of its code; 0 if that is longer.
typedef struct symbol_table {
  uint16_t entries[1 << SYMBOL_LOOKAHEAD];
  code_list codes;
} symbol_table;

/// The one or two coefficients that the next bits stand for, in 32 bits, from the lowest on:
///
///   6  bits of all; 0 if the bits do not hold a whole coefficient
///   5  places from the coefficient before to the first; 0 for an end of block alone
///   7  places from the coefficient before to the last: END_OF_BLOCK_SKIP more where an end of
///      block follows, NO_COEFFICIENT_SKIP if the bits do not hold a whole coefficient
///   7  the second, signed; the same as the first if there is only one
///   7  the first, signed
///
/// Where the bits do not hold a whole coefficient, the upper 14 are the symbol and the bits of its
/// code, 0 if that is longer: 8 and 6.
typedef uint32_t pair_entry;

enum {
  PAIR_FIRST_SKIP_BIT = 6,
  PAIR_SKIP_BIT = 11,
  PAIR_SECOND_BIT = 18,
  PAIR_FIRST_BIT = 25,
  /// Bits of the largest value in a table.
  PAIR_VALUE_BIT_LIMIT = 6,
};

static inline uint32_t pair_bit_count(pair_entry entry) { return entry & 63; }
static inline uint32_t pair_first_skip(pair_entry entry) {
  return entry >> PAIR_FIRST_SKIP_BIT & 31;
}
static inline uint32_t pair_skip(pair_entry entry) { return entry >> PAIR_SKIP_BIT & 127; }
static inline int32_t pair_first(pair_entry entry) { return (int32_t)entry >> PAIR_FIRST_BIT; }
static inline int32_t pair_second(pair_entry entry) {
  return (int32_t)(entry << (PAIR_FIRST_BIT - PAIR_SECOND_BIT)) >> PAIR_FIRST_BIT;
}

/// Table that gives the runs and values of AC coefficients.
typedef struct pair_table {
  pair_entry entries[1 << PAIR_LOOKAHEAD];
  code_list codes;
} pair_table;

/// Builds a table of symbols. False if there are too many codes.
bool symbol_table_build(symbol_table *table, const JHUFF_TBL *definition);

/// Builds a table of coefficients. In a progressive scan most ends of a band are those of several,
/// which are left to the reader of single symbols. False if there are too many codes.
bool pair_table_build(pair_table *table, const JHUFF_TBL *definition, bool is_progressive);

/// Takes the code of a symbol that is longer than `lookahead`; returns -1 if there is no such code.
static inline int code_list_take_long(
    const code_list *codes, int lookahead, bit_reader *reader) {
  const uint32_t bits = (uint32_t)(reader->bits >> 48);
  for (int length = lookahead + 1; length <= 16; length++) {
    if (bits >= codes->limits[length]) continue;
    bit_reader_drop(reader, (uint32_t)length);
    return codes->symbols[(int32_t)(bits >> (16 - length)) + codes->offsets[length]];
  }
  return -1;
}

/// Takes the next code, of the 16 bits that are ready, and returns its symbol, or -1.
static inline int symbol_table_take(const symbol_table *table, bit_reader *reader) {
  const uint32_t entry = table->entries[reader->bits >> (64 - SYMBOL_LOOKAHEAD)];
  if (entry == 0) return code_list_take_long(&table->codes, SYMBOL_LOOKAHEAD, reader);
  bit_reader_drop(reader, entry >> 8);
  return entry & 255;
}

/// Takes the next code, for which the table has no whole coefficient; returns its symbol, or -1.
static inline int pair_table_take_symbol(const pair_table *table, bit_reader *reader) {
  const uint32_t entry = table->entries[reader->bits >> (64 - PAIR_LOOKAHEAD)];
  const uint32_t length = entry >> (PAIR_SECOND_BIT + 8);
  if (length == 0) return code_list_take_long(&table->codes, PAIR_LOOKAHEAD, reader);
  bit_reader_drop(reader, length);
  return (int)(entry >> PAIR_SECOND_BIT & 255);
}

/// Takes the first of the coefficients that the table has for the next bits.
static inline void pair_table_drop_first(const pair_table *table, bit_reader *reader) {
  const int symbol = code_list_take_long(&table->codes, 0, reader);
  bit_reader_drop(reader, (uint32_t)symbol & 15);
}
