#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

onednn_status onednn_report(dnnl_status_t status, const char *doing, onednn_message *message) {
  if (status == dnnl_success) return ONEDNN_OK;
  const char *reason = status == dnnl_out_of_memory      ? "out of memory"
                       : status == dnnl_unimplemented    ? "only a slow loop here, or nothing"
                       : status == dnnl_invalid_arguments ? "invalid arguments"
                                                         : "runtime error";
  snprintf(message->characters, sizeof message->characters, "oneDNN, %s: %s", doing, reason);
  return status == dnnl_out_of_memory   ? ONEDNN_OUT_OF_MEMORY
         : status == dnnl_unimplemented ? ONEDNN_UNIMPLEMENTED
                                        : ONEDNN_FAILED;
}

dnnl_primitive_attr_t onednn_attributes(onednn_finish finish) {
  dnnl_primitive_attr_t attributes = NULL;
  if (dnnl_primitive_attr_create(&attributes) != dnnl_success) return NULL;
  dnnl_status_t status =
      dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success && finish.post_operations)
    status = dnnl_primitive_attr_set_post_ops(attributes, finish.post_operations);
  // One scale for all, or one for each channel of the destination's second dimension.
  if (status == dnnl_success && finish.scales)
    status = dnnl_primitive_attr_set_output_scales(
        attributes, finish.scale_count, finish.scale_count > 1 ? 1 << 1 : 0, finish.scales);
  if (status == dnnl_success && finish.source_zero)
    status =
        dnnl_primitive_attr_set_zero_points(attributes, DNNL_ARG_SRC, 1, 0, &finish.source_zero);
  if (status == dnnl_success && finish.destination_zero)
    status = dnnl_primitive_attr_set_zero_points(
        attributes, DNNL_ARG_DST, 1, 0, &finish.destination_zero);
  if (status == dnnl_success) return attributes;
  dnnl_primitive_attr_destroy(attributes);
  return NULL;
}

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

void onednn_making_begin(void) {
  pthread_mutex_lock(&making);
}

void onednn_making_end(void) {
  pthread_mutex_unlock(&making);
}

static const char *implementation(const_dnnl_primitive_desc_t descriptor) {
  const char *name = NULL;
  dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name);
  return name ? name : "";
}

// Whether the library generates code for the processor. For others, but for those with vectors of
// 512 bits, it has only what a compiler made: the best is `gemm:ref`, products of blocks that a
// cache holds, and often there is nothing but a plain loop. A sum of two tensors never has more.
#if defined(__x86_64__)
static const bool is_generated = true;
#else
static const bool is_generated = false;
#endif

// `ref:any`, `ref_int8:any`; `gemm:ref`, `gemm_s8u8s32:ref` where there is something better.
static bool is_reference(const_dnnl_primitive_desc_t descriptor) {
  const char *name = implementation(descriptor);
  const char *last = strrchr(name, ':');
  return strncmp(name, "ref", 3) == 0 || (is_generated && last && strcmp(last, ":ref") == 0);
}

static bool may_be_reference(int64_t work) {
  return is_generated ? work <= ONEDNN_REFERENCE_WORK_LIMIT : work != ONEDNN_NO_REFERENCE;
}

// Finds the first implementation, in the library's order, that is not a reference one; else the
// first of these, if it may do the work. NULL if there is none.
static dnnl_status_t choose(
    const onednn_engine *engine, const_dnnl_op_desc_t operation,
    const_dnnl_primitive_attr_t attributes, int64_t work, dnnl_primitive_desc_t *chosen) {
  *chosen = NULL;
  dnnl_primitive_desc_iterator_t iterator = NULL;
  dnnl_status_t status = dnnl_primitive_desc_iterator_create(
      &iterator, operation, attributes, engine->engine, NULL);
  dnnl_primitive_desc_t reference = NULL;
  while (status == dnnl_success) {
    dnnl_primitive_desc_t descriptor = dnnl_primitive_desc_iterator_fetch(iterator);
    if (!descriptor) {
      status = dnnl_out_of_memory;
      break;
    }
    if (!is_reference(descriptor)) {
      *chosen = descriptor;
      break;
    }
    if (!reference && may_be_reference(work))
      reference = descriptor;
    else
      dnnl_primitive_desc_destroy(descriptor);
    status = dnnl_primitive_desc_iterator_next(iterator);
  }
  if (iterator) dnnl_primitive_desc_iterator_destroy(iterator);
  const bool is_last = status == dnnl_iterator_ends || status == dnnl_unimplemented;
  if (!*chosen && reference && is_last) {
    *chosen = reference;
    return dnnl_success;
  }
  if (reference) dnnl_primitive_desc_destroy(reference);
  return is_last ? dnnl_unimplemented : status;
}

