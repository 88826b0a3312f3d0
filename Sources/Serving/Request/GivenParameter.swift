import HTTPCore

/// A parameter of a classification as a client wrote it.
package struct GivenParameter: Sendable, Hashable {
  package enum Place: Sendable, Hashable {
    case query, form, json

    /// Kind of name that it is there.
    var noun: String {
      switch self {
      case .query: "parameter"
      case .form: "form field"
      case .json: "member"
      }
    }

    /// Name of the place in a sentence.
    var name: String {
      switch self {
      case .query: "the query"
      case .form: "the form"
      case .json: "the JSON"
      }
    }
  }

  package let name: String
  let place: Place
  /// Digits of a number, or whatever stands in their place; nil if it cannot be a number.
  let text: String?
  /// A whole string; nil for anything else, and for one that is longer than is read.
  let string: String?
  /// Value in an error's words.
  let shown: String
  /// Whether it counts as missing.
  let isNull: Bool

  init(
    _ name: String, _ place: Place, text: String?, string: String? = nil, shown: String? = nil,
    isNull: Bool = false
  ) {
    self.name = name
    self.place = place
    self.text = text
    self.string = string
    self.shown = shown ?? Quotation.value(text ?? "")
    self.isNull = isNull
  }

  init(_ item: RequestTarget.QueryItem) {
    self.init(item.name, .query, text: item.value, string: item.value)
  }
}
