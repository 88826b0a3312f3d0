#include "internal.h"

static dnnl_status_t append_clip(dnnl_post_ops_t operations, onednn_bounds bounds) {
  if (!bounds.applies) return dnnl_success;
  return dnnl_post_ops_append_eltwise(
      operations, 1, dnnl_eltwise_clip, bounds.lower, bounds.upper);
}

// Makes post-operations: a residual that is already in the destination, then ReLU or a clip; NULL
// if there is no memory.
static dnnl_status_t post_operations(const onednn_convolution *c, dnnl_post_ops_t *operations) {
  *operations = NULL;
  dnnl_status_t status = dnnl_post_ops_create(operations);
  if (status == dnnl_success && c->adds_to_destination)
    status = dnnl_post_ops_append_sum_v2(
        *operations, c->residual_scale, onednn_data_type(c->residual_number));
  if (status == dnnl_success && c->applies_relu)
    status = dnnl_post_ops_append_eltwise(*operations, 1, dnnl_eltwise_relu, 0, 0);
  if (status == dnnl_success) status = append_clip(*operations, c->bounds);
  return status;
}

// Counts the work in multiply-adds.
static int64_t convolution_work(const onednn_convolution *c) {
  return c->batch * c->output_channels * c->output_height * c->output_width *
         (c->input_channels / c->groups) * c->kernel_height * c->kernel_width;
}

onednn_convolution_shape onednn_convolution_shape_of(const onednn_convolution *c) {
  onednn_convolution_shape shape = {
      .weights_rank = c->groups > 1 ? 5 : 4,
      .strides = {c->stride_height, c->stride_width},
      .dilations = {c->dilation_height - 1, c->dilation_width - 1},
      .before = {c->padding_top, c->padding_left},
      .after = {c->padding_bottom, c->padding_right},
  };
  dnnl_dim_t *next = shape.weights;
  if (c->groups > 1) *next++ = c->groups;
  *next++ = c->output_channels / c->groups;
  *next++ = c->input_channels / c->groups;
  *next++ = c->kernel_height;
  *next = c->kernel_width;
  return shape;
}

onednn_status onednn_convolution_create(
    const onednn_engine *engine, const onednn_convolution *c, const float *scales,
    const onednn_layout *source, const onednn_layout *weights, const onednn_layout *destination,
    onednn_primitive **primitive, onednn_message *message) {
  const char *doing = "convolution";
  const dnnl_dim_t source_dims[] = {c->batch, c->input_channels, c->input_height, c->input_width};
  const dnnl_dim_t destination_dims[] = {
      c->batch, c->output_channels, c->output_height, c->output_width};
  const onednn_convolution_shape shape = onednn_convolution_shape_of(c);
  dnnl_memory_desc_t source_md, weights_md, bias_md, destination_md;
  dnnl_status_t status = onednn_descriptor(
      source, 4, source_dims, c->source_number, &source_md);
  if (status == dnnl_success)
    status = onednn_descriptor(
        weights, shape.weights_rank, shape.weights, c->weights_number, &weights_md);
  if (status == dnnl_success)
    status = dnnl_memory_desc_init_by_tag(
        &bias_md, 1, &c->output_channels, dnnl_f32, dnnl_format_tag_any);
  if (status == dnnl_success)
    status = onednn_descriptor(
        destination, 4, destination_dims, c->destination_number, &destination_md);
  dnnl_convolution_desc_t operation;
  if (status == dnnl_success)
    status = dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_inference, dnnl_convolution_direct, &source_md, &weights_md,
        c->has_bias ? &bias_md : NULL, &destination_md, shape.strides, shape.dilations,
        shape.before, shape.after);
  if (status != dnnl_success) return onednn_report(status, doing, message);
  dnnl_post_ops_t operations = NULL;
  status = post_operations(c, &operations);
  onednn_status made =
      status == dnnl_success
          ? onednn_primitive_make(
                engine, &operation,
                (onednn_finish){operations, scales, c->output_channels, c->source_zero, 0},
                weights ? ONEDNN_NO_REFERENCE : convolution_work(c), doing, primitive, message)
          : onednn_report(status, doing, message);
  dnnl_post_ops_destroy(operations);
  return made;
}

onednn_status onednn_pooling_create(
    const onednn_engine *engine, const onednn_pooling *p, const onednn_layout *source,
    onednn_primitive **primitive, onednn_message *message) {
  static const dnnl_alg_kind_t kinds[] = {
      [ONEDNN_MAXIMUM] = dnnl_pooling_max,
      [ONEDNN_AVERAGE_WITH_PADDING] = dnnl_pooling_avg_include_padding,
      [ONEDNN_AVERAGE_WITHOUT_PADDING] = dnnl_pooling_avg_exclude_padding};
  const dnnl_dim_t dims[] = {p->batch, p->channels, p->output_height, p->output_width};
  const dnnl_dim_t strides[] = {p->stride_height, p->stride_width};
  const dnnl_dim_t window[] = {p->window_height, p->window_width};
  const dnnl_dim_t before[] = {p->padding_top, p->padding_left};
  const dnnl_dim_t after[] = {p->padding_bottom, p->padding_right};
  dnnl_memory_desc_t destination;
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(
      &destination, 4, dims, source->descriptor.data_type, dnnl_format_tag_any);
  dnnl_pooling_desc_t operation;
  if (status == dnnl_success)
    status = dnnl_pooling_forward_desc_init(
        &operation, dnnl_forward_inference, kinds[p->kind], &source->descriptor, &destination,
        strides, window, before, after);
  if (status != dnnl_success) return onednn_report(status, "pooling", message);
  const int64_t work = p->batch * p->channels * p->output_height * p->output_width *
                       p->window_height * p->window_width;
  return onednn_primitive_make(
      engine, &operation, (onednn_finish){0}, work, "pooling", primitive, message);
}

