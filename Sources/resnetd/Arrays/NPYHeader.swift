import ONNX

/// What a .npy file says about its array: a Python dictionary with exactly three keys.
struct NPYHeader {
  let type: ONNXElementType
  let isBigEndian: Bool
  let isColumnMajor: Bool
  let shape: [Int]

  /// bfloat16, which numpy does not know, is what its extension ml_dtypes stores it as: two opaque bytes.
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
    var scanner = Scanner(rest: bytes)
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
      throw Failure("a header that is not understood")
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

/// Python literals as numpy writes them.
private struct Scanner {
  var rest: ArraySlice<UInt8>

  private mutating func skipSpace() {
    while let byte = rest.first, byte == 0x20 || byte == 0x0A { rest.removeFirst() }
  }

  var isAtEnd: Bool { rest.allSatisfy { $0 == 0x20 || $0 == 0x0A } }

  mutating func accepts(_ word: String) -> Bool {
    skipSpace()
    guard rest.starts(with: word.utf8) else { return false }
    rest.removeFirst(word.utf8.count)
    return true
  }

  mutating func expect(_ word: String) throws(Failure) {
    guard accepts(word) else { throw Failure("a header that is not understood") }
  }

  mutating func text() throws(Failure) -> String {
    let quote = accepts("'") ? UInt8(ascii: "'") : UInt8(ascii: "\"")
    if quote == UInt8(ascii: "\"") { try expect("\"") }
    guard let end = rest.firstIndex(of: quote) else {
      throw Failure("a header that is not understood")
    }
    let text = String(decoding: rest[..<end], as: UTF8.self)
    rest = rest[(end + 1)...]
    return text
  }

  mutating func truth() throws(Failure) -> Bool {
    if accepts("True") { return true }
    try expect("False")
    return false
  }

  mutating func tuple() throws(Failure) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !accepts(")") {
      skipSpace()
      let digits = rest.prefix { 0x30...0x39 ~= $0 }
      rest = rest[digits.endIndex...]
      guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
        throw Failure("a header that is not understood")
      }
      numbers.append(number)
      // Python 2 wrote long numbers with a letter.
      _ = accepts("L")
      if accepts(",") { continue }
      try expect(")")
      break
    }
    return numbers
  }
}
