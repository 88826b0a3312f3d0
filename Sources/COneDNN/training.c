#include "internal.h"

// Tells whether this is the pass that the library computes wrongly; see the header.
static bool is_broken(const onednn_convolution *c, onednn_pass pass) {
  return pass == ONEDNN_TO_WEIGHTS && c->kernel_height == 1 && c->kernel_width == 1 &&
         (c->stride_height > 1 || c->stride_width > 1) && c->input_channels / c->groups < 16;
}

static int64_t work(const onednn_convolution *c) {
  return c->batch * c->output_channels * c->output_height * c->output_width *
         (c->input_channels / c->groups) * c->kernel_height * c->kernel_width;
}

onednn_status onednn_training_convolution_create(
    const onednn_engine *engine, const onednn_convolution *c, onednn_pass pass,
    const onednn_layout *source, const onednn_layout *weights, const onednn_layout *destination,
    onednn_primitive **primitive, onednn_message *message) {
  static const char *const names[] = {
      [ONEDNN_FORWARD] = "convolution",
      [ONEDNN_TO_SOURCE] = "gradient of a convolution's source",
      [ONEDNN_TO_WEIGHTS] = "gradient of a convolution's weights"};
  if (is_broken(c, pass)) return onednn_report(dnnl_unimplemented, names[pass], message);
  const onednn_convolution_shape shape = onednn_convolution_shape_of(c);
  const dnnl_memory_desc_t *source_md = &source->descriptor;
  const dnnl_memory_desc_t *destination_md = &destination->descriptor;
  // Gradients of weights are sums over many pixels, of which bfloat16 would leave 8 bits.
  const onednn_number number =
      pass == ONEDNN_TO_WEIGHTS ? ONEDNN_FLOAT32 : c->weights_number;
  dnnl_memory_desc_t weights_md, bias_md;
  dnnl_status_t status = onednn_descriptor(
      weights, shape.weights_rank, shape.weights, number, &weights_md);
  if (status == dnnl_success)
    status =
        dnnl_memory_desc_init_by_tag(&bias_md, 1, &c->output_channels, dnnl_f32, dnnl_a);
  const dnnl_memory_desc_t *bias = c->has_bias ? &bias_md : NULL;
  dnnl_convolution_desc_t operation;
  if (status == dnnl_success && pass == ONEDNN_FORWARD)
    status = dnnl_dilated_convolution_forward_desc_init(
        &operation, dnnl_forward_training, dnnl_convolution_direct, source_md, &weights_md, bias,
        destination_md, shape.strides, shape.dilations, shape.before, shape.after);
  if (status == dnnl_success && pass == ONEDNN_TO_SOURCE)
    status = dnnl_dilated_convolution_backward_data_desc_init(
        &operation, dnnl_convolution_direct, source_md, &weights_md, destination_md, shape.strides,
        shape.dilations, shape.before, shape.after);
  if (status == dnnl_success && pass == ONEDNN_TO_WEIGHTS)
    status = dnnl_dilated_convolution_backward_weights_desc_init(
        &operation, dnnl_convolution_direct, source_md, &weights_md, bias, destination_md,
        shape.strides, shape.dilations, shape.before, shape.after);
  if (status != dnnl_success) return onednn_report(status, names[pass], message);
  return onednn_primitive_make(
      engine, &operation, (onednn_finish){0}, weights ? ONEDNN_NO_REFERENCE : work(c),
      names[pass], primitive, message);
}
