import CKernels
import ResNet

/// Passes as the kernels have them.
extension ShardComputer {
  /// Computes source * scale + shift + addend * addendScale, then ReLU, for a value's numbers.
  func combine(
    _ id: ValueID, _ images: Int, _ source: Region, scale: Region? = nil, shift: Region? = nil,
    adding addend: Region? = nil, addendScale: Region? = nil, rectifies: Bool = false,
    into destination: Region
  ) {
    var pass = unsafe training_combination(
      rows: rows(id, images), channels: channels(id), bfloat16: isNarrow, source: source.bytes,
      scale: scale?.numbers, shift: shift?.numbers, addend: addend?.bytes,
      addend_scale: addendScale?.numbers, rectifies: rectifies,
      destination: destination.address)
    unsafe training_combine(instructions, &pass)
  }

  func pass(
    _ pooling: Pooling, _ id: ValueID, _ source: ValueID, _ images: Int
  ) -> training_pooling {
    let input = graph.values[source].shape
    let output = graph.values[id].shape
    let isMaximum = plan.choices[id] != nil
    return training_pooling(
      images: Int64(images), channels: Int64(input.channels), input_height: Int64(input.height),
      input_width: Int64(input.width), output_height: Int64(output.height),
      output_width: Int64(output.width), window_height: Int64(pooling.window.height),
      window_width: Int64(pooling.window.width), stride_height: Int64(pooling.stride.height),
      stride_width: Int64(pooling.stride.width),
      padding_top: Int64(pooling.padding.before.height),
      padding_left: Int64(pooling.padding.before.width), is_maximum: isMaximum,
      counts_padding: pooling.countsPadding, bfloat16: isNarrow)
  }

  func pass(
    _ sampling: PaddedShortcut, _ id: ValueID, _ source: ValueID, _ images: Int
  ) -> training_sampling {
    let input = graph.values[source].shape
    let output = graph.values[id].shape
    return training_sampling(
      images: Int64(images), input_height: Int64(input.height), input_width: Int64(input.width),
      input_channels: Int64(input.channels), output_height: Int64(output.height),
      output_width: Int64(output.width), output_channels: Int64(output.channels),
      stride: Int64(sampling.stride), leading: Int64(sampling.leadingZeroChannels),
      bfloat16: isNarrow)
  }
}
