import COneDNN
import ResNet

extension Planner {
  /// The primitive of a layer with weights, and these as it wants them: on integers with the scales that activations
  /// and weights give, where the source is of integers.
  ///
  /// `make` gets the layout of the weights, nil for one of its choice, and the scales of its sums `[K]`, if any.
  func compile(
    _ name: String, outputCount: Int, from source: TensorFormat, resultScale: Float,
    parameters: () throws(EngineError) -> PackedWeights.Source,
    make: (Layout?, [Float]?) throws(EngineError) -> Primitive
  ) throws(EngineError) -> (Primitive, PackedWeights.Layer) {
    guard source.isQuantized else {
      let primitive = try sharingWeights(of: name) { weights throws(EngineError) in
        try make(weights, nil)
      }
      let layer = try packed.layer(
        name, as: primitive.layout(of: ONEDNN_WEIGHTS), from: parameters)
      return (primitive, layer)
    }
    // Scales are wanted before the primitive, weights after it; they are quantised once for both.
    var made: QuantizedWeights?
    func quantized() throws(EngineError) -> QuantizedWeights {
      if let made { return made }
      let weights = QuantizedWeights(try parameters(), outputCount: outputCount)
      made = weights
      return weights
    }
    let scales = try packed.scales(of: name, quantize: quantized)
      .map { $0 * source.scale / resultScale }
    let primitive = try sharingWeights(of: name) { weights throws(EngineError) in
      try make(weights, scales)
    }
    let layer = try packed.layer(
      name, as: primitive.layout(of: ONEDNN_WEIGHTS), sourceScale: source.scale, from: quantized)
    return (primitive, layer)
  }

  /// The primitive for weights as they are packed already, or where there is none for the layout it chooses.
  ///
  /// A primitive for other threads or another batch may cut its work otherwise, so that oneDNN has only a plain loop
  /// for a layout that others like best.
  private func sharingWeights(
    of name: String, _ make: (Layout?) throws(EngineError) -> Primitive
  ) throws(EngineError) -> Primitive {
    for layout in packed.layouts(of: name) {
      do throws(EngineError) { return try make(layout) } catch .unimplemented { continue }
    }
    return try make(nil)
  }
}
