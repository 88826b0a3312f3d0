package import COneDNN
package import ResNet

extension onednn_convolution {
  /// Describes the operation on fp32 numbers throughout.
  package init(_ convolution: Convolution, batch: Int, input: FeatureShape, output: FeatureShape) {
    self.init()
    self.batch = Int64(batch)
    input_channels = Int64(input.channels)
    input_height = Int64(input.height)
    input_width = Int64(input.width)
    output_channels = Int64(output.channels)
    output_height = Int64(output.height)
    output_width = Int64(output.width)
    kernel_height = Int64(convolution.kernel.height)
    kernel_width = Int64(convolution.kernel.width)
    stride_height = Int64(convolution.stride.height)
    stride_width = Int64(convolution.stride.width)
    padding_top = Int64(convolution.padding.before.height)
    padding_left = Int64(convolution.padding.before.width)
    padding_bottom = Int64(convolution.padding.after.height)
    padding_right = Int64(convolution.padding.after.width)
    dilation_height = Int64(convolution.dilation.height)
    dilation_width = Int64(convolution.dilation.width)
    groups = Int64(convolution.groups)
    has_bias = convolution.hasBias || convolution.foldedNormalization != nil
    bounds = onednn_bounds(convolution.addsResidual ? convolution.sumBounds : convolution.bounds)
    adds_to_destination = convolution.addsResidual
    applies_relu = convolution.appliesReLU
    residual_number = ONEDNN_FLOAT32
    residual_scale = 1
    source_number = ONEDNN_FLOAT32
    weights_number = ONEDNN_FLOAT32
    destination_number = ONEDNN_FLOAT32
    source_zero = 0
  }
}

extension onednn_bounds {
  fileprivate init(_ bounds: Bounds?) {
    self.init(applies: bounds != nil, lower: bounds?.lower ?? 0, upper: bounds?.upper ?? 0)
  }
}

extension onednn_pooling {
  init(
    _ pooling: Pooling, kind: onednn_pooling_kind, batch: Int, input: FeatureShape,
    output: FeatureShape
  ) {
    self.init()
    self.kind = kind
    self.batch = Int64(batch)
    channels = Int64(input.channels)
    output_height = Int64(output.height)
    output_width = Int64(output.width)
    window_height = Int64(pooling.window.height)
    window_width = Int64(pooling.window.width)
    stride_height = Int64(pooling.stride.height)
    stride_width = Int64(pooling.stride.width)
    padding_top = Int64(pooling.padding.before.height)
    padding_left = Int64(pooling.padding.before.width)
    // Rows and columns that the last window does not reach are not padding but remain unused.
    padding_bottom = Int64(
      max(
        0,
        (output.height - 1) * pooling.stride.height + pooling.window.height
          - pooling.padding.before.height - input.height))
    padding_right = Int64(
      max(
        0,
        (output.width - 1) * pooling.stride.width + pooling.window.width
          - pooling.padding.before.width - input.width))
  }
}

extension onednn_linear {
  /// Describes the operation on fp32 numbers throughout.
  init(_ linear: Linear, batch: Int, input: FeatureShape) {
    self.init()
    self.batch = Int64(batch)
    outputs = Int64(linear.outputs)
    channels = Int64(input.channels)
    height = Int64(input.height)
    width = Int64(input.width)
    has_bias = linear.hasBias
    source_number = ONEDNN_FLOAT32
    weights_number = ONEDNN_FLOAT32
  }
}
