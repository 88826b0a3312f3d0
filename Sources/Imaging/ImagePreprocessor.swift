/// Encoded pictures in, the network's input out, by one contract. Any thread may call it.
package struct ImagePreprocessor: Sendable {
  package let contract: Preprocessing
  package let limits: DecodingLimits
  package let outputHeight: Int
  package let outputWidth: Int
  /// `(x / 255 - mean) / std` for every plane and byte, `[3, 256]`.
  private let normalised: [Float]

  package init(_ contract: Preprocessing, limits: DecodingLimits = DecodingLimits()) {
    self.contract = contract
    self.limits = limits
    (outputHeight, outputWidth) = contract.outputSize
    normalised = (0..<3).flatMap { plane in
      (0..<256).map { (Float($0) / 255 - contract.mean[plane]) / contract.std[plane] }
    }
  }

  /// How many numbers `prepare` writes: 3 x H x W.
  package var outputCount: Int { 3 * outputHeight * outputWidth }

  /// Writes `[3, H, W]`, normalised. `pixels` holds exactly `outputCount` numbers; after an error their
  /// values mean nothing.
  package func prepare(
    _ encoded: Span<UInt8>, into pixels: inout MutableSpan<Float>
  ) throws(ImagingError) {
    precondition(pixels.count == outputCount, "the input of one picture has another size")
    // SAFETY: both buffers outlive the calls that get them, and their sizes are checked: the encoded
    // bytes by the decoders, the output by the precondition.
    try unsafe pixels.withUnsafeMutableBufferPointer { output throws(ImagingError) in
      try unsafe encoded.withUnsafeBufferPointer { bytes throws(ImagingError) in
        var reader = try unsafe PictureReader(bytes)
        let plan = try PreparationPlan(reader.header, contract: contract, limits: limits)
        try unsafe prepare(&reader, plan, output)
      }
    }
  }

  private func prepare(
    _ reader: inout PictureReader, _ plan: PreparationPlan,
    _ output: UnsafeMutableBufferPointer<Float>
  ) throws(ImagingError) {
    let rowWeights = ResampleWeights(plan.rows, filter: plan.filter)
    let columnWeights = ResampleWeights(plan.columns, filter: plan.filter)
    var kept = try KeptRows(
      rows: rowWeights.sources, narrowing: plan.narrowsFirst, columnWeights)
    try reader.read(plan, into: &kept)
    if plan.rows.hasPadding || plan.columns.hasPadding { unsafe fillWithBlack(output) }

    var row = try PixelBuffer(count: kept.stride + Resampling.readAheadByteCount)
    var narrow = try PixelBuffer(count: plan.narrowsFirst ? 0 : 3 * plan.columns.count)
    for y in 0..<plan.rows.count {
      let start = (plan.rows.padding + y) * outputWidth + plan.columns.padding
      unsafe row.withMutableBytes(0..<kept.stride) { target in
        unsafe kept.withBytes { source in
          unsafe Resampling.resampleColumns(
            source, stride: kept.stride, output: y, into: target, rowWeights)
        }
        if plan.narrowsFirst {
          unsafe normalise(target, count: plan.columns.count, into: output, at: start)
          return
        }
        unsafe narrow.withMutableBytes(0..<3 * plan.columns.count) {
          unsafe Resampling.resampleRow(
            target, firstColumn: columnWeights.sources.lowerBound, into: $0, columnWeights)
          unsafe normalise($0, count: plan.columns.count, into: output, at: start)
        }
      }
    }
  }

  /// What the padding around too small a picture looks like.
  private func fillWithBlack(_ output: UnsafeMutableBufferPointer<Float>) {
    let planeCount = outputHeight * outputWidth
    for plane in 0..<3 {
      unsafe output[plane * planeCount..<(plane + 1) * planeCount]
        .update(repeating: normalised[256 * plane])
    }
  }

  /// Spreads a row of RGB over the three planes, from index `start` of each.
  private func normalise(
    _ row: UnsafePointer<UInt8>, count: Int, into output: UnsafeMutableBufferPointer<Float>,
    at start: Int
  ) {
    let planeCount = outputHeight * outputWidth
    precondition(start >= 0 && start + count <= planeCount)
    // SAFETY: the precondition bounds the output, a byte bounds the table's index, and `row` holds
    // `count` pixels.
    unsafe normalised.withUnsafeBufferPointer { table in
      for plane in 0..<3 {
        let channel = contract.channelOrder == .rgb ? plane : 2 - plane
        let target = unsafe output.baseAddress! + plane * planeCount + start
        let values = unsafe table.baseAddress! + 256 * plane
        for x in 0..<count { unsafe target[x] = values[Int(row[3 * x + channel])] }
      }
    }
  }
}
