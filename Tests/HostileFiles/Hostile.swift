import Testing

/// A file that must be refused, and what the error must say.
struct Hostile: Sendable, CustomTestStringConvertible {
  let name: String
  let expected: String
  let bytes: [UInt8]

  var testDescription: String { name }

  init(_ name: String, _ expected: String, bytes: [UInt8]) {
    (self.name, self.expected, self.bytes) = (name, expected, bytes)
  }

  /// A value's pickle in PyTorch's older stream.
  init(_ name: String, _ expected: String, _ value: PickleBytes, protocol version: UInt8 = 4) {
    self.init(
      name, expected, bytes: PickleBytes.stream(value.pickle(protocol: version)))
  }
}
