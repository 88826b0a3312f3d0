extension JSONTree {
  /// Decodes a typed document from everything in the tree.
  ///
  /// Unknown names are passed over, and whole numbers may be written with decimal places. Errors are
  /// `DecodingError`s, and whatever the document's own initialisers throw.
  package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    // The nodes that the decoder holds are used during the call alone, and the tree outlives it.
    try DocumentDecoder(node: root, codingPath: []).decode(type)
  }
}

/// Hands a node to the document that is decoded from it, as each kind of container.
private struct DocumentDecoder: Decoder, SingleValueDecodingContainer {
  let node: JSONNode
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard node.isObject else { throw mismatch(type, "an object") }
    return KeyedDecodingContainer(MemberDecoder(object: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let elements = node.array else { throw mismatch([Any].self, "an array") }
    return ElementDecoder(elements: elements, codingPath: codingPath)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

  func decodeNil() -> Bool { node.isNull }

  // One function for all types: a requirement for one of them is met by it as well.
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let scalar: Any?
    switch type {
    case is String.Type: scalar = node.string
    case is Bool.Type: scalar = node.boolean
    case let type as any FixedWidthInteger.Type: scalar = try integer(type)
    case let type as any BinaryFloatingPoint.Type: scalar = try number(type)
    default: return try Value(from: self)
    }
    guard let value = scalar as? Value else { throw mismatch(type, Self.name(of: type)) }
    return value
  }

  private func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value? {
    guard let number = node.number else { return nil }
    guard let value = node.integer.map(Value.init(exactly:)) ?? Value(exactly: number) else {
      throw DecodingError.dataCorrupted(
        context("\(node.integer.map(String.init) ?? "\(number)") is not \(Self.name(of: type))"))
    }
    return value
  }

  private func number<Value: BinaryFloatingPoint>(_ type: Value.Type) throws -> Value? {
    guard let number = node.number else { return nil }
    let value = Value(number)
    guard value.isFinite else {
      throw DecodingError.dataCorrupted(context("\(number) is beyond the range of a \(type)"))
    }
    return value
  }

  private static func name(of type: Any.Type) -> String {
    switch type {
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is any FixedWidthInteger.Type: "a whole number within its range"
    default: "a number"
    }
  }

  fileprivate func context(_ what: String) -> DecodingError.Context {
    DecodingError.Context(codingPath: codingPath, debugDescription: what)
  }

  private func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
    node.isNull
      ? .valueNotFound(type, context("null is not \(expected)"))
      : .typeMismatch(type, context("\(node.kind) is not \(expected)"))
  }
}

/// The members of an object.
private struct MemberDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let object: DocumentDecoder

  var codingPath: [any CodingKey] { object.codingPath }
  var allKeys: [Key] { (object.node.members ?? []).compactMap { Key(stringValue: $0.name) } }

  func contains(_ key: Key) -> Bool { object.node[key.stringValue] != nil }

  private func member(_ key: any CodingKey) throws -> DocumentDecoder {
    guard let node = object.node[key.stringValue] else {
      throw DecodingError.keyNotFound(key, object.context("\(key.stringValue) is missing"))
    }
    return DocumentDecoder(node: node, codingPath: codingPath + [key])
  }

  func decodeNil(forKey key: Key) throws -> Bool { try member(key).decodeNil() }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    try member(key).decode(type)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { try member(key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try member(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try member(DocumentKey.base) }

  func superDecoder(forKey key: Key) throws -> any Decoder { try member(key) }
}

/// The elements of an array, one by one.
private struct ElementDecoder: UnkeyedDecodingContainer {
  let elements: [JSONNode]
  let codingPath: [any CodingKey]
  private(set) var currentIndex = 0

  init(elements: [JSONNode], codingPath: [any CodingKey]) {
    (self.elements, self.codingPath) = (elements, codingPath)
  }

  var count: Int? { elements.count }
  var isAtEnd: Bool { currentIndex == elements.count }

  /// Reads the next element, and is past it if that can be read.
  private mutating func next<Value>(
    _ type: Any.Type, _ read: (DocumentDecoder) throws -> Value
  ) throws -> Value {
    let path = codingPath + [DocumentKey(intValue: currentIndex)]
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(
        type, .init(codingPath: path, debugDescription: "the array has no more elements"))
    }
    let value = try read(DocumentDecoder(node: elements[currentIndex], codingPath: path))
    currentIndex += 1
    return value
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd, elements[currentIndex].isNull else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try next(type) { try $0.decode(type) }
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    try next(type) { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next([Any].self) { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try next(Any.self) { $0 } }
}

/// A place in a document that no type of its own names.
struct DocumentKey: CodingKey {
  /// Name of the member that a class keeps its superclass in.
  static let base = DocumentKey(stringValue: "super")

  let stringValue: String
  let intValue: Int?

  init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
  init(intValue: Int) { (stringValue, self.intValue) = ("\(intValue)", intValue) }
}
