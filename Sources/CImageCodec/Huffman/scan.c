#include "huffman_state.h"

#if CODEC_HUFFMAN_IS_AVAILABLE

#include <stdlib.h>

#include <jerror.h>

// One scan: where it begins and ends, its restarts, and what is not clean in it.

bool huffman_restart_now(codec_huffman *decoder, j_decompress_ptr info) {
  segment *segment = &decoder->segment;
  if (segment->end_kind == SEGMENT_CONTINUES) segment_copy(segment);
  const ptrdiff_t byte_count = segment->end - segment->reader.next;
  if (segment->end_kind != SEGMENT_ENDS_AT_MARKER ||
      byte_count * 8 + (ptrdiff_t)segment->reader.count >= 8) {
    return false;
  }
  const uint8_t *const marker = segment->source + 1;
  if (*marker != JPEG_RST0 + decoder->next_restart) return false;
  segment_start(segment, marker + 1, segment->source_end);
  decoder->next_restart = (decoder->next_restart + 1) & 7;
  decoder->restarts_to_go = info->restart_interval;
  decoder->band_end_run = 0;
  memset(decoder->last_dc, 0, sizeof decoder->last_dc);
  return true;
}

bool huffman_supply_more(codec_huffman *decoder) {
  segment *segment = &decoder->segment;
  if (segment->end_kind == SEGMENT_CONTINUES) segment_copy(segment);
  return segment->end_kind != SEGMENT_ENDS_ODDLY ||
         segment->end - segment->reader.next >= segment->unit_byte_limit;
}

/// Puts the source at the marker after the last unit. False if more than a little stands before it.
bool huffman_end_scan(codec_huffman *decoder, j_decompress_ptr info) {
  segment *segment = &decoder->segment;
  if (segment->end_kind == SEGMENT_CONTINUES) segment_copy(segment);
  const ptrdiff_t byte_count = segment->end - segment->reader.next;
  if (segment->end_kind != SEGMENT_ENDS_AT_MARKER ||
      byte_count * 8 + (ptrdiff_t)segment->reader.count >= (TAIL_BYTE_LIMIT + 1) * 8) {
    return false;
  }
  info->src->bytes_in_buffer -= (size_t)(segment->source - info->src->next_input_byte);
  info->src->next_input_byte = segment->source;
  return true;
}

/// Has the library's decoder read the units again that came before; what it gives is known.
static void repeat_units(codec_huffman *decoder, j_decompress_ptr info) {
  JBLOCKROW blocks[D_MAX_BLOCKS_IN_MCU];
  for (int index = 0; index < D_MAX_BLOCKS_IN_MCU; index++) {
    blocks[index] = &decoder->scratch[index];
  }
  const JDIMENSION width = info->MCUs_per_row;
  for (uint64_t unit = 0; unit < decoder->unit_index; unit++) {
    if (decoder->refines_ac) {
      memcpy(blocks[0], decoder->rows[unit / width] + unit % width, sizeof(JBLOCK));
      huffman_undo_refinement(info, *blocks[0]);
    }
    if (!decoder->library->decode_mcu(info, blocks)) ERREXIT(info, JERR_CANT_SUSPEND);
  }
}

boolean huffman_hand_over(j_decompress_ptr info, JBLOCKROW *blocks) {
  codec_huffman *decoder = huffman_of(info);
  info->entropy = decoder->library;
  repeat_units(decoder, info);
  if (decoder->refines_ac) huffman_undo_refinement(info, *blocks[0]);
  return decoder->library->decode_mcu(info, blocks);
}

// The member has another name where the library is built to be called as its versions 7 and 8.
#if JPEG_LIB_VERSION >= 70
#define SCALED_BLOCK_SIDE DCT_h_scaled_size
#else
#define SCALED_BLOCK_SIDE DCT_scaled_size
#endif

/// Builds the tables of a sequential scan, and plans its units.
static bool begin_sequential(codec_huffman *decoder, j_decompress_ptr info) {
  for (int index = 0; index < info->comps_in_scan; index++) {
    const jpeg_component_info *component = info->cur_comp_info[index];
    const int dc = component->dc_tbl_no;
    const int ac = component->ac_tbl_no;
    if (!symbol_table_build(&decoder->dc_tables[dc], info->dc_huff_tbl_ptrs[dc]) ||
        !pair_table_build(&decoder->ac_tables[ac], info->ac_huff_tbl_ptrs[ac], false)) {
      return false;
    }
  }
  for (int block = 0; block < info->blocks_in_MCU; block++) {
    const int index = info->MCU_membership[block];
    const jpeg_component_info *component = info->cur_comp_info[index];
    decoder->plans[block] = (block_plan){
        .dc = &decoder->dc_tables[component->dc_tbl_no],
        .ac = &decoder->ac_tables[component->ac_tbl_no],
        .component = (uint8_t)index,
        // At an eighth of the size only the mean of a block is seen.
        .keeps_ac = component->SCALED_BLOCK_SIDE > 1,
    };
  }
  decoder->methods.decode_mcu = huffman_decode_sequential;
  return true;
}

