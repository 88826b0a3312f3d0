import Checkpoint
import HostileFiles
import ResNet
import Testing

/// Parameters as NumPy's arrays; Fixtures/make-arrays.py makes the files.
@Suite struct PickleArrayTests {
  private static let options = ModelOptions(labels: ["a", "b", "c"])

  private static func numbers(_ model: Model) -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: model.weights.names.map { ($0, model.weights[$0]?.values ?? []) })
  }

  private static func failure(_ bytes: [UInt8]) -> String {
    do {
      _ = try Model.load(bytes: bytes, fileName: "x", options: options)
      return "it passed"
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "Arrays have the numbers of the tensors that they were, in every protocol, type and order",
    arguments: [
      ("arrays-2.pkl", FileFormat.pickle), ("arrays-4.pkl", .pickle), ("arrays-5.pkl", .pickle),
      ("arrays.pth", .pytorchArchive), ("arrays-mixed.pth", .pytorchArchive),
      ("array.pth", .pytorchArchive),
    ])
  func numbers(name: String, format: FileFormat) throws {
    let expected = try Model.load(path: Fixtures.path("zip.pth"), options: Self.options)
    let model = try Model.load(path: Fixtures.path(name), options: Self.options)
    #expect(Self.numbers(model) == Self.numbers(expected))
    #expect(model.format == format && model.architecture == expected.architecture)
  }

  @Test("NumPy 1 calls its functions by other names, which are known too")
  func olderNames() throws {
    let bytes = try Fixtures.bytes("arrays-2.pkl")
    let old = Array("numpy._core.multiarray".utf8)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: old) })
    let renamed =
      bytes[..<start] + Array("numpy.core.multiarray".utf8) + bytes[(start + old.count)...]
    let model = try Model.load(bytes: Array(renamed), fileName: "x", options: Self.options)
    let expected = try Model.load(path: Fixtures.path("zip.pth"), options: Self.options)
    #expect(Self.numbers(model) == Self.numbers(expected))
  }

  @Test(
    "Arrays that cannot be read are named with the reason and what is read",
    arguments: [
      (
        "arrays-big-endian.pkl", "bn1.bias",
        "of type >f4, whose numbers are big-endian; little-endian float16, float32 and float64"
      ),
      ("arrays-objects.pkl", "fc.bias", "of type O8; little-endian"),
      ("arrays-strings.pkl", "fc.bias", "of type <U1; little-endian"),
    ])
  func unreadable(file: String, tensor: String, reason: String) throws {
    let found = Self.failure(try Fixtures.bytes(file))
    #expect(found.hasPrefix("tensor \(tensor) (byte "), "\(found)")
    #expect(found.contains("it is an array of NumPy \(reason)"), "\(found)")
  }

  @Test("A scalar where the network needs an array is refused by its shape")
  func scalar() throws {
    let found = Self.failure(try Fixtures.bytes("arrays-scalar.pkl"))
    #expect(found.contains("fc.bias") && found.contains("shape []"), "\(found)")
  }

  private static let float32 = PickleBytes.of(
    .global("numpy", "dtype"), .tuple([.text("f4"), .raw(0x89), .raw(0x88)]), .code("R"),
    .tuple(
      [.integer(3), .text("<")] + .init(repeating: .code("N"), count: 3)
        + .init(repeating: .integer(0), count: 3)), .code("b"))

  /// A float32 array under `fc.bias`, any part of which may be another than NumPy writes.
  private static func array(
    function: PickleBytes = .global("numpy._core.multiarray", "_reconstruct"),
    arguments: PickleBytes = .tuple([
      .global("numpy", "ndarray"), .tuple([.integer(0)]), .text("b"),
    ]),
    type: PickleBytes = float32,
    version: PickleBytes = .integer(1), shape: [Int] = [2],
    data: PickleBytes = .of(.code("C"), .raw(8, 0, 0, 0, 0, 0, 0, 0, 0)),
    order: PickleBytes = .raw(0x89), then: PickleBytes = PickleBytes()
  ) -> [UInt8] {
    let state = PickleBytes.tuple([
      version, .tuple(shape.map(PickleBytes.integer)), type, order, data,
    ])
    let array = PickleBytes.of(function, arguments, .code("R"), state, .code("b"), then)
    // A number that is sound, for the file to be one of arrays.
    let sound = PickleBytes.of(
      .global("numpy._core.multiarray", "scalar"),
      .tuple([float32, .of(.code("C"), .raw(4, 0, 0, 0, 0))]), .code("R"))
    return PickleBytes.dictionary([("a.weight", sound), ("fc.bias", array)]).pickle()
  }

  private static let encode = PickleBytes.global("_codecs", "encode")

  private static func characters(_ bytes: [UInt8], _ coding: String = "latin1") -> PickleBytes {
    .of(
      encode,
      .tuple([
        .of(.code("X"), .little(UInt32(bytes.count)), PickleBytes(bytes)), .text(coding),
      ]), .code("R"))
  }

  private static let unsound: [(String, String, [UInt8])] = [
    ("too few bytes", "of 8 bytes, where its shape [3] needs 12", array(shape: [3])),
    ("too many bytes", "where its shape [1] needs 4", array(shape: [1])),
    ("a shape that overflows", "whose shape is not", array(shape: [.max, .max])),
    ("a negative dimension", "whose shape is not", array(shape: [-1, -2])),
    ("nine dimensions", "whose shape is not", array(shape: .init(repeating: 1, count: 9))),
    ("no bytes", "whose numbers are not bytes", array(data: .code("]"))),
    ("another version", "in a form that is not known", array(version: .integer(2))),
    ("no order", "in a form that is not known", array(order: .code("N"))),
    (
      "a type that is not one", "of an element type that is not known", array(type: .text("f4"))
    ),
    (
      "a type without its state", "of an element type that is not known",
      array(
        type: .of(
          .global("numpy", "dtype"), .tuple([.text("f4"), .raw(0x89), .raw(0x88)]), .code("R")))
    ),
    ("two states", "it is a numpy.ndarray, of which", array(then: .code("Nb"))),
    (
      "another class", "it is a numpy.matrix, of which",
      array(
        arguments: .tuple([.global("numpy", "matrix"), .tuple([.integer(0)]), .text("b")]))
    ),
    (
      "another function of the name", "it is a mine._reconstruct, of which",
      array(function: .global("mine", "_reconstruct"))
    ),
    (
      "another coding", "whose numbers are not bytes",
      array(data: characters([UInt8](repeating: 0, count: 8), "utf8"))
    ),
    (
      "too many characters", "of 17 bytes, where its shape [2] needs 8",
      array(data: characters([UInt8](repeating: 0, count: 17)))
    ),
  ]

  @Test("Whatever is not exactly as NumPy writes it stays a placeholder", arguments: unsound)
  func forms(name: String, reason: String, bytes: [UInt8]) {
    let found = Self.failure(bytes)
    #expect(found.hasPrefix("tensor fc.bias (byte ") && found.contains(reason), "\(found)")
  }

  @Test(
    "Characters beyond Latin-1, cut ones and a wrong number of them are refused where they are read",
    arguments: [
      [0xc4, 0x80] + [UInt8](repeating: 0, count: 11), [UInt8](repeating: 0, count: 11) + [0xc3],
      [0xc3, 0x41] + [UInt8](repeating: 0, count: 11), [0x80] + [UInt8](repeating: 0, count: 11),
      [UInt8](repeating: 0, count: 13),
    ])
  func characters(data: [UInt8]) throws {
    var bytes = try Fixtures.bytes("arrays-2.pkl")
    // The last array is fc.bias of three numbers: its string ends before "latin1" is taken from
    // the memo.
    let start = try #require(
      bytes.indices.last {
        bytes[$0...].starts(with: [0x58]) && bytes[($0 + 1)...].starts(with: [14, 0, 0, 0])
      })
    bytes.replaceSubrange(
      start..<(start + 19), with: [0x58] + PickleBytes.little(UInt32(data.count)).bytes + data)
    let found = Self.failure(bytes)
    #expect(found.contains("its numbers are not 12 bytes in characters of Latin-1"), "\(found)")
  }

  @Test("A pickle of arrays with something after it, or with tensors of PyTorch, is refused")
  func ends() throws {
    let bytes = try Fixtures.bytes("arrays-4.pkl")
    #expect(Self.failure(bytes + [0]).contains("1 bytes after the pickle"))
    #expect(Self.failure(bytes.dropLast(100)).contains("not complete"))
    let tensor = PickleBytes.dictionary([
      ("fc.bias", .tensor(.storage("0", count: 1), [1], [1]))
    ])
    #expect(Self.failure(tensor.pickle()).contains("tensors without their numbers"))
  }
}