// Multiply-adds that a plain loop takes for one number, including its address and a function such
// as exp.
static const int64_t multiply_adds_per_element = 16;

static int64_t elementwise_work(const onednn_layout *layout) {
  int64_t count = multiply_adds_per_element;
  for (int axis = 0; axis < layout->descriptor.ndims; axis++)
    count *= layout->descriptor.dims[axis];
  return count;
}

onednn_status onednn_elementwise_create(
    const onednn_engine *engine, onednn_elementwise_kind kind, float alpha, float beta,
    const onednn_layout *layout, onednn_primitive **primitive, onednn_message *message) {
  static const dnnl_alg_kind_t kinds[] = {
      [ONEDNN_RELU] = dnnl_eltwise_relu,
      [ONEDNN_LOGISTIC] = dnnl_eltwise_logistic,
      [ONEDNN_LINEAR] = dnnl_eltwise_linear,
      [ONEDNN_CLIP] = dnnl_eltwise_clip,
      [ONEDNN_ELU] = dnnl_eltwise_elu,
      [ONEDNN_GELU] = dnnl_eltwise_gelu_erf,
      [ONEDNN_TANH_GELU] = dnnl_eltwise_gelu_tanh,
      [ONEDNN_TANH] = dnnl_eltwise_tanh,
      [ONEDNN_SOFTPLUS] = dnnl_eltwise_soft_relu,
      [ONEDNN_EXPONENTIAL] = dnnl_eltwise_exp,
      [ONEDNN_LOGARITHM] = dnnl_eltwise_log,
      [ONEDNN_SQUARE_ROOT] = dnnl_eltwise_sqrt,
      [ONEDNN_POWER] = dnnl_eltwise_pow};
  static const char *const names[] = {
      [ONEDNN_RELU] = "ReLU",
      [ONEDNN_LOGISTIC] = "sigmoid",
      [ONEDNN_LINEAR] = "scale and shift",
      [ONEDNN_CLIP] = "clip",
      [ONEDNN_ELU] = "ELU",
      [ONEDNN_GELU] = "GELU",
      [ONEDNN_TANH_GELU] = "GELU by tanh",
      [ONEDNN_TANH] = "tanh",
      [ONEDNN_SOFTPLUS] = "softplus",
      [ONEDNN_EXPONENTIAL] = "exponential",
      [ONEDNN_LOGARITHM] = "logarithm",
      [ONEDNN_SQUARE_ROOT] = "square root",
      [ONEDNN_POWER] = "power"};
  dnnl_eltwise_desc_t operation;
  dnnl_status_t status = dnnl_eltwise_forward_desc_init(
      &operation, dnnl_forward_inference, kinds[kind], &layout->descriptor, alpha, beta);
  if (status != dnnl_success) return onednn_report(status, names[kind], message);
  return onednn_primitive_make(
      engine, &operation, (onednn_finish){0}, elementwise_work(layout), names[kind], primitive,
      message);
}

onednn_status onednn_combination_create(
    const onednn_engine *engine, onednn_combination_kind kind, const onednn_layout *source,
    const onednn_layout *addend, onednn_primitive **primitive, onednn_message *message) {
  static const dnnl_alg_kind_t kinds[] = {
      [ONEDNN_ADD] = dnnl_binary_add,
      [ONEDNN_MULTIPLY] = dnnl_binary_mul,
      [ONEDNN_SUBTRACT] = dnnl_binary_sub,
      [ONEDNN_DIVIDE] = dnnl_binary_div,
      [ONEDNN_MINIMUM_OF_TWO] = dnnl_binary_min,
      [ONEDNN_MAXIMUM_OF_TWO] = dnnl_binary_max};
  static const char *const names[] = {
      [ONEDNN_ADD] = "addition",
      [ONEDNN_MULTIPLY] = "multiplication",
      [ONEDNN_SUBTRACT] = "subtraction",
      [ONEDNN_DIVIDE] = "division",
      [ONEDNN_MINIMUM_OF_TWO] = "minimum",
      [ONEDNN_MAXIMUM_OF_TWO] = "maximum"};
  dnnl_binary_desc_t operation;
  dnnl_status_t status = dnnl_binary_desc_init(
      &operation, kinds[kind], &source->descriptor, &addend->descriptor, &source->descriptor);
  if (status != dnnl_success) return onednn_report(status, names[kind], message);
  return onednn_primitive_make(
      engine, &operation, (onednn_finish){0}, elementwise_work(source), names[kind], primitive,
      message);
}

