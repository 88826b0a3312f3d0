import CImageCodec

/// Turns encoded images into a network's input by one contract. Any thread may call it.
package struct ImagePreprocessor: Sendable {
  package let contract: Preprocessing
  package let limits: DecodingLimits
  package let outputHeight: Int
  package let outputWidth: Int
  package let encoding: PixelEncoding
  private let table: PixelTable
  private let bandNumbers: BandNumbers

  package init(
    _ contract: Preprocessing, limits: DecodingLimits = DecodingLimits(),
    encoding: PixelEncoding = .planes
  ) {
    self.contract = contract
    self.limits = limits
    self.encoding = encoding
    (outputHeight, outputWidth) = contract.outputSize
    table = PixelTable(contract, encoding)
    bandNumbers = BandNumbers(contract, encoding)
  }

  /// Makes libraries that only some contracts need do what they do on first use.
  package static func warmUp() { ColourProfile.warmUp() }

  /// Count of the numbers that `prepare` writes: C x H x W.
  package var outputCount: Int { contract.channelCount * outputHeight * outputWidth }

  package var outputByteCount: Int { outputCount * encoding.byteCount }

  /// Writes `[C, H, W]`, normalised, for the encoding `planes`. `pixels` holds exactly
  /// `outputCount` numbers; after an error they are undefined.
  package func prepare(
    _ encoded: Span<UInt8>, into pixels: inout MutableSpan<Float>
  ) throws(ImagingError) {
    precondition(encoding == .planes, "encoding must be planes to prepare numbers")
    precondition(pixels.count == outputCount, "pixels must hold outputCount numbers")
    // SAFETY: the numbers are as many bytes as the encoding asks for.
    try unsafe pixels.withUnsafeMutableBytes { output throws(ImagingError) in
      try unsafe prepare(encoded, output) { _ throws(ImagingError) in }
    }
  }

  /// Writes the image in the encoding. `bytes` holds exactly `outputByteCount` bytes at the
  /// alignment of a number; after an error they are undefined.
  ///
  /// - Parameter reserve: Called with the bytes that this takes, before they are taken; an error
  ///   that it throws ends the call.
  package func prepare(
    _ encoded: Span<UInt8>, into bytes: inout MutableSpan<UInt8>,
    reserving reserve: (_ byteCount: Int) throws(ImagingError) -> Void = {
      _ throws(ImagingError) in
    }
  ) throws(ImagingError) {
    precondition(bytes.count == outputByteCount, "bytes must hold outputByteCount bytes")
    // SAFETY: the precondition bounds the output.
    try unsafe bytes.withUnsafeMutableBytes { output throws(ImagingError) in
      try unsafe prepare(encoded, output, reserve)
    }
  }

  private func prepare(
    _ encoded: Span<UInt8>, _ output: UnsafeMutableRawBufferPointer,
    _ reserve: (_ byteCount: Int) throws(ImagingError) -> Void
  ) throws(ImagingError) {
    guard let start = output.baseAddress else { return }
    // SAFETY: both buffers outlive the calls that get them; the decoders check the encoded bytes.
    try unsafe encoded.withUnsafeBufferPointer { bytes throws(ImagingError) in
      var reader = try unsafe ImageReader(bytes)
      let profileByteCount = unsafe self.profileByteCount(of: bytes, reader)
      let plan = try PreparationPlan(
        reader.header, contract: contract, limits: limits, profileByteCount: profileByteCount)
      try reserve(plan.byteCount)
      if profileByteCount > 0 {
        reader.profile = try unsafe ColourProfile(of: bytes, reader.format, reader.header)
      }
      try unsafe prepare(&reader, plan, start)
    }
  }

  /// Writes numbers `[C, H, W]` that are prepared already in the encoding; all of them must be
  /// finite.
  package func encode(_ numbers: [Float], into bytes: inout MutableSpan<UInt8>) {
    precondition(numbers.count == outputCount, "numbers must be those of one image")
    precondition(bytes.count == outputByteCount, "bytes must hold outputByteCount bytes")
    encoding.write(numbers, channelCount: contract.channelCount, into: &bytes)
  }

  /// Returns the bytes that an embedded profile takes; 0 if there is none to be used.
  private func profileByteCount(
    of bytes: UnsafeBufferPointer<UInt8>, _ reader: borrowing ImageReader
  ) -> Int {
    // The formula for CMYK knows no profiles, and gives colours that are taken as sRGB.
    guard contract.policies.colourProfile == .sRGB,
      reader.header.colour != IMAGE_CODEC_COLOUR_CMYK
    else { return 0 }
    return unsafe ColourProfile.byteCount(in: bytes, reader.format)
  }

  private func prepare(
    _ reader: inout ImageReader, _ plan: PreparationPlan, _ output: UnsafeMutableRawPointer
  ) throws(ImagingError) {
    let rowWeights = ResampleWeights(plan.rows, filter: plan.filter)
    let columnWeights = ResampleWeights(plan.columns, filter: plan.filter)
    let layout = plan.layout
    var kept = try KeptRows(
      rows: rowWeights.sources, narrowing: plan.narrowsFirst, columnWeights, layout)
    try reader.read(plan, into: &kept)
    if plan.rows.hasPadding || plan.columns.hasPadding {
      try unsafe fill(output, with: plan.fill, layout)
    }

    var row = try PixelBuffer(count: kept.stride + layout.readAheadByteCount)
    let narrowByteCount = plan.narrowsFirst ? 0 : layout.pixelByteCount * plan.columns.count
    var narrow = try PixelBuffer(count: narrowByteCount)
    for y in 0..<plan.rows.count {
      let start = (plan.rows.padding + y) * outputWidth + plan.columns.padding
      unsafe row.withMutableBytes(0..<kept.stride) { target in
        unsafe kept.withBytes { source in
          unsafe Resampling.resampleColumns(
            source, stride: kept.stride, output: y, into: target, rowWeights, layout)
        }
        if plan.narrowsFirst {
          unsafe write(target, layout, count: plan.columns.count, into: output, at: start)
          return
        }
        unsafe narrow.withMutableBytes(0..<narrowByteCount) {
          unsafe Resampling.resampleRow(
            target, firstColumn: columnWeights.sources.lowerBound, into: $0, columnWeights, layout)
          unsafe write($0, layout, count: plan.columns.count, into: output, at: start)
        }
      }
    }
  }

  /// Fills the output with a colour, or all bands with 0; this stays around an image that is too
  /// small.
  private func fill(
    _ output: UnsafeMutableRawPointer, with colour: Colour, _ layout: PixelLayout
  ) throws(ImagingError) {
    let rowByteCount = layout.pixelByteCount * outputWidth
    // Zeros.
    var pixels = try PixelBuffer(count: rowByteCount)
    unsafe pixels.withMutableBytes(0..<rowByteCount) { row in
      for x in 0..<(layout == .colours ? outputWidth : 0) {
        unsafe row[3 * x] = colour.red
        unsafe row[3 * x + 1] = colour.green
        unsafe row[3 * x + 2] = colour.blue
      }
      if contract.channelOrder == .grey { unsafe Luma.convert(row, count: outputWidth) }
      for y in 0..<outputHeight {
        unsafe write(row, layout, count: outputWidth, into: output, at: y * outputWidth)
      }
    }
  }

  private func write(
    _ row: UnsafePointer<UInt8>, _ layout: PixelLayout, count: Int,
    into output: UnsafeMutableRawPointer, at start: Int
  ) {
    let pixelCount = outputHeight * outputWidth
    switch layout {
    case .colours:
      unsafe table.write(row, count: count, into: output, at: start, of: pixelCount)
    case .bands(_, let top):
      unsafe bandNumbers.write(
        row, top: top, count: count, into: output, at: start, of: pixelCount)
    }
  }
}
