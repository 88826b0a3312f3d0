/// A file that must be refused, and what the error must say.
package struct Hostile: Sendable, CustomStringConvertible {
  package let name: String
  /// A part of the reason; empty if any of several checks may come first.
  package let expected: String
  package let bytes: [UInt8]

  package var description: String { name }

  package init(_ name: String, _ expected: String, bytes: [UInt8]) {
    (self.name, self.expected, self.bytes) = (name, expected, bytes)
  }

  /// A value's pickle in PyTorch's older stream.
  init(_ name: String, _ expected: String, _ value: PickleBytes, protocol version: UInt8 = 4) {
    self.init(
      name, expected, bytes: PickleBytes.stream(value.pickle(protocol: version)))
  }
}
