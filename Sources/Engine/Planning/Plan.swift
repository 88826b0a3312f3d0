/// Place of a step's argument in a context's arena.
struct Slot: Sendable, Hashable {
  /// Index into the plan's buffers.
  var buffer: Int
}

/// Computation with its arguments.
struct Step: Sendable {
  /// Name of the node that it computes, or for a reorder of the node that it prepares for.
  var name: String
  var computation: Computation
  var source: Slot
  var addend: Slot?
  var destination: Slot
  var parameters: PackedWeights.Layer?
  /// Whether it is a sum whose addend the graph clips and the step does not.
  var clipsSumAlone: Bool
}

/// Steps that run once for a batch, or image by image before the next section begins.
struct Section: Sendable {
  let steps: [Step]
  /// Times that the steps run, each time on the next images.
  let repetitions: Int
  /// Bytes from one repetition to the next, in buffers that hold the input or output of all
  /// repetitions.
  let strides: [Slot: Int]
}

/// Plan for running one batch size: the steps in order and the place of everything.
struct Plan: Sendable {
  let batch: Int
  let sections: [Section]
  /// Byte offset of each buffer in the arena; buffers that do not live at the same time may
  /// overlap.
  let offsets: [Int]
  let arenaByteCount: Int
  /// Bytes of scratch memory of the most demanding step.
  let scratchpadByteCount: Int
  /// Input `[N, C, H, W]` in the order that the options ask for.
  let input: Slot
  let inputFormat: TensorFormat
  /// Output, row-major `[N, outputs]`.
  let output: Slot
  /// Output of every node, if the plan keeps them.
  let activations: [Activation]
  /// Outputs that a run gives if it is asked for them, in the order of the options.
  let taps: [Tap]

  var steps: [Step] { sections.flatMap(\.steps) }

  /// Output of a node that stays in place until the run ends.
  struct Tap: Sendable {
    /// Step to put it in order, only for runs that ask for it; nil if it already is.
    var step: Step?
    /// Place of it in fp32, row-major `[N, C, H, W]`.
    var slot: Slot
    var elementCount: Int
  }

  struct Activation: Sendable {
    var name: String
    var slot: Slot
    var byteCount: Int
  }
}
