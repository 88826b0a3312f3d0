package import ResNet

/// The numbers that activations and weights are held in; what has no primitive for them runs in fp32.
package enum Precision: String, Sendable, CaseIterable {
  case fp32
  case bf16
  /// Unsigned activations, signed weights with a scale per output channel; needs a calibration.
  case int8
}

/// When 3x3 convolutions of stride 1 take our own Winograd kernels.
package enum WinogradPolicy: String, Sendable, CaseIterable {
  /// Where `WinogradTable` says that it pays.
  case measured
  case never
  /// Wherever they can.
  case always
}

/// How a network is compiled.
package struct CompilationOptions: Sendable {
  /// Batch sizes with primitives of their own; any other size is put together from these and 1.
  package var batchSizes: [Int] = [1]
  /// Threads of one context: 1 for a worker of its own, more where nothing runs beside it.
  package var threads = 1
  /// Threads of the team that a lone image may run on, by a plan of its own over the same weights; nil for none.
  package var teamThreads: Int?
  package var input = InputOrder.planes
  package var precision = Precision.fp32
  /// The ranges of activations, for int8.
  package var calibration: Calibration?
  /// Keeps every node's output until the run's end, for `ExecutionContext.activations`.
  package var keepsActivations = false
  package var winograd = WinogradPolicy.measured
  /// What our own kernels may use; the CPU must have it.
  package var kernelInstructions = KernelInstructions.best

  /// When to give up, between two layers; nil for never.
  package var deadline: ContinuousClock.Instant?
  /// Asked before each layer of each batch size is planned; true ends the compilation with `EngineError.cancelled`.
  package var isCancelled: @Sendable () -> Bool = { false }

  package init() {}
}
