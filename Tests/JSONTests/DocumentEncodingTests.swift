import Foundation
import JSON
import Testing

/// A document with what documents of models have.
private struct Document: Codable, Equatable {
  struct Part: Codable, Equatable {
    var width = 224
    var rule = Rule.highByte
  }

  enum Rule: String, Codable { case highByte = "high_byte" }

  var name = "a \"name\" \\ of\nthree lines/é\u{2028}"
  var mean: [Float] = [0.485, 1, 1e-5, 0, 16_777_216]
  var share = 0.8801
  var large = 1e300
  var count = -3
  var small: UInt8 = 255
  var isExact = false
  var missing: String?
  var part = Part()
  var parts = [Part(), Part(width: 1)]
  var ranges: [String: Float] = ["layer10": 2.5, "layer2": 4, "input": 0.1]
  var nothing: [Int] = []

  private enum CodingKeys: String, CodingKey {
    case name, mean, share, large, count, small, missing, part, parts, ranges, nothing
    case isExact = "is_exact"
  }
}

/// Encodes itself through every kind of container.
private struct Containers: Encodable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encodeNil(forKey: Key("null"))
    var object = container.nestedContainer(keyedBy: Key.self, forKey: Key("object"))
    try object.encode(1, forKey: Key("b"))
    try object.encode(Int?.none, forKey: Key("a"))
    var list = container.nestedUnkeyedContainer(forKey: Key("list"))
    try list.encode("x")
    try list.encodeNil()
    var inner = list.nestedUnkeyedContainer()
    try inner.encode(true)
    var member = list.nestedContainer(keyedBy: Key.self)
    try member.encode(2.5, forKey: Key("n"))
    try "base".encode(to: container.superEncoder())
    _ = container.nestedContainer(keyedBy: Key.self, forKey: Key("empty"))
  }
}

@Suite struct DocumentEncodingTests {
  private func foundation(_ document: some Encodable, _ more: JSONEncoder.OutputFormatting = [])
    throws -> String
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, more]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }

  @Test("A document has the text that Foundation's encoder gives it")
  func document() throws {
    let value = JSONValue(encoding: Document())
    #expect(value.text == (try foundation(Document())))
    #expect(value.indentedText == (try foundation(Document(), .prettyPrinted)))
  }

  @Test("Foundation's decoder reads a document back")
  func decoded() throws {
    let bytes = JSONValue(encoding: Document()).bytes
    #expect(try JSONDecoder().decode(Document.self, from: Data(bytes)) == Document())
  }

  @Test("Every kind of container is encoded")
  func containers() throws {
    let value = JSONValue(encoding: Containers())
    #expect(
      value.text
        == #"{"empty":{},"list":["x",null,[true],{"n":2.5}],"null":null,"object":{"a":null,"b":1},"super":"base"}"#
    )
  }

  @Test("Members stand in the order in which Foundation sorts them")
  func order() throws {
    let names = [
      "a10", "a9", "A", "B", "_", "\u{e9}", "e\u{301}a", "z", "\u{1F600}", "\u{ffff}", "",
    ]
    let document = Dictionary(uniqueKeysWithValues: names.map { ($0, 1) })
    #expect(JSONValue(encoding: document).text == (try foundation(document)))
  }

  @Test("Numbers have the digits that Foundation gives them")
  func numbers() throws {
    let floats: [Float] = [
      1, 0, 0.1, -2.5, 1e20, 16_777_216, 16_777_218, 1e-5, 1e15, .leastNonzeroMagnitude,
      .greatestFiniteMagnitude,
    ]
    #expect(JSONValue(encoding: floats).text == (try foundation(floats)))
    let doubles: [Double] = [
      1, 0.1, -3, 1e15, 1e16, 9_007_199_254_740_992, 9_007_199_254_740_994, 1e22, 1e300,
      .leastNonzeroMagnitude,
    ]
    #expect(JSONValue(encoding: doubles).text == (try foundation(doubles)))
  }

  @Test("What JSON has no number for is refused, or is a mistake of the program")
  func notFinite() async {
    for number in [Double.nan, .infinity] {
      #expect(throws: EncodingError.self) { try JSONValue.encoded(["a": [number]]) }
    }
    await #expect(processExitsWith: .failure) { _ = JSONValue(encoding: [Float.nan]) }
  }

  @Test("A document that cannot be encoded is a mistake of the program")
  func failing() async {
    await #expect(processExitsWith: .failure) { _ = JSONValue(encoding: UInt64.max) }
  }
}
