/// A JSON value to be written (RFC 8259), from which every answer and every report of the program
/// is made.
///
///     let item: JSONValue = ["class": 281, "label": .string(label), "probability": .float(share)]
///     item.text          {"class":281,"label":"tabby","probability":0.467}
///     item.indentedText  the same on several lines
///
/// Members keep the order in which they are given. Any string and any number can be written.
/// Jansson's writer lost: it has one precision for all numbers of a document, shows other
/// exponents, and takes longer.
package enum JSONValue: Sendable {
  case null
  case boolean(Bool)
  case integer(Int)
  /// The shortest decimal that gives the same `Float` again; null if not finite, which JSON cannot
  /// say.
  case float(Float)
  /// An array of numbers, each as `float` writes it; takes much less memory than an array of values.
  case floats([Float])
  /// The shortest decimal that gives the same `Double` again; null if not finite, which JSON cannot
  /// say.
  case double(Double)
  /// A number of thousandths with all three decimal places: 1500 is `1.500`.
  case thousandths(Int)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// Limit on nested arrays and objects, 64; only programs nest values, data from elsewhere never
  /// does.
  package static let depthLimit = 64

  /// Makes the string, or null for nil.
  package init(_ string: String?) { self = string.map(Self.string) ?? .null }

  /// Makes the integer, or null for nil.
  package init(_ integer: Int?) { self = integer.map(Self.integer) ?? .null }

  /// Makes the object, or null for nil.
  package init(_ object: JSONObject?) { self = object.map(Self.object) ?? .null }

  /// Elements of an array; nil for anything else.
  package var elements: [JSONValue]? {
    guard case .array(let elements) = self else { return nil }
    return elements
  }

  /// JSON on one line, without blanks between values.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// UTF-8 of `text`.
  package var bytes: [UInt8] { JSONWriter(self, isIndented: false).bytes }

  /// UTF-8 of `text` and a newline: a document that stands alone, which terminals show as a line.
  package var line: [UInt8] {
    var bytes = bytes
    bytes.append(UInt8(ascii: "\n"))
    return bytes
  }

  /// JSON with each value on a line of its own, indented by two blanks per level.
  package var indentedText: String {
    String(decoding: JSONWriter(self, isIndented: true).bytes, as: UTF8.self)
  }
}

/// Members of a JSON object, in order; their names must differ.
package struct JSONObject: Sendable {
  // Without labels, as in a literal: other tuples would be converted one by one.
  package private(set) var members: [(String, JSONValue)]

  package init(_ members: [(String, JSONValue)]) { self.members = members }

  /// Returns the members of `left`, then those of `right`.
  package static func + (left: JSONObject, right: JSONObject) -> JSONObject {
    JSONObject(left.members + right.members)
  }

  /// Adds members at the end.
  package static func += (left: inout JSONObject, right: JSONObject) {
    left.members += right.members
  }

  /// Adds a member at the end.
  package mutating func append(_ name: String, _ value: JSONValue) { members.append((name, value)) }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral members: (String, JSONValue)...) { self.init(members) }
}

// MARK: - Literals

extension JSONValue: ExpressibleByNilLiteral {
  package init(nilLiteral: ()) { self = .null }
}

extension JSONValue: ExpressibleByBooleanLiteral {
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
  package init(integerLiteral value: Int) { self = .integer(value) }
}

extension JSONValue: ExpressibleByFloatLiteral {
  package init(floatLiteral value: Double) { self = .double(value) }
}

extension JSONValue: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { self = .string(value) }
}

extension JSONValue: ExpressibleByArrayLiteral {
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral members: (String, JSONValue)...) {
    self = .object(JSONObject(members))
  }
}
