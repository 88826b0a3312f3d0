#pragma once

#include <dnnl.h>

#include "COneDNN.h"

#pragma clang assume_nonnull begin

struct onednn_engine {
  dnnl_engine_t engine;
};

struct onednn_stream {
  dnnl_stream_t stream;
};

struct onednn_layout {
  dnnl_memory_desc_t descriptor;
};

struct onednn_primitive {
  dnnl_primitive_desc_t descriptor;
  dnnl_primitive_t primitive;
};

// Turns the library's status into ours, with a message about what was being done.
onednn_status onednn_report(dnnl_status_t status, const char *doing, onednn_message *message);

// Operations of a primitive on its sums; scales are NULL for none.
typedef struct {
  const_dnnl_post_ops_t _Nullable post_operations;
  const float *_Nullable scales;
  int64_t scale_count;
  // Integers that stand for zero; 0 for numbers of other types.
  int32_t source_zero, destination_zero;
} onednn_finish;

dnnl_data_type_t onednn_data_type(onednn_number number);

// Held while a descriptor and its primitive are made. oneDNN 2.6 now and then returns a primitive
// that computes wrong numbers if another thread makes one for another type of numbers meanwhile,
// whatever the size of its cache; SideBySideTests shows it.
void onednn_making_begin(void);
void onednn_making_end(void);

// Numbers of a convolution in the order and types that the library wants.
typedef struct {
  // Weights [K, C, H, W] or [G, K/G, C/G, H, W].
  int weights_rank;
  dnnl_dim_t weights[5];
  dnnl_dim_t strides[2], dilations[2], before[2], after[2];
} onednn_convolution_shape;

onednn_convolution_shape onednn_convolution_shape_of(const onednn_convolution *convolution);

// Makes the primitive of an operation descriptor, with the caller providing the scratchpad: by the
// library's first implementation that is not a reference one, or by a reference one if `work` is
// small or the processor not an x86-64.
onednn_status onednn_primitive_make(
    const onednn_engine *engine, const_dnnl_op_desc_t operation, onednn_finish finish,
    int64_t work, const char *doing, onednn_primitive *_Nullable *_Nonnull primitive,
    onednn_message *message);

// Work that stands for an operation whose reference implementation is not wanted, however small it
// is.
#define ONEDNN_NO_REFERENCE INT64_MAX

// Takes ownership of the descriptor; `making` must be held.
onednn_status onednn_primitive_wrap(
    dnnl_primitive_desc_t descriptor, const char *doing,
    onednn_primitive *_Nullable *_Nonnull primitive, onednn_message *message);

// Returns the descriptor of a tensor whose layout the primitive chooses, unless one is given.
dnnl_status_t onednn_descriptor(
    const onednn_layout *_Nullable layout, int rank, const dnnl_dim_t *dimensions,
    onednn_number number, dnnl_memory_desc_t *descriptor);

// Returns the attributes that every primitive here is made with; NULL if out of memory.
dnnl_primitive_attr_t _Nullable onednn_attributes(onednn_finish finish);

#pragma clang assume_nonnull end
