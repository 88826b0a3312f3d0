import COneDNN

/// What a step runs: a primitive of oneDNN's or a kernel of our own.
enum Computation: Sendable {
  case primitive(Primitive)
  case winograd(WinogradKernel)

  var scratchpadByteCount: Int {
    switch self {
    case .primitive(let primitive): primitive.byteCount(of: ONEDNN_SCRATCHPAD)
    case .winograd(let kernel): kernel.scratchpadByteCount
    }
  }

  /// Whether it is a plain loop of oneDNN's, which only small steps are.
  var isReference: Bool {
    switch self {
    case .primitive(let primitive): primitive.isReference
    case .winograd: false
    }
  }

  /// What computes it, `jit:avx512_core` or `winograd:avx512`.
  var implementation: String {
    switch self {
    case .primitive(let primitive): primitive.implementation
    case .winograd(let kernel): kernel.implementation
    }
  }
}
