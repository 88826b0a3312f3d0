#include <stdlib.h>

#include "internal.h"

dnnl_data_type_t onednn_data_type(onednn_number number) {
  switch (number) {
    case ONEDNN_BFLOAT16: return dnnl_bf16;
    case ONEDNN_SIGNED8: return dnnl_s8;
    case ONEDNN_UNSIGNED8: return dnnl_u8;
    default: return dnnl_f32;
  }
}

dnnl_status_t onednn_descriptor(
    const onednn_layout *layout, int rank, const dnnl_dim_t *dimensions, onednn_number number,
    dnnl_memory_desc_t *descriptor) {
  if (layout) {
    *descriptor = layout->descriptor;
    return dnnl_success;
  }
  return dnnl_memory_desc_init_by_tag(
      descriptor, rank, dimensions, onednn_data_type(number), dnnl_format_tag_any);
}

static onednn_status make_layout(
    const int64_t *dimensions, int rank, dnnl_format_tag_t tag, onednn_number number,
    onednn_layout **layout, onednn_message *message) {
  onednn_layout *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "layout", message);
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(
      &made->descriptor, rank, dimensions, onednn_data_type(number), tag);
  if (status != dnnl_success) {
    free(made);
    return onednn_report(status, "layout", message);
  }
  *layout = made;
  return ONEDNN_OK;
}

onednn_status onednn_layout_create(
    const int64_t *dimensions, int rank, onednn_number number, onednn_layout **layout,
    onednn_message *message) {
  static const dnnl_format_tag_t row_major[] = {
      [1] = dnnl_a, [2] = dnnl_ab, [3] = dnnl_abc, [4] = dnnl_abcd, [5] = dnnl_abcde};
  if (rank < 1 || rank > 5) return onednn_report(dnnl_invalid_arguments, "layout", message);
  return make_layout(dimensions, rank, row_major[rank], number, layout, message);
}

onednn_status onednn_strided_layout_create(
    const int64_t *dimensions, const int64_t *strides, int rank, onednn_number number,
    onednn_layout **layout, onednn_message *message) {
  onednn_layout *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "layout", message);
  dnnl_status_t status = dnnl_memory_desc_init_by_strides(
      &made->descriptor, rank, dimensions, onednn_data_type(number), strides);
  if (status != dnnl_success) {
    free(made);
    return onednn_report(status, "layout", message);
  }
  *layout = made;
  return ONEDNN_OK;
}

onednn_status onednn_blocked_layout_create(
    const int64_t dimensions[4], int block, onednn_number number, onednn_layout **layout,
    onednn_message *message) {
  switch (block) {
    case 0: return make_layout(dimensions, 4, dnnl_acdb, number, layout, message);
    case 8: return make_layout(dimensions, 4, dnnl_aBcd8b, number, layout, message);
    case 16: return make_layout(dimensions, 4, dnnl_aBcd16b, number, layout, message);
    default: return onednn_report(dnnl_invalid_arguments, "layout", message);
  }
}

onednn_status onednn_layout_recast(
    const onednn_layout *layout, onednn_number number, onednn_layout **recast,
    onednn_message *message) {
  onednn_layout *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "layout", message);
  made->descriptor = layout->descriptor;
  made->descriptor.data_type = onednn_data_type(number);
  *recast = made;
  return ONEDNN_OK;
}

static onednn_status make_part(
    const onednn_layout *layout, const dnnl_dim_t *dimensions, const dnnl_dim_t *offsets,
    onednn_layout **part, onednn_message *message) {
  onednn_layout *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "layout", message);
  dnnl_status_t status =
      layout->descriptor.ndims == 4
          ? dnnl_memory_desc_init_submemory(
                &made->descriptor, &layout->descriptor, dimensions, offsets)
          : dnnl_invalid_arguments;
  if (status != dnnl_success) {
    free(made);
    return onednn_report(status, "part of a layout", message);
  }
  *part = made;
  return ONEDNN_OK;
}

onednn_status onednn_layout_channels(
    const onednn_layout *layout, int64_t offset, int64_t count, onednn_layout **part,
    onednn_message *message) {
  const dnnl_dim_t *whole = layout->descriptor.dims;
  const dnnl_dim_t dimensions[] = {whole[0], count, whole[2], whole[3]};
  const dnnl_dim_t offsets[] = {0, offset, 0, 0};
  return make_part(layout, dimensions, offsets, part, message);
}

onednn_status onednn_layout_pixels(
    const onednn_layout *layout, int64_t top, int64_t left, int64_t height, int64_t width,
    onednn_layout **part, onednn_message *message) {
  const dnnl_dim_t *whole = layout->descriptor.dims;
  const dnnl_dim_t dimensions[] = {whole[0], whole[1], height, width};
  const dnnl_dim_t offsets[] = {0, 0, top, left};
  return make_part(layout, dimensions, offsets, part, message);
}

void onednn_layout_destroy(onednn_layout *layout) {
  free(layout);
}

size_t onednn_layout_byte_count(const onednn_layout *layout) {
  return dnnl_memory_desc_get_size(&layout->descriptor);
}

bool onednn_layout_equal(const onednn_layout *a, const onednn_layout *b) {
  return dnnl_memory_desc_equal(&a->descriptor, &b->descriptor);
}
