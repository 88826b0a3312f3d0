/// Foreign files that are messages of Protocol Buffers or msgpack, which have no magic number.
///
/// A message is a sequence of fields, each with a tag (number << 3 | kind), a length and bytes:
///
///     ONNX         08 VERSION  12 LENGTH "producer"         the name of a program, printable
///     SavedModel   08 01       12 LENGTH 0a LENGTH …        a MetaGraphDef, which holds messages
///     Core ML      08 VERSION  12 LENGTH 0a LENGTH …        a ModelDescription, likewise
///     frozen graph 0a LENGTH   0a LENGTH "name" 12 LENGTH "Operation"
///     Caffe        0a LENGTH "name" a2 06 …                 its layers have number 100
///     Flax         81 … 8f     a0 + LENGTH "params"         a map of msgpack with names as keys
enum ForeignMessage {
  static func file(beginning start: [UInt8]) -> ForeignFile? {
    var reader = Reader(start[...])
    switch start.first {
    case 0x08:
      guard let version = reader.tagged(0x08), reader.tagged(0x12) != nil,
        reader.rest.first == 0x0a
      else { return nil }
      return version == 1 ? savedModel : coreML
    case 0x0a: return graph(start)
    case let first? where 0x81...0x8f ~= first:
      reader = Reader(start.dropFirst())
      guard let length = reader.rest.first, 0xa1...0xbf ~= length,
        Reader.isName(reader.rest.dropFirst().prefix(Int(length) - 0xa0), Int(length) - 0xa0)
      else { return nil }
      return ForeignFile(
        "it is a msgpack file, as Flax writes", remedy: "save the model as safetensors or ONNX")
    default: return nil
    }
  }

  static let savedModel = ForeignFile(
    "it is the graph of a TensorFlow SavedModel (saved_model.pb)",
    remedy: "make ONNX of its folder: "
      + "python -m tf2onnx.convert --saved-model FOLDER --output model.onnx")
  private static let coreML = ForeignFile(
    "it is a Core ML model", remedy: ForeignFile.exportTheOriginal)

  private static func graph(_ start: [UInt8]) -> ForeignFile? {
    var reader = Reader(start[...])
    guard reader.tagged(0x0a) != nil else { return nil }
    var node = reader
    if node.name(0x0a) != nil, node.name(0x12) != nil {
      return ForeignFile(
        "it is a frozen graph of TensorFlow (.pb)",
        remedy: "make ONNX of it: python -m tf2onnx.convert --graphdef model.pb "
          + "--inputs NAME:0 --outputs NAME:0 --output model.onnx")
    }
    reader = Reader(start[...])
    guard reader.name(0x0a) != nil, reader.rest.starts(with: [0xa2, 0x06]) else { return nil }
    return ForeignFile("it is a Caffe model", remedy: ForeignFile.exportTheOriginal)
  }

  private struct Reader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Takes a tag and the number after it, a length or a value.
    mutating func tagged(_ tag: UInt8) -> Int? {
      guard rest.first == tag else { return nil }
      rest.removeFirst()
      var value = 0
      for shift in stride(from: 0, to: 35, by: 7) {
        guard let byte = rest.popFirst() else { return nil }
        value |= Int(byte & 0x7f) << shift
        if byte & 0x80 == 0 { return value }
      }
      return nil
    }

    /// Takes a field that holds a name.
    mutating func name(_ tag: UInt8) -> ArraySlice<UInt8>? {
      guard let length = tagged(tag), Self.isName(rest.prefix(length), length) else { return nil }
      defer { rest = rest.dropFirst(length) }
      return rest.prefix(length)
    }

    static func isName(_ bytes: ArraySlice<UInt8>, _ length: Int) -> Bool {
      length > 0 && bytes.count == length && bytes.allSatisfy { 0x20...0x7e ~= $0 }
    }
  }
}