onednn_status onednn_rows_create(
    const onednn_engine *engine, onednn_row_kind kind, int64_t rows, int64_t count, float epsilon,
    onednn_primitive **primitive, onednn_message *message) {
  const bool is_softmax = kind == ONEDNN_SOFTMAX;
  const char *doing = is_softmax ? "softmax" : "normalisation";
  const dnnl_dim_t dims[] = {rows, count};
  dnnl_memory_desc_t descriptor;
  dnnl_status_t status =
      dnnl_memory_desc_init_by_tag(&descriptor, 2, dims, dnnl_f32, dnnl_ab);
  dnnl_softmax_desc_t softmax;
  dnnl_layer_normalization_desc_t normalization;
  if (status == dnnl_success)
    status = is_softmax
                 ? dnnl_softmax_forward_desc_init(&softmax, dnnl_forward_inference, &descriptor, 1)
                 : dnnl_layer_normalization_forward_desc_init(
                       &normalization, dnnl_forward_inference, &descriptor, NULL, epsilon, 0);
  if (status != dnnl_success) return onednn_report(status, doing, message);
  const_dnnl_op_desc_t operation =
      is_softmax ? (const_dnnl_op_desc_t)&softmax : (const_dnnl_op_desc_t)&normalization;
  return onednn_primitive_make(
      engine, operation, (onednn_finish){0}, rows * count * multiply_adds_per_element, doing,
      primitive, message);
}

onednn_status onednn_resizing_create(
    const onednn_engine *engine, bool is_linear, const onednn_layout *source,
    const onednn_layout *destination, onednn_primitive **primitive, onednn_message *message) {
  dnnl_resampling_desc_t operation;
  dnnl_status_t status = dnnl_resampling_forward_desc_init(
      &operation, dnnl_forward_inference,
      is_linear ? dnnl_resampling_linear : dnnl_resampling_nearest, NULL, &source->descriptor,
      &destination->descriptor);
  if (status != dnnl_success) return onednn_report(status, "resizing", message);
  return onednn_primitive_make(
      engine, &operation, (onednn_finish){0}, elementwise_work(destination), "resizing", primitive,
      message);
}

onednn_status onednn_linear_create(
    const onednn_engine *engine, const onednn_linear *linear, const float *scales,
    const onednn_layout *weights, onednn_primitive **primitive, onednn_message *message) {
  const dnnl_dim_t source_dims[] = {
      linear->batch, linear->channels, linear->height, linear->width};
  const dnnl_dim_t weights_dims[] = {
      linear->outputs, linear->channels, linear->height, linear->width};
  const dnnl_dim_t destination_dims[] = {linear->batch, linear->outputs};
  dnnl_memory_desc_t source_md, weights_md, bias_md, destination_md;
  dnnl_status_t status =
      onednn_descriptor(NULL, 4, source_dims, linear->source_number, &source_md);
  if (status == dnnl_success)
    status = onednn_descriptor(weights, 4, weights_dims, linear->weights_number, &weights_md);
  if (status == dnnl_success)
    status = dnnl_memory_desc_init_by_tag(
        &bias_md, 1, &linear->outputs, dnnl_f32, dnnl_format_tag_any);
  if (status == dnnl_success)
    status = dnnl_memory_desc_init_by_tag(
        &destination_md, 2, destination_dims, dnnl_f32, dnnl_ab);
  dnnl_inner_product_desc_t operation;
  if (status == dnnl_success)
    status = dnnl_inner_product_forward_desc_init(
        &operation, dnnl_forward_inference, &source_md, &weights_md,
        linear->has_bias ? &bias_md : NULL, &destination_md);
  if (status != dnnl_success) return onednn_report(status, "linear layer", message);
  const int64_t work =
      linear->batch * linear->outputs * linear->channels * linear->height * linear->width;
  return onednn_primitive_make(
      engine, &operation, (onednn_finish){NULL, scales, linear->outputs, 0, 0},
      weights ? ONEDNN_NO_REFERENCE : work, "linear layer", primitive, message);
}

onednn_status onednn_reorder_create(
    const onednn_engine *engine, const onednn_layout *source, const onednn_layout *destination,
    float scale, int32_t source_zero, int32_t destination_zero, onednn_primitive **primitive,
    onednn_message *message) {
  dnnl_primitive_attr_t attributes = onednn_attributes(
      (onednn_finish){NULL, scale == 1 ? NULL : &scale, 1, source_zero, destination_zero});
  if (!attributes) return onednn_report(dnnl_out_of_memory, "reorder", message);
  dnnl_primitive_desc_t descriptor = NULL;
  onednn_making_begin();
  dnnl_status_t status = dnnl_reorder_primitive_desc_create(
      &descriptor, &source->descriptor, engine->engine, &destination->descriptor, engine->engine,
      attributes);
  onednn_status made = status == dnnl_success
                           ? onednn_primitive_wrap(descriptor, "reorder", primitive, message)
                           : onednn_report(status, "reorder", message);
  onednn_making_end();
  dnnl_primitive_attr_destroy(attributes);
  return made;
}
