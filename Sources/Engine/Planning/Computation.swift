import COneDNN

/// Computation of a step: a primitive of oneDNN or a kernel of our own.
enum Computation: Sendable {
  case primitive(Primitive)
  case kernel(any ConvolutionKernel)
  case maximum(MaximumKernel)

  var scratchpadByteCount: Int {
    switch self {
    case .primitive(let primitive): primitive.byteCount(of: ONEDNN_SCRATCHPAD)
    case .kernel(let kernel): kernel.scratchpadByteCount
    case .maximum: 0
    }
  }

  /// Whether it is one of oneDNN's plain loops, which only small steps are.
  var isReference: Bool {
    switch self {
    case .primitive(let primitive): primitive.isReference
    case .kernel, .maximum: false
    }
  }

  /// Name of the implementation, such as `jit:avx512_core` or `winograd:avx512`.
  var implementation: String {
    switch self {
    case .primitive(let primitive): primitive.implementation
    case .kernel(let kernel): kernel.implementation
    case .maximum(let kernel): kernel.implementation
    }
  }
}