onednn_status onednn_primitive_make(
    const onednn_engine *engine, const_dnnl_op_desc_t operation, onednn_finish finish,
    int64_t work, const char *doing, onednn_primitive **primitive, onednn_message *message) {
  dnnl_primitive_attr_t attributes = onednn_attributes(finish);
  if (!attributes) return onednn_report(dnnl_out_of_memory, doing, message);
  dnnl_primitive_desc_t descriptor = NULL;
  onednn_making_begin();
  dnnl_status_t status = choose(engine, operation, attributes, work, &descriptor);
  onednn_status made = status == dnnl_success
                           ? onednn_primitive_wrap(descriptor, doing, primitive, message)
                           : onednn_report(status, doing, message);
  onednn_making_end();
  dnnl_primitive_attr_destroy(attributes);
  return made;
}

onednn_status onednn_primitive_wrap(
    dnnl_primitive_desc_t descriptor, const char *doing, onednn_primitive **primitive,
    onednn_message *message) {
  onednn_primitive *made = malloc(sizeof *made);
  dnnl_status_t status = dnnl_out_of_memory;
  if (made) {
    made->descriptor = descriptor;
    status = dnnl_primitive_create(&made->primitive, descriptor);
  }
  if (status != dnnl_success) {
    dnnl_primitive_desc_destroy(descriptor);
    free(made);
    return onednn_report(status, doing, message);
  }
  *primitive = made;
  return ONEDNN_OK;
}

void onednn_primitive_destroy(onednn_primitive *primitive) {
  dnnl_primitive_destroy(primitive->primitive);
  dnnl_primitive_desc_destroy(primitive->descriptor);
  free(primitive);
}

// A normalisation describes scales and shifts even if it is made without.
static bool has_weights(const_dnnl_primitive_desc_t descriptor) {
  dnnl_primitive_kind_t kind = dnnl_undefined_primitive;
  dnnl_primitive_desc_query(descriptor, dnnl_query_primitive_kind, 0, &kind);
  return kind != dnnl_layer_normalization;
}

static const dnnl_memory_desc_t *argument(const onednn_primitive *primitive, onednn_role role) {
  const_dnnl_primitive_desc_t descriptor = primitive->descriptor;
  switch (role) {
    case ONEDNN_SOURCE: return dnnl_primitive_desc_query_md(descriptor, dnnl_query_src_md, 0);
    case ONEDNN_ADDEND: return dnnl_primitive_desc_query_md(descriptor, dnnl_query_src_md, 1);
    case ONEDNN_WEIGHTS:
      return has_weights(descriptor)
                 ? dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 0)
                 : NULL;
    case ONEDNN_BIAS: return dnnl_primitive_desc_query_md(descriptor, dnnl_query_weights_md, 1);
    case ONEDNN_DESTINATION: return dnnl_primitive_desc_query_md(descriptor, dnnl_query_dst_md, 0);
    case ONEDNN_SCRATCHPAD:
      return dnnl_primitive_desc_query_md(descriptor, dnnl_query_scratchpad_md, 0);
    case ONEDNN_SOURCE_GRADIENT:
      return dnnl_primitive_desc_query_md(descriptor, dnnl_query_diff_src_md, 0);
    case ONEDNN_WEIGHTS_GRADIENT:
      return dnnl_primitive_desc_query_md(descriptor, dnnl_query_diff_weights_md, 0);
    case ONEDNN_BIAS_GRADIENT:
      return dnnl_primitive_desc_query_md(descriptor, dnnl_query_diff_weights_md, 1);
    case ONEDNN_DESTINATION_GRADIENT:
      return dnnl_primitive_desc_query_md(descriptor, dnnl_query_diff_dst_md, 0);
    default: return NULL;
  }
}

