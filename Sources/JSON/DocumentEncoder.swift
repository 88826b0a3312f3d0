extension JSONValue {
  /// Makes the value of a typed document.
  ///
  /// Members are sorted by the bytes of their names, so that equal documents are written alike, and
  /// whole floating-point numbers have no decimal places. That a document cannot be encoded is a
  /// mistake of the program.
  package init(encoding document: some Encodable) {
    do { self = try Self.encoded(document) } catch {
      preconditionFailure("a document must be encodable: \(error)")
    }
  }

  /// Makes the value of a typed document that may hold numbers that JSON has none for; throws
  /// `EncodingError` then.
  package static func encoded(_ document: some Encodable) throws -> JSONValue {
    try DocumentPart(encoding: document).value
  }
}

/// A value that is being made: containers that are still open write into it.
private final class DocumentPart {
  private enum Content {
    case scalar(JSONValue)
    case array([DocumentPart])
    case object([String: DocumentPart])
  }

  private var content = Content.object([:])

  init() {}

  init(encoding document: some Encodable) throws {
    try DocumentEncoder(part: self, codingPath: []).encode(document)
  }

  var value: JSONValue {
    switch content {
    case .scalar(let value): value
    case .array(let elements): .array(elements.map(\.value))
    case .object(let members):
      .object(
        JSONObject(
          members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            .map { ($0.key, $0.value.value) }))
    }
  }

  func set(_ value: JSONValue) { content = .scalar(value) }

  func beginObject() {
    if case .object = content { return }
    content = .object([:])
  }

  func beginArray() {
    if case .array = content { return }
    content = .array([])
  }

  func set(_ key: any CodingKey, _ part: DocumentPart) {
    guard case .object(var members) = content else {
      preconditionFailure("a part is one container")
    }
    content = .object([:])
    members[key.stringValue] = part
    content = .object(members)
  }

  func append(_ part: DocumentPart) {
    guard case .array(var elements) = content else {
      preconditionFailure("a part is one container")
    }
    content = .array([])
    elements.append(part)
    content = .array(elements)
  }

  var count: Int {
    if case .array(let elements) = content { elements.count } else { 0 }
  }
}

/// Takes a document's values into a part, as each kind of container.
private struct DocumentEncoder: Encoder, SingleValueEncodingContainer {
  let part: DocumentPart
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    part.beginObject()
    return KeyedEncodingContainer(MemberEncoder(object: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    part.beginArray()
    return ElementEncoder(array: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { self }

  func encodeNil() { part.set(.null) }

  // One function for all types: a requirement for one of them is met by it as well.
  func encode<Value: Encodable>(_ value: Value) throws {
    switch value {
    case let string as String: part.set(.string(string))
    case let truth as Bool: part.set(.boolean(truth))
    case let integer as any FixedWidthInteger:
      guard let integer = Int(exactly: integer) else { throw fault(value, "is too large") }
      part.set(.integer(integer))
    case let number as Float: part.set(try self.number(number, .float(number)))
    case let number as Double: part.set(try self.number(number, .double(number)))
    default: try value.encode(to: self)
    }
  }

  /// Returns a number as it is printed: those that would end with `.0` as whole ones.
  private func number<Value: BinaryFloatingPoint & LosslessStringConvertible>(
    _ number: Value, _ value: JSONValue
  ) throws -> JSONValue {
    guard number.isFinite else { throw fault(number, "is no number of JSON") }
    guard number.description.hasSuffix(".0"), let whole = Int(exactly: number),
      whole != 0 || number.sign == .plus
    else { return value }
    return .integer(whole)
  }

  private func fault(_ value: Any, _ what: String) -> EncodingError {
    .invalidValue(value, .init(codingPath: codingPath, debugDescription: "\(value) \(what)"))
  }
}

/// The members of an object.
private struct MemberEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let object: DocumentEncoder

  var codingPath: [any CodingKey] { object.codingPath }

  private func open(_ key: any CodingKey) -> DocumentEncoder {
    let part = DocumentPart()
    object.part.set(key, part)
    return DocumentEncoder(part: part, codingPath: codingPath + [key])
  }

  func encodeNil(forKey key: Key) { open(key).encodeNil() }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    try open(key).encode(value)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { open(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    open(key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { open(DocumentKey.base) }

  func superEncoder(forKey key: Key) -> any Encoder { open(key) }
}

/// The elements of an array, one by one.
private struct ElementEncoder: UnkeyedEncodingContainer {
  let array: DocumentEncoder

  var codingPath: [any CodingKey] { array.codingPath }
  var count: Int { array.part.count }

  private func open() -> DocumentEncoder {
    let path = codingPath + [DocumentKey(intValue: count)]
    let part = DocumentPart()
    array.part.append(part)
    return DocumentEncoder(part: part, codingPath: path)
  }

  func encodeNil() { open().encodeNil() }

  func encode<Value: Encodable>(_ value: Value) throws { try open().encode(value) }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) -> KeyedEncodingContainer<Nested> { open().container(keyedBy: type) }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { open().unkeyedContainer() }

  func superEncoder() -> any Encoder { open() }
}
