import ResNet

/// Format in which a model file stores the weights of convolutions and linear layers; biases and
/// normalisations, which are few and need more digits, stay in single precision.
package enum WeightFormat: String, Sendable, CaseIterable {
  case f32, f16, bf16

  var type: ElementType {
    switch self {
    case .f32: .float32
    case .f16: .float16
    case .bf16: .bfloat16
    }
  }

  /// Returns the nearest numbers that the format has, ties to even, as a file stores them.
  ///
  /// Numbers beyond the range of half precision become infinite.
  func bits(_ values: Span<Float>) -> [UInt16] {
    var bits = [UInt16](repeating: 0, count: values.count)
    for index in values.indices {
      bits[index] =
        self == .f16 ? Float16(values[index]).bitPattern : Self.bfloat(values[index])
    }
    return bits
  }

  /// Returns the numbers that are read back.
  func rounded(_ values: Span<Float>) -> [Float] {
    bits(values).map { bits in
      self == .f16
        ? ElementType.float(half: bits) : Float(bitPattern: UInt32(bits) << 16)
    }
  }

  private static func bfloat(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    guard !value.isNaN else { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    let halfway: UInt32 = 0x7fff + (bits >> 16 & 1)
    return UInt16(truncatingIfNeeded: (bits &+ halfway) >> 16)
  }
}

extension Model {
  /// Returns the model with the numbers that `write(to:storing:)` stores, without its golden
  /// samples: their logits are those of the numbers before.
  ///
  /// - Throws: `CheckpointError.unsupported` for a weight beyond the format's range.
  package func rounded(to format: WeightFormat) throws(CheckpointError) -> Model {
    guard format != .f32 else { return self }
    var rounded = Weights()
    for name in weights.names {
      guard let tensor = weights[name] else { continue }
      guard tensor.isStoredNarrowly else {
        rounded[name] = tensor
        continue
      }
      let numbers = tensor.withValues { format.rounded($0) }
      guard numbers.allSatisfy(\.isFinite) else {
        throw .unsupported(
          "parameter \(name) has numbers beyond the range of \(format.rawValue), which bf16 or f32 "
            + "hold")
      }
      rounded[name] = Tensor(shape: tensor.shape, storage: numbers)
    }
    return try with(rounded)
  }
}

extension Tensor {
  /// Whether it is a weight matrix or a filter, whose numbers a file may store in 16 bits.
  var isStoredNarrowly: Bool { shape.count > 1 }
}
