import ONNX

/// The header of a .npy file: a Python dictionary with exactly three keys.
struct NPYHeader {
  let type: ONNXElementType
  let isBigEndian: Bool
  let isColumnMajor: Bool
  let shape: [Int]

  /// Types by numpy's names; bfloat16, unknown to numpy, is two opaque bytes, as its extension
  /// ml_dtypes stores it.
  private static let types: [String: ONNXElementType] = [
    "f2": .float16, "f4": .float, "f8": .double, "b1": .bool, "i1": .int8, "i2": .int16,
    "i4": .int32, "i8": .int64, "u1": .uint8, "u2": .uint16, "u4": .uint32, "u8": .uint64,
    "V2": .bfloat16,
  ]

  static func name(of type: ONNXElementType) -> String {
    let name = types.first { $0.value == type }?.key ?? ""
    return (type.byteCount == 1 ? "|" : "<") + name
  }

  init(_ bytes: ArraySlice<UInt8>) throws(Failure) {
    var scanner = PythonLiteralScanner(rest: bytes)
    var descriptor: String?
    var order: Bool?
    var shape: [Int]?
    try scanner.expect("{")
    while !scanner.accepts("}") {
      let key = try scanner.text()
      try scanner.expect(":")
      switch key {
      case "descr" where descriptor == nil: descriptor = try scanner.text()
      case "fortran_order" where order == nil: order = try scanner.truth()
      case "shape" where shape == nil: shape = try scanner.tuple()
      default: throw Failure("a header with \"\(key)\", unknown or twice")
      }
      if scanner.accepts(",") { continue }
      try scanner.expect("}")
      break
    }
    guard scanner.isAtEnd, let descriptor, let order, let shape else {
      throw Failure("the header is not valid")
    }
    guard let sign = descriptor.first, "<>|=".contains(sign),
      let type = Self.types[String(descriptor.dropFirst())],
      sign != "|" || type.byteCount == 1 || type == .bfloat16
    else { throw Failure("numbers of type \"\(descriptor)\"") }
    self.type = type
    isBigEndian = sign == ">"
    isColumnMajor = order
    self.shape = shape
  }
}
