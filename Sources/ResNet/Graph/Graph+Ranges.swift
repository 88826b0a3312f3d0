extension Graph {
  /// Tells for each node whether no number of its output can be below zero.
  package func nonnegativeOutputs() -> [Bool] {
    var outputs: [Bounds] = []
    outputs.reserveCapacity(nodes.count)
    for node in nodes {
      outputs.append(Self.bounds(of: node.operation, inputs: node.inputs.map { outputs[$0] }))
    }
    return outputs.map(\.isNonnegative)
  }

  /// Returns bounds of an operation's results, given those of its inputs: none where nothing better is
  /// known.
  package static func bounds(of operation: Operation, inputs: [Bounds]) -> Bounds {
    let zero = Bounds(0, 0)
    switch operation {
    case .convolution(let convolution): return convolution.resultBounds
    case .relu: return inputs[0].clipped(to: .nonnegative)
    case .elementwise(let function): return function.bounds(of: inputs[0])
    case .maxPool, .globalAveragePool, .resize, .depthToSpace, .border: return inputs[0]
    case .averagePool(let pooling):
      return pooling.countsPadding ? inputs[0].joined(with: zero) : inputs[0]
    case .pad, .paddedShortcut: return inputs[0].joined(with: zero)
    case .concatenation:
      return inputs.dropFirst().reduce(inputs[0]) { $0.joined(with: $1) }
    case .softmax: return Bounds(0, 1)
    case .combine(let combination): return bounds(of: combination, inputs[0], inputs[1])
    case .add: return Bounds(inputs[0].lower + inputs[1].lower, inputs[0].upper + inputs[1].upper)
    case .multiply: return product(inputs[0], inputs[1])
    case .input, .linear, .batchNormalization, .normalization: return .none
    }
  }

  private static func bounds(of combination: Combination, _ a: Bounds, _ b: Bounds) -> Bounds {
    switch combination {
    case .maximum: Bounds(max(a.lower, b.lower), max(a.upper, b.upper))
    case .minimum: Bounds(min(a.lower, b.lower), min(a.upper, b.upper))
    case .divide: a.isNonnegative && b.isNonnegative ? .nonnegative : .none
    case .subtract: Bounds(a.lower - b.upper, a.upper - b.lower)
    }
  }

  private static func product(_ a: Bounds, _ b: Bounds) -> Bounds {
    // Numbers are finite, so that zero times an infinite bound is zero.
    let corners = [a.lower, a.upper].flatMap { x in
      [b.lower, b.upper].map { y in x == 0 || y == 0 ? 0 : x * y }
    }
    return corners.dropFirst().reduce(Bounds(corners[0], corners[0])) {
      $0.joined(with: Bounds($1, $1))
    }
  }
}
