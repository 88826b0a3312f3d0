import ResNet

/// Network in terms of what training computes: values that operations make of each other, and sums
/// of normalised values with their ReLU.
///
///     z ──convolution──▶ x ─┐                       x: stored
///     z ────────────────────┴─sum: relu(BN(x) + z)  stored if it has two terms or readers,
///                                                   else computed again wherever it is read
struct TrainingGraph {
  /// Index of a value in `values`.
  typealias ValueID = Int

  struct Term {
    var value: ValueID
    /// Index of the batch normalisation of the value; nil if it is added as it is.
    var normalization: Int?
  }

  enum Computation {
    case input
    /// Also a linear layer, as a convolution over the whole input.
    case convolution(Convolution, source: ValueID)
    case maximum(Pooling, source: ValueID)
    case average(Pooling, source: ValueID)
    /// Every so many pixels, channels padded with zeros.
    case sampling(PaddedShortcut, source: ValueID)
    /// The sum of one or two terms, those with a normalisation first.
    case sum([Term], rectifies: Bool)
  }

  struct Value {
    /// Name of the node that computes it, and prefix of its parameters' names.
    var name: String
    var shape: FeatureShape
    var computation: Computation
    /// Values that are computed from it.
    var readers: [ValueID] = []
    /// Whether a parameter takes part in it.
    var needsGradient = true
    /// Whether it is computed again by its only reader instead of being stored.
    var isLazy = false

    /// Value that an operation reads; nil for the input and sums.
    var source: ValueID? {
      switch computation {
      case .convolution(_, let source), .maximum(_, let source), .average(_, let source),
        .sampling(_, let source):
        source
      case .input, .sum: nil
      }
    }

    var terms: [Term] { if case .sum(let terms, _) = computation { terms } else { [] } }
  }

  struct Normalization {
    var name: String
    var epsilon: Float
    var channels: Int
    /// Value that is normalised, and the sum that its result goes into.
    var value: ValueID
    var sum: ValueID
    /// Whether it normalises by running statistics, which then remain as they are.
    var isFrozen: Bool
  }

  private(set) var values: [Value]
  private(set) var normalizations: [Normalization]
  let output: ValueID

  /// Takes values in an order in which they can be computed; what they have to do with each other is
  /// found here.
  init(values: [Value], normalizations: [Normalization], output: ValueID) {
    self.values = values
    self.normalizations = normalizations
    self.output = output
    connect()
  }

  /// Finds readers, which values need gradients, and which are not stored.
  private mutating func connect() {
    for id in values.indices {
      let inputs = values[id].source.map { [$0] } ?? values[id].terms.map(\.value)
      for input in inputs { values[input].readers.append(id) }
      values[id].needsGradient =
        switch values[id].computation {
        case .input: false
        case .convolution: true
        case .sum(let terms, _):
          terms.contains { $0.normalization != nil || values[$0.value].needsGradient }
        default: inputs.contains { values[$0].needsGradient }
        }
    }
    for id in values.indices where values[id].terms.count == 1 && id != output {
      let readers = values[id].readers
      values[id].isLazy = readers.count == 1 && values[readers[0]].source != nil
    }
    for index in normalizations.indices {
      let sum = values.indices.first { id in
        values[id].terms.contains { $0.normalization == index }
      }
      normalizations[index].sum = sum ?? 0
    }
  }
}
