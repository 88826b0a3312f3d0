/// Reason why an ONNX file cannot be read, written or run; names the node or tensor.
package enum ONNXError: Error, Hashable, CustomStringConvertible {
  /// The bytes are not an ONNX model, or break a rule of the format.
  case malformed(reason: String)
  /// A valid file with a feature that is not supported here.
  case unsupported(reason: String)
  case overLimit(what: String, value: Int, limit: Int)
  /// An operator that is not supported here.
  case missingOperator(operation: String, domain: String, node: String)
  /// An operator cannot compute the node from its inputs and attributes.
  case node(name: String, operation: String, reason: String)
  case tensor(name: String, reason: String)
  /// An input of the graph that is missing, superfluous, or of another type or shape than declared.
  case input(name: String, reason: String)
  /// The system refused to write a file.
  case notWritten(reason: String)
  case outOfMemory

  /// Characters of a message, which is one line whatever names the file has.
  private static let characterCountLimit = 1000

  package var description: String {
    let line = message.prefix(Self.characterCountLimit).map { character in
      character.unicodeScalars.contains { $0.properties.generalCategory == .control }
        ? "\u{FFFD}" : character
    }
    return String(line)
  }

  private var message: String {
    switch self {
    case .malformed(let reason): "not a valid ONNX model: \(reason)"
    case .unsupported(let reason): "unsupported in an ONNX model: \(reason)"
    case .overLimit(let what, let value, let limit): "\(what): \(value), at most \(limit) allowed"
    case .missingOperator(let operation, let domain, let node):
      "node \"\(node)\": operator \(domain.isEmpty ? "" : domain + ".")\(operation) "
        + "is not supported"
    case .node(let name, let operation, let reason): "node \"\(name)\" (\(operation)): \(reason)"
    case .tensor(let name, let reason): "tensor \"\(name)\": \(reason)"
    case .input(let name, let reason): "input \"\(name)\": \(reason)"
    case .notWritten(let reason): "cannot write the file: \(reason)"
    case .outOfMemory: "out of memory"
    }
  }
}
