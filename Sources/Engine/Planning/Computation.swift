import COneDNN

/// Computation of a step: a primitive of oneDNN or a kernel of our own.
enum Computation: Sendable {
  case primitive(Primitive)
  case winograd(WinogradKernel)

  var scratchpadByteCount: Int {
    switch self {
    case .primitive(let primitive): primitive.byteCount(of: ONEDNN_SCRATCHPAD)
    case .winograd(let kernel): kernel.scratchpadByteCount
    }
  }

  /// Whether it is one of oneDNN's plain loops, which only small steps are.
  var isReference: Bool {
    switch self {
    case .primitive(let primitive): primitive.isReference
    case .winograd: false
    }
  }

  /// Name of the implementation, such as `jit:avx512_core` or `winograd:avx512`.
  var implementation: String {
    switch self {
    case .primitive(let primitive): primitive.implementation
    case .winograd(let kernel): kernel.implementation
    }
  }
}