/// Returns whether the library has a table of this number, as its own decoder has made sure.
static bool has_tables(j_decompress_ptr info) {
  for (int index = 0; index < info->comps_in_scan; index++) {
    const jpeg_component_info *component = info->cur_comp_info[index];
    const int dc = component->dc_tbl_no;
    const int ac = component->ac_tbl_no;
    if (dc < 0 || dc >= NUM_HUFF_TBLS || ac < 0 || ac >= NUM_HUFF_TBLS) return false;
    const bool needs_dc = !info->progressive_mode || (info->Ss == 0 && info->Ah == 0);
    const bool needs_ac = !info->progressive_mode || info->Ss > 0;
    if (needs_dc && info->dc_huff_tbl_ptrs[dc] == NULL) return false;
    if (needs_ac && info->ac_huff_tbl_ptrs[ac] == NULL) return false;
  }
  return true;
}

/// Prepares for a scan that the library's decoder is prepared for. False if it is left to that.
static bool begin_scan(codec_huffman *decoder, j_decompress_ptr info) {
  if (info->unread_marker != 0 || !has_tables(info)) return false;
  decoder->unit_count = (uint64_t)info->MCUs_per_row * info->MCU_rows_in_scan;
  decoder->unit_index = 0;
  decoder->segment.unit_byte_limit = info->blocks_in_MCU * BLOCK_BIT_LIMIT / 8 + 16;
  decoder->restarts_to_go = info->restart_interval;
  decoder->next_restart = 0;
  memset(decoder->last_dc, 0, sizeof decoder->last_dc);
  decoder->band_end_run = 0;
  decoder->refines_ac = false;
  const uint8_t *const source = info->src->next_input_byte;
  segment_start(&decoder->segment, source, source + info->src->bytes_in_buffer);
  return info->progressive_mode ? huffman_begin_progressive(decoder, info)
                                : begin_sequential(decoder, info);
}

/// Begins a scan after the first; the library's part comes first and leaves by its error handler
/// if the header or the tables are wrong.
static void start_pass(j_decompress_ptr info) {
  codec_huffman *decoder = huffman_of(info);
  const bool is_orderly = !info->progressive_mode || huffman_is_orderly(info);
  info->entropy = decoder->library;
  decoder->library->start_pass(info);
  if (is_orderly && begin_scan(decoder, info)) info->entropy = &decoder->methods;
}

bool codec_huffman_pays(size_t byte_count) {
  return byte_count >= IMAGE_CODEC_OWN_HUFFMAN_BYTE_COUNT;
}

uint64_t codec_huffman_byte_count(j_decompress_ptr info) {
  uint32_t rows = 0;
  if (info->progressive_mode) {
    for (int index = 0; index < info->num_components; index++) {
      const uint32_t height = info->comp_info[index].height_in_blocks;
      if (height > rows) rows = height;
    }
  }
  return rows * sizeof(JBLOCKROW);
}

codec_huffman *codec_huffman_attach(j_decompress_ptr info) {
  struct jpeg_entropy_decoder *library = info->entropy;
  if (info->arith_code || info->data_precision != 8 || library == NULL ||
      info->input_scan_number != 1 || info->input_iMCU_row != 0 ||
      (info->progressive_mode && info->Ah != 0)) {
    return NULL;
  }
  codec_huffman *decoder = malloc(sizeof *decoder + codec_huffman_byte_count(info));
  if (decoder == NULL) return NULL;
  decoder->methods = *library;
  decoder->methods.start_pass = start_pass;
  memset(decoder->further_members, 0, sizeof decoder->further_members);
  memset(decoder->scratch, 0, sizeof decoder->scratch);
  decoder->library = library;
  decoder->rows = (JBLOCKROW *)(void *)(decoder + 1);
  if (!begin_scan(decoder, info)) {
    free(decoder);
    return NULL;
  }
  info->entropy = &decoder->methods;
  return decoder;
}

bool codec_huffman_is_in_charge(
    const codec_huffman *decoder, const struct jpeg_decompress_struct *info) {
  return decoder != NULL && info->entropy == &decoder->methods;
}

void codec_huffman_free(codec_huffman *decoder) { free(decoder); }

#else

bool codec_huffman_pays(size_t byte_count) { return (void)byte_count, false; }
uint64_t codec_huffman_byte_count(j_decompress_ptr info) { return (void)info, 0; }
codec_huffman *codec_huffman_attach(j_decompress_ptr info) { return (void)info, NULL; }
bool codec_huffman_is_in_charge(
    const codec_huffman *decoder, const struct jpeg_decompress_struct *info) {
  return (void)decoder, (void)info, false;
}
void codec_huffman_free(codec_huffman *decoder) { (void)decoder; }

#endif
