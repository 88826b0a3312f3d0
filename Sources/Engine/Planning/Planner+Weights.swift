import COneDNN
import ResNet

extension Planner {
  /// Compiles a layer with weights, and packs them as its primitive wants them. If the source is
  /// integers, so are the weights, and the scales of both are applied.
  ///
  /// `make` receives the layout of the weights, nil for one of its choice, and the scales of its
  /// sums `[K]`, if any.
  func compile(
    _ name: String, outputCount: Int, from source: TensorFormat, resultScale: Float,
    parameters: () throws(EngineError) -> LayerParameters,
    make: (Layout?, [Float]?) throws(EngineError) -> Primitive
  ) throws(EngineError) -> (Primitive, PackedWeights.Layer) {
    guard source.isQuantized else {
      let primitive = try sharingWeights(of: name, source.weightNumber) {
        weights throws(EngineError) in
        try make(weights, nil)
      }
      let layer = try packed.layer(
        name, as: primitive.layout(of: ONEDNN_WEIGHTS), from: parameters)
      return (primitive, layer)
    }
    // Scales are needed before the primitive, weights after it; they are quantised once for both.
    var made: QuantizedWeights?
    func quantized() throws(EngineError) -> QuantizedWeights {
      if let made { return made }
      let weights = QuantizedWeights(try parameters(), outputCount: outputCount)
      made = weights
      return weights
    }
    let scales = try packed.scales(of: name, quantize: quantized)
      .map { $0 * source.scale / resultScale }
    let primitive = try sharingWeights(of: name, source.weightNumber) {
      weights throws(EngineError) in
      try make(weights, scales)
    }
    let layer = try packed.layer(
      name, as: primitive.layout(of: ONEDNN_WEIGHTS), sourceScale: source.scale, from: quantized)
    return (primitive, layer)
  }

  /// Packs a layer for a kernel on tiles.
  func pack(
    _ name: String, for kernel: TileKernel, from source: TensorFormat, resultScale: Float,
    parameters: () throws(EngineError) -> LayerParameters
  ) throws(EngineError) -> PackedWeights.Layer {
    try packed.layer(name) { () throws(EngineError) in
      let parameters = try parameters()
      guard source.isQuantized else { return try kernel.pack(parameters, for: name) }
      let weights = QuantizedWeights(parameters, outputCount: parameters.shape[0])
      return try kernel.pack(
        weights.weight, shape: weights.shape, bias: weights.bias(sourceScale: source.scale),
        scales: weights.scales.map { $0 * source.scale / resultScale }, for: name)
    }
  }

  /// Chooses a kernel of ours for integers, and packs the layer for it; nil where oneDNN's is as fast.
  func compileIntegerKernel(
    _ name: String, _ convolution: Convolution, from source: TensorFormat, to result: TensorFormat,
    residual: TensorFormat?, input: FeatureShape, output: FeatureShape,
    parameters: () throws(EngineError) -> LayerParameters
  ) throws(EngineError) -> (IntegerKernel, PackedWeights.Layer)? {
    guard let instructions = options.integerInstructions else { return nil }
    let numbers = ConvolutionNumbers(
      source: source.number, destination: result.number,
      residual: residual.map { ($0.number, $0.scale / result.scale) })
    func kernel(_ algorithm: IntegerKernel.Algorithm) -> IntegerKernel? {
      IntegerKernel(
        convolution, numbers, zeroPoint: source.zeroPoint, by: algorithm, instructions,
        batch: batch, input: input, output: output, threads: options.threads)
    }
    // Weights are quantised once for the choice and for packing.
    var made: QuantizedWeights?
    func quantized() throws(EngineError) -> QuantizedWeights {
      if let made { return made }
      let weights = QuantizedWeights(try parameters(), outputCount: output.channels)
      made = weights
      return weights
    }
    var chosen: IntegerKernel?
    if usesWinograd(convolution, input, on: instructions), let kernel = kernel(.winograd),
      try packed.isExact(
        name,
        judge: { () throws(EngineError) in
          kernel.isExact(for: try quantized().weight)
        })
    {
      chosen = kernel
    }
    if chosen == nil, options.usesOwnIntegerLayers { chosen = kernel(.direct) }
    guard let kernel = chosen else {
      guard options.usesOwnIntegerLayers else { return nil }
      throw .unsupported(
        "\(name) has numbers that no kernel on integers takes here: choose --precision fp32")
    }
    let layer = try packed.layer(name) { () throws(EngineError) in
      let weights = try quantized()
      return try kernel.pack(
        weights.weight, shape: weights.shape, bias: weights.bias(sourceScale: source.scale),
        scales: weights.scales.map { $0 * source.scale / result.scale }, for: name)
    }
    return (kernel, layer)
  }

  private func usesWinograd(
    _ convolution: Convolution, _ input: FeatureShape, on instructions: IntegerKernel.Instructions
  ) -> Bool {
    switch options.winograd {
    case .never: false
    case .always: true
    case .measured:
      IntegerTable.winogradPays(
        convolution, input: input, largestBatch: options.batchSizes.max() ?? 1, on: instructions)
    }
  }

  /// Makes the primitive for weights as they are already packed or, if that is not implemented, for
  /// the layout that it chooses.
  ///
  /// A primitive for other threads or another batch may divide its work differently, so that oneDNN
  /// has only a plain loop for a layout that others like best.
  private func sharingWeights(
    of name: String, _ number: Number, _ make: (Layout?) throws(EngineError) -> Primitive
  ) throws(EngineError) -> Primitive {
    for layout in try packed.layouts(of: name, number) {
      do throws(EngineError) { return try make(layout) } catch .unimplemented { continue }
    }
    return try make(nil)
  }
}