onednn_status onednn_primitive_layout(
    const onednn_primitive *primitive, onednn_role role, onednn_layout **layout,
    onednn_message *message) {
  const dnnl_memory_desc_t *descriptor = argument(primitive, role);
  if (!descriptor) return onednn_report(dnnl_invalid_arguments, "layout of an argument", message);
  onednn_layout *made = malloc(sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "layout of an argument", message);
  made->descriptor = *descriptor;
  *layout = made;
  return ONEDNN_OK;
}

size_t onednn_primitive_byte_count(const onednn_primitive *primitive, onednn_role role) {
  const dnnl_memory_desc_t *descriptor = argument(primitive, role);
  return descriptor ? dnnl_memory_desc_get_size(descriptor) : 0;
}

const char *onednn_primitive_implementation(const onednn_primitive *primitive) {
  return implementation(primitive->descriptor);
}

bool onednn_primitive_is_reference(const onednn_primitive *primitive) {
  return is_reference(primitive->descriptor);
}

void onednn_cache_empty(void) {
  int capacity;
  onednn_making_begin();
  // A smaller capacity evicts what does not fit; the library has no other way to empty its cache.
  if (dnnl_get_primitive_cache_capacity(&capacity) == dnnl_success &&
      dnnl_set_primitive_cache_capacity(0) == dnnl_success)
    dnnl_set_primitive_cache_capacity(capacity);
  onednn_making_end();
}

// The library's numbers of the roles as execution arguments.
static const int argument_numbers[ONEDNN_ROLE_COUNT] = {
    [ONEDNN_SOURCE] = DNNL_ARG_SRC,           [ONEDNN_ADDEND] = DNNL_ARG_SRC_1,
    [ONEDNN_WEIGHTS] = DNNL_ARG_WEIGHTS,      [ONEDNN_BIAS] = DNNL_ARG_BIAS,
    [ONEDNN_DESTINATION] = DNNL_ARG_DST,      [ONEDNN_SCRATCHPAD] = DNNL_ARG_SCRATCHPAD,
    [ONEDNN_SOURCE_GRADIENT] = DNNL_ARG_DIFF_SRC,
    [ONEDNN_WEIGHTS_GRADIENT] = DNNL_ARG_DIFF_WEIGHTS,
    [ONEDNN_BIAS_GRADIENT] = DNNL_ARG_DIFF_BIAS,
    [ONEDNN_DESTINATION_GRADIENT] = DNNL_ARG_DIFF_DST,
};

struct onednn_binding {
  dnnl_primitive_t primitive;
  int count;
  dnnl_exec_arg_t arguments[ONEDNN_ROLE_COUNT];
};

void onednn_binding_destroy(onednn_binding *binding) {
  for (int index = 0; index < binding->count; index++)
    dnnl_memory_destroy(binding->arguments[index].memory);
  free(binding);
}

onednn_status onednn_binding_create(
    const onednn_engine *engine, const onednn_primitive *primitive, void *const *addresses,
    onednn_binding **binding, onednn_message *message) {
  onednn_binding *made = calloc(1, sizeof *made);
  if (!made) return onednn_report(dnnl_out_of_memory, "binding", message);
  made->primitive = primitive->primitive;
  for (int role = 0; role < ONEDNN_ROLE_COUNT; role++) {
    const dnnl_memory_desc_t *descriptor = argument(primitive, (onednn_role)role);
    // The library reports 0 bytes for a part that does not begin where the whole does.
    if (!descriptor ||
        (dnnl_memory_desc_get_size(descriptor) == 0 && descriptor->offset0 == 0))
      continue;
    dnnl_exec_arg_t *bound = &made->arguments[made->count];
    bound->arg = argument_numbers[role];
    dnnl_status_t status =
        addresses[role]
            ? dnnl_memory_create(&bound->memory, descriptor, engine->engine, addresses[role])
            : dnnl_invalid_arguments;
    if (status != dnnl_success) {
      onednn_binding_destroy(made);
      return onednn_report(status, "binding an argument", message);
    }
    made->count++;
  }
  *binding = made;
  return ONEDNN_OK;
}

onednn_status onednn_binding_run(
    const onednn_binding *binding, const onednn_stream *stream, onednn_message *message) {
  dnnl_status_t status = dnnl_primitive_execute(
      binding->primitive, stream->stream, binding->count, binding->arguments);
  return onednn_report(status, "execution", message);
}
