/// Pickles and PyTorch's older stream, right and wrong, as bytes.
package struct PickleBytes {
  package private(set) var bytes: [UInt8] = []

  package init(_ body: [UInt8] = []) { bytes = body }

  /// Joins the parts; operators would keep the type checker busy.
  package static func of(_ parts: PickleBytes...) -> PickleBytes { joined(parts) }

  package static func joined(_ parts: [PickleBytes]) -> PickleBytes {
    PickleBytes(parts.flatMap(\.bytes))
  }

  /// Returns opcodes by their characters, `(` or `}` and so on.
  package static func code(_ text: String) -> PickleBytes { PickleBytes(Array(text.utf8)) }

  package static func raw(_ bytes: UInt8...) -> PickleBytes { PickleBytes(bytes) }

  package static func text(_ text: String) -> PickleBytes {
    .of(.code("X"), little(UInt32(text.utf8.count)), .code(text))
  }

  package static func integer(_ value: Int) -> PickleBytes {
    .of(.raw(0x8a, 8), little(UInt64(bitPattern: Int64(value))))
  }

  package static func global(_ module: String, _ name: String) -> PickleBytes {
    .code("c\(module)\n\(name)\n")
  }

  package static func tuple(_ parts: [PickleBytes]) -> PickleBytes {
    .of(.code("("), joined(parts), .code("t"))
  }

  package static func list(_ parts: [PickleBytes]) -> PickleBytes {
    .of(.code("]("), joined(parts), .code("e"))
  }

  package static func dictionary(_ items: [(String, PickleBytes)]) -> PickleBytes {
    .of(.code("}("), joined(items.map { .of(.text($0.0), $0.1) }), .code("u"))
  }

  package static func storage(_ key: String, _ type: String = "FloatStorage", count: Int)
    -> PickleBytes
  {
    let type = PickleBytes.global("torch", type)
    return .of(
      .tuple([.text("storage"), type, .text(key), .text("cpu"), .integer(count)]), .code("Q"))
  }

  package static func tensor(
    _ storage: PickleBytes, offset: Int = 0, _ shape: [Int], _ strides: [Int]
  ) -> PickleBytes {
    let arguments = [
      storage, .integer(offset), .tuple(shape.map(integer)), .tuple(strides.map(integer)),
      .raw(0x89), .code("}"),
    ]
    return .of(.global("torch._utils", "_rebuild_tensor_v2"), .tuple(arguments), .code("R"))
  }

  /// Returns the pickle, from its protocol to STOP.
  package func pickle(protocol version: UInt8 = 2) -> [UInt8] { [0x80, version] + bytes + [0x2e] }

  /// Returns a little-endian number.
  package static func little<Value: FixedWidthInteger>(_ value: Value) -> PickleBytes {
    PickleBytes(
      (0..<Value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) })
  }

  package static let magic: [UInt8] = [
    0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]
  package static let protocolVersion: [UInt8] = [0x80, 2, 0x4d, 0xe9, 0x03, 0x2e]
  package static let system = dictionary([("little_endian", .raw(0x88))]).pickle()

  /// Returns the older stream around a value's pickle; storages by key, each with a count and its
  /// bytes.
  package static func stream(
    _ value: [UInt8], storages: [(key: String, count: Int64, data: [UInt8])] = []
  ) -> [UInt8] {
    let keys = of(.code("]("), joined(storages.map { .text($0.key) }), .code("e")).pickle()
    let data = storages.flatMap { little($0.count).bytes + $0.data }
    return magic + protocolVersion + system + value + keys + data
  }
}
