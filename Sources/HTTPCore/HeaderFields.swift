/// Header or trailer fields in their order; names are compared regardless of case (RFC 9110,
/// section 5.1).
package struct HeaderFields: Sendable, Hashable {
  package struct Field: Sendable, Hashable {
    package var name: String
    package var value: String
  }

  package private(set) var fields: [Field] = []

  package init() {}

  package init(_ fields: [(String, String)]) {
    self.fields = fields.map { Field(name: $0.0, value: $0.1) }
  }

  package mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// The first field's value; setting it replaces all fields of that name.
  package subscript(name: String) -> String? {
    get { fields.first { Self.same($0.name, name) }?.value }
    set {
      fields.removeAll { Self.same($0.name, name) }
      if let newValue { append(name, newValue) }
    }
  }

  package func values(of name: String) -> [String] {
    fields.filter { Self.same($0.name, name) }.map(\.value)
  }

  /// The members of a comma-separated list, over all fields of the name, in lower case.
  package func tokens(of name: String) -> [String] {
    values(of: name).flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }
      .map { ASCII.lowercased(ASCII.trimmed(Substring($0))) }.filter { !$0.isEmpty }
  }

  /// Whether it is the name of a field (RFC 9110, section 5.1).
  package static func isName(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(ASCII.isToken)
  }

  static func same(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count
      && a.utf8.elementsEqual(b.utf8) { ASCII.lowercased($0) == ASCII.lowercased($1) }
  }
}
