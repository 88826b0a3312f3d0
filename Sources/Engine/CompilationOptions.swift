/// The numbers that activations and weights are held in.
package enum Precision: String, Sendable, CaseIterable {
  case fp32
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
  /// Threads of one context: 1 for a worker of its own, more for a lone image.
  package var threads = 1
  package var precision = Precision.fp32
  package var winograd = WinogradPolicy.measured
  /// What our own kernels may use; the CPU must have it.
  package var kernelInstructions = KernelInstructions.best

  package init() {}
}
