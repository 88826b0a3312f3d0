/// ONNX files that are broken as protobuf, before any field has a meaning.
package enum HostileWire {
  private static let sound = ModelFile.classifier.bytes

  private static func broken(_ name: String, _ bytes: [UInt8]) -> Hostile {
    Hostile("protobuf: \(name)", "", bytes: bytes)
  }

  package static let all: [Hostile] = [
    broken("nothing but a version", [8, 8]), broken("half a version", [8, 0x88, 0x80]),
    broken("a number of eleven bytes", [8, 8] + [UInt8](repeating: 0x80, count: 10) + [1]),
    broken(
      "a tag of eleven bytes",
      [8, 8] + [UInt8](repeating: 0xff, count: 10) + [1] + sound.dropFirst(2)),
    broken("a number without an end", [8, 8] + [UInt8](repeating: 0x80, count: 1 << 20)),
    broken("a graph past the file", [8, 8, 0x3a, 0xff, 0xff, 0xff, 0xff, 0x07]),
    broken("a graph of 2^64 bytes", [8, 8, 0x3a] + [UInt8](repeating: 0xff, count: 9) + [1]),
    broken("a node past its graph", [8, 8, 0x3a, 4, 0x0a, 100, 0, 0]),
    broken("a graph that is a number", [8, 8, 0x38, 1, 0x42, 2, 0x10, 13]),
    broken("field 0", [8, 8, 0, 0] + sound.dropFirst(2)),
    broken("a group without an end", [8, 8, 0x3b] + sound.dropFirst(2)),
    broken("the end of no group", [8, 8, 0x3c] + sound.dropFirst(2)),
    broken("groups in groups", [8, 8] + [UInt8](repeating: 0x0b, count: 100_000)),
    broken("wire type 6", [8, 8, 0x3e, 1] + sound.dropFirst(2)),
    broken("wire type 7", [8, 8, 0x3f, 1] + sound.dropFirst(2)),
    broken("a byte behind", sound + [0x0a]), broken("a cut number behind", sound + [0x3d, 1]),
    broken("ones behind", sound + [UInt8](repeating: 0xff, count: 1000)),
    broken("zeros behind", sound + [UInt8](repeating: 0, count: 1000)),
    broken("the file twice", sound + sound),
    broken("no graph", [8, 8, 0x42, 2, 0x10, 13]),
    broken("an empty graph", [8, 8, 0x42, 2, 0x10, 13, 0x3a, 0]),
  ]
}
