/// JSON of a contract before it is understood, so that every fault is told in words of our own.
enum ContractValue {
  case null
  case boolean(Bool)
  /// A number, in both precisions; infinite where one does not hold it.
  case number(Double, single: Float)
  case string(String)
  case list([ContractValue])
  case object([String: ContractValue])

  /// Returns it without some of its members.
  func without(_ keys: Set<String>) -> ContractValue {
    guard case .object(let members) = self else { return self }
    return .object(members.filter { !keys.contains($0.key) })
  }
}

extension ContractValue: Decodable {
  /// Allowed nesting of a contract inside a document; its own deepest value is `alpha.background`.
  private static let depthLimit = 16

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    guard decoder.codingPath.count <= Self.depthLimit else {
      throw ImagingError.invalidContract(
        reason: "values nest deeper than \(Self.depthLimit) levels")
    }
    if let members = try? decoder.container(keyedBy: Key.self) {
      var object: [String: ContractValue] = [:]
      for key in members.allKeys {
        object[key.stringValue] = try members.decode(ContractValue.self, forKey: key)
      }
      self = .object(object)
    } else if var elements = try? decoder.unkeyedContainer() {
      var list: [ContractValue] = []
      while !elements.isAtEnd { list.append(try elements.decode(ContractValue.self)) }
      self = .list(list)
    } else {
      self = try Self.scalar(decoder.singleValueContainer())
    }
  }

  private static func scalar(_ container: any SingleValueDecodingContainer) -> ContractValue {
    if container.decodeNil() { return .null }
    if let boolean = try? container.decode(Bool.self) { return .boolean(boolean) }
    if let string = try? container.decode(String.self) { return .string(string) }
    let number = (try? container.decode(Double.self)) ?? .infinity
    return .number(number, single: (try? container.decode(Float.self)) ?? .infinity)
  }
}

extension ContractValue: CustomStringConvertible {
  /// Characters of a string and elements of a list that a message shows.
  private static let shownCount = 40

  /// The value as a message shows it: JSON, cut short.
  var description: String {
    switch self {
    case .null: "null"
    case .boolean(let truth): truth ? "true" : "false"
    case .number(let number, _): Self.text(number)
    case .string(let string): Self.quoted(string)
    case .list(let list):
      "[" + list.prefix(Self.shownCount / 10).map(\.summary).joined(separator: ", ")
        + (list.count > Self.shownCount / 10 ? ", …]" : "]")
    case .object: "an object"
    }
  }

  /// The value inside a list.
  private var summary: String {
    if case .list = self { return "[…]" }
    return description
  }

  private static func text(_ number: Double) -> String {
    guard number.isFinite else { return "a number beyond the range" }
    return Int(exactly: number).map(String.init) ?? String(number)
  }

  /// Quotes a string from outside.
  static func quoted(_ string: String) -> String {
    let shown = string.unicodeScalars.prefix(shownCount).map { scalar in
      scalar.properties.generalCategory == .control ? "?" : String(scalar)
    }
    return "\"" + shown.joined() + (string.unicodeScalars.count > shownCount ? "…\"" : "\"")
  }
}
