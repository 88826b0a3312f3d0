package import ResNet

/// Type of the numbers of activations and weights; operations without a primitive for it run in
/// fp32.
package enum Precision: String, Sendable, CaseIterable {
  case fp32
  case bf16
  /// Unsigned activations, and signed weights with a scale per output channel; needs a calibration.
  case int8
}

/// Choice of our own Winograd kernels for 3x3 convolutions of stride 1.
package enum WinogradPolicy: String, Sendable, CaseIterable {
  /// Uses them where `WinogradTable` says that it pays.
  case measured
  case never
  /// Uses them wherever possible.
  case always
}

/// Options for compiling a network.
package struct CompilationOptions: Sendable {
  /// Batch sizes with primitives of their own; any other size is composed of these and 1.
  package var batchSizes: [Int] = [1]
  /// Threads of one context: 1 for one of several workers, more if nothing runs beside it.
  package var threads = 1
  /// Threads of the team that a lone image may run on, by a separate plan over the same weights;
  /// nil for no team.
  package var teamThreads: Int?
  package var input = InputOrder.planes
  package var precision = Precision.fp32
  /// Ranges of activations, for int8.
  package var calibration: Calibration?
  /// Whether every node's output is kept until the run ends, for
  /// `ExecutionContext.readActivations`.
  package var keepsActivations = false
  /// Names of nodes of the graph, not its input, whose outputs a run can give beside the logits
  /// (`TapOutputs`).
  ///
  /// A node that would be merged into another one is then computed by itself. A run that does not
  /// ask for them has no other steps than without them.
  package var taps: [String] = []
  package var winograd = WinogradPolicy.measured
  /// Instructions that our own kernels may use; the CPU must have them.
  package var kernelInstructions = KernelInstructions.best

  /// Instructions of our own kernels on integers, which the CPU must have. With `avx2` they compute
  /// all of int8, and convolutions in groups are computed in fp32; with more, they are those of 3x3
  /// convolutions by Winograd's filtering. nil for oneDNN's kernels alone.
  package var integerInstructions = IntegerKernel.Instructions.usual

  /// Whether the layers of int8 are computed by our own kernels, all but convolutions in groups.
  var usesOwnIntegerLayers: Bool { integerInstructions == .avx2 }

  /// Time at which to give up, between two layers; nil for never.
  package var deadline: ContinuousClock.Instant?
  /// Asked before each layer of each batch size is planned; true ends the compilation with
  /// `EngineError.cancelled`.
  package var isCancelled: @Sendable () -> Bool = { false }

  package init() {}
}
