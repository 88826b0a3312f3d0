/// Bytes of a JSON value: the place where strings are escaped and numbers are printed.
struct JSONWriter {
  /// Bytes that are reserved first, 512, enough for most answers to a classification.
  private static let reservedByteCount = 512
  private static let hexadecimalDigits = Array("0123456789abcdef".utf8)

  private(set) var bytes: [UInt8] = []
  private let isIndented: Bool
  private var depth = 0

  init(_ value: JSONValue, isIndented: Bool) {
    self.isIndented = isIndented
    bytes.reserveCapacity(Self.reservedByteCount)
    append(value)
  }

  private mutating func append(_ value: JSONValue) {
    switch value {
    case .null: append("null")
    case .boolean(let truth): append(truth ? "true" : "false")
    case .integer(let integer): append(String(integer))
    case .float(let number): append(number)
    case .floats(let numbers):
      open("[")
      for index in numbers.indices {
        separate(isFirst: index == 0)
        append(numbers[index])
      }
      close("]")
    case .double(let number): append(number.isFinite ? number.description : "null")
    case .thousandths(let count): appendThousandths(count)
    case .string(let string): appendQuoted(string)
    case .array(let elements):
      open("[")
      for index in elements.indices {
        separate(isFirst: index == 0)
        append(elements[index])
      }
      close("]")
    case .object(let object):
      open("{")
      for index in object.members.indices {
        let (name, value) = object.members[index]
        separate(isFirst: index == 0)
        appendQuoted(name)
        append(isIndented ? " : " : ":")
        append(value)
      }
      close("}")
    }
  }

  private mutating func append(_ number: Float) {
    append(number.isFinite ? number.description : "null")
  }

  private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

  // MARK: - Layout

  private mutating func open(_ bracket: Unicode.Scalar) {
    precondition(
      depth < JSONValue.depthLimit, "a JSON value must nest at most \(JSONValue.depthLimit) deep")
    depth += 1
    bytes.append(UInt8(ascii: bracket))
    if isIndented { bytes.append(UInt8(ascii: "\n")) }
  }

  private mutating func separate(isFirst: Bool) {
    if !isFirst { append(isIndented ? ",\n" : ",") }
    if isIndented { indent() }
  }

  private mutating func close(_ bracket: Unicode.Scalar) {
    depth -= 1
    if isIndented {
      bytes.append(UInt8(ascii: "\n"))
      indent()
    }
    bytes.append(UInt8(ascii: bracket))
  }

  private mutating func indent() {
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }

  // MARK: - Scalars

  private mutating func appendThousandths(_ count: Int) {
    let (whole, rest) = count.magnitude.quotientAndRemainder(dividingBy: 1000)
    let places = String(rest)
    if count < 0 { bytes.append(UInt8(ascii: "-")) }
    append(String(whole))
    bytes.append(UInt8(ascii: "."))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 3 - places.utf8.count))
    append(places)
  }

  /// Appends a string as in RFC 8259, section 7, escaping control characters and DEL.
  private mutating func appendQuoted(_ string: String) {
    bytes.append(UInt8(ascii: "\""))
    if Self.hasEscapes(string) {
      for byte in string.utf8 { appendEscaped(byte) }
    } else {
      append(string)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscaped(_ byte: UInt8) {
    guard Self.isEscaped(byte) else {
      bytes.append(byte)
      return
    }
    switch byte {
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    case UInt8(ascii: "\n"): append("\\n")
    case UInt8(ascii: "\r"): append("\\r")
    case UInt8(ascii: "\t"): append("\\t")
    default:
      append("\\u00")
      bytes.append(Self.hexadecimalDigits[Int(byte >> 4)])
      bytes.append(Self.hexadecimalDigits[Int(byte & 15)])
    }
  }

  /// Returns whether one of its bytes must be escaped, which is rare.
  private static func hasEscapes(_ string: String) -> Bool {
    let bytes = string.utf8Span.span
    for index in bytes.indices where isEscaped(bytes[index]) { return true }
    return false
  }

  private static func isEscaped(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7f
  }
}
