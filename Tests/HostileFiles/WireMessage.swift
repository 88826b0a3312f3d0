/// A protobuf message being written, field by field.
package struct WireMessage {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func integer(_ field: Int, _ value: Int64) {
    varint(UInt64(field) << 3)
    varint(UInt64(bitPattern: value))
  }

  package mutating func float(_ field: Int, _ value: Float) {
    varint(UInt64(field) << 3 | 5)
    bytes += littleEndian(value.bitPattern)
  }

  package mutating func data(_ field: Int, _ data: [UInt8]) {
    varint(UInt64(field) << 3 | 2)
    varint(UInt64(data.count))
    bytes += data
  }

  package mutating func text(_ field: Int, _ text: String) { data(field, Array(text.utf8)) }

  package mutating func message(_ field: Int, _ fill: (inout WireMessage) -> Void) {
    var inner = WireMessage()
    fill(&inner)
    data(field, inner.bytes)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private func littleEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }
}
