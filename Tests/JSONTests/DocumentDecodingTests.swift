import Foundation
import JSON
import Testing

/// A document with what documents of models have.
private struct Document: Codable, Equatable {
  struct Part: Codable, Equatable {
    var width: Int
    var rule: Rule?
  }

  enum Rule: String, Codable {
    case low
    case highByte = "high_byte"
  }

  var name: String
  var mean: [Float]
  var share: Double
  var small: UInt8
  var isExact: Bool
  var missing: String?
  var parts: [Part]
  var ranges: [String: Float]

  private enum CodingKeys: String, CodingKey {
    case name, mean, share, small, missing, parts, ranges
    case isExact = "is_exact"
  }
}

/// Decodes itself from every kind of container.
private struct Containers: Decodable, Equatable {
  var isNull: Bool
  var names: [String]
  var list: [String] = []
  var inner: [Int] = []
  var member: Double
  var base: String

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ name: String) { stringValue = name }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    isNull = try container.decodeNil(forKey: Key("null"))
    names = container.allKeys.map(\.stringValue)
    var list = try container.nestedUnkeyedContainer(forKey: Key("list"))
    self.list.append(try list.decode(String.self))
    if try list.decodeNil() { self.list.append("null") }
    var inner = try list.nestedUnkeyedContainer()
    while !inner.isAtEnd { self.inner.append(try inner.decode(Int.self)) }
    member = try list.nestedContainer(keyedBy: Key.self).decode(Double.self, forKey: Key("n"))
    #expect(list.isAtEnd && list.currentIndex == 4 && list.count == 4)
    #expect(throws: DecodingError.self) { try list.decode(Int.self) }
    base = try String(from: container.superDecoder())
  }
}

@Suite struct DocumentDecodingTests {
  private func decoded<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
    // SAFETY: the bytes of a string, for the call.
    let tree = try unsafe JSONTree(json.utf8Span.span.bytes, allowsNUL: true)
    return try tree.decode(type)
  }

  private static let json = #"""
    {"name": "a \"name\"\n/\u00e9\u0000\ud83d\ude00", "mean": [0.485, 1, 1e-5, 2.0, 16777216],
     "share": 0.8801, "small": 255, "is_exact": false, "missing": null, "unknown": {"a": [1]},
     "parts": [{"width": 224, "rule": "high_byte"}, {"width": 1e2}],
     "ranges": {"layer10": 2.5, "layer2": 4, "input": 0.1}}
    """#

  @Test("A document is what Foundation's decoder makes of it")
  func document() throws {
    #expect(
      try decoded(Document.self, Self.json)
        == JSONDecoder().decode(Document.self, from: Data(Self.json.utf8)))
  }

  @Test("What has been encoded is decoded as it was")
  func round() throws {
    let document = try decoded(Document.self, Self.json)
    #expect(try decoded(Document.self, JSONValue(encoding: document).text) == document)
  }

  @Test("Every kind of container is decoded")
  func containers() throws {
    let found = try decoded(
      Containers.self, #"{"null": null, "list": ["x", null, [1, 2], {"n": 2.5}], "super": "base"}"#)
    #expect(found.isNull && found.names == ["null", "list", "super"] && found.base == "base")
    #expect(found.list == ["x", "null"] && found.inner == [1, 2] && found.member == 2.5)
  }

  private struct Faulty {
    let type: any Decodable.Type
    let json: String
    let reason: String
  }

  private static var faulty: [Faulty] {
    [
      Faulty(type: [Int].self, json: #"["a"]"#, reason: "0: a string is not a whole number"),
      Faulty(type: [Int].self, json: "[1.5]", reason: "0: 1.5 is not a whole number"),
      Faulty(type: [UInt8].self, json: "[7, 300]", reason: "1: 300 is not a whole number"),
      Faulty(type: [UInt8].self, json: "[-1]", reason: "0: -1 is not a whole number"),
      Faulty(type: [Bool].self, json: "[1]", reason: "0: a number is not true or false"),
      Faulty(type: [Double].self, json: "[true]", reason: "0: true is not a number"),
      Faulty(type: [Float].self, json: "[1e40]", reason: "0: 1e+40 is beyond the range of a Float"),
      Faulty(type: [String].self, json: "[null]", reason: "0: null is not a string"),
      Faulty(type: [[String]].self, json: "[[[]]]", reason: "0.0: an array is not a string"),
      Faulty(
        type: [String: [Int]].self, json: #"{"a": {}}"#, reason: "a: an object is not an array"),
      Faulty(type: [String: Int].self, json: "[]", reason: ": an array is not an object"),
      Faulty(type: Document.self, json: "{}", reason: ": name is missing"),
      Faulty(type: [Document.Rule].self, json: #"["no"]"#, reason: "0: "),
    ]
  }

  @Test("What does not fit is refused with its place and reason, where Foundation refuses it too")
  func faults() throws {
    for faulty in Self.faulty {
      #expect(throws: DecodingError.self) {
        _ = try JSONDecoder().decode(faulty.type, from: Data(faulty.json.utf8))
      }
      let error = try #require(
        #expect(throws: DecodingError.self) { _ = try decoded(faulty.type, faulty.json) })
      let context: DecodingError.Context? =
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context),
          .keyNotFound(_, let context), .dataCorrupted(let context):
          context
        @unknown default: nil
        }
      let found = try #require(context)
      let place = found.codingPath.map(\.stringValue).joined(separator: ".")
      #expect("\(place): \(found.debugDescription)".hasPrefix(faulty.reason))
    }
  }

  @Test("A number of single precision comes back by way of double precision")
  func singlePrecision() throws {
    var bits: UInt32 = 1
    var numbers: [Float] = []
    for _ in 0..<20_000 {
      bits = bits &* 1_664_525 &+ 1_013_904_223
      let number = Float(bitPattern: bits)
      if number.isFinite { numbers.append(number) }
    }
    #expect(try decoded([Float].self, JSONValue.floats(numbers).text) == numbers)
  }
}
