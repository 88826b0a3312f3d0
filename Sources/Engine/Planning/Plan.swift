/// Where an argument of a step lies in a context's arena.
struct Slot: Sendable, Hashable {
  /// An index into the plan's buffers.
  var buffer: Int
}

/// One computation to run.
struct Step: Sendable {
  /// The node it computes, or for a reorder the node it prepares for.
  var name: String
  var computation: Computation
  var source: Slot
  var addend: Slot?
  var destination: Slot
  var parameters: PackedWeights.Layer?
}

/// Steps that run once for a batch, or image by image before the next section begins.
struct Section: Sendable {
  let steps: [Step]
  /// How often the steps run, each time on the next images.
  let repetitions: Int
  /// For buffers that hold what all repetitions read or leave: bytes from one repetition to the next.
  let strides: [Slot: Int]
}

/// What it takes to run one batch size: the steps in order and where everything lies.
struct Plan: Sendable {
  let batch: Int
  let sections: [Section]
  /// Byte offset of each buffer in the arena; buffers that do not live at the same time may overlap.
  let offsets: [Int]
  let arenaByteCount: Int
  /// What the most demanding step needs besides.
  let scratchpadByteCount: Int
  /// `[N, C, H, W]` in the order that the options ask for.
  let input: Slot
  let inputFormat: TensorFormat
  /// Row-major `[N, outputs]`.
  let output: Slot
  /// Every node's output, where the plan keeps them.
  let activations: [Activation]

  var steps: [Step] { sections.flatMap(\.steps) }

  struct Activation: Sendable {
    var name: String
    var slot: Slot
    var byteCount: Int
  }
}
