extension JSONValue {
  /// Encodes a typed document, which must not fail.
  ///
  /// Members are sorted by name, so that equal documents give equal bytes. A floating-point number
  /// that is whole has no decimal places, as in files that Foundation's encoder writes of the same
  /// documents.
  package init(encoding document: some Encodable) {
    let node = Node()
    do {
      try node.encode(document)
    } catch {
      preconditionFailure("a document must be encodable: \(error)")
    }
    self = node.value
  }

  /// Returns the number without decimal places if it is whole and Swift shows it without an
  /// exponent.
  private static func document(_ number: Double, _ description: String) -> JSONValue? {
    guard description.hasSuffix(".0"), number != 0 || number.sign == .plus else { return nil }
    return Int(exactly: number).map(Self.integer)
  }

  /// A value while it is encoded: a scalar, or the contents of its containers.
  private final class Node {
    private enum Content {
      case scalar(JSONValue)
      case elements([Node])
      case members([(name: String, node: Node)])
    }

    private var content = Content.members([])

    /// The members are sorted here.
    var value: JSONValue {
      switch content {
      case .scalar(let value): value
      case .elements(let nodes): .array(nodes.map(\.value))
      case .members(let members):
        .object(
          JSONObject(
            members.sorted { $0.name < $1.name }.map { ($0.name, $0.node.value) }))
      }
    }

    var elementCount: Int {
      guard case .elements(let nodes) = content else { return 0 }
      return nodes.count
    }

    func encode(_ value: some Encodable) throws {
      switch value {
      case let truth as Bool: content = .scalar(.boolean(truth))
      case let string as String: content = .scalar(.string(string))
      case let number as Float:
        content = .scalar(.document(Double(number), number.description) ?? .float(number))
      case let number as Double:
        content = .scalar(.document(number, number.description) ?? .double(number))
      case let integer as any BinaryInteger:
        guard let exact = Int(exactly: integer) else {
          throw EncodingError.invalidValue(
            value, .init(codingPath: [], debugDescription: "integers must fit into 64 bits"))
        }
        content = .scalar(.integer(exact))
      default: try value.encode(to: NodeEncoder(node: self))
      }
    }

    func encodeNil() { content = .scalar(.null) }

    /// Does nothing if it is one already, because a container may be requested twice.
    func becomeArray() {
      if case .elements = content { return }
      content = .elements([])
    }

    /// Does nothing if it is one already, because a container may be requested twice.
    func becomeObject() {
      if case .members = content { return }
      content = .members([])
    }

    func addElement() -> Node {
      guard case .elements(var nodes) = content else {
        preconditionFailure("elements must be added to an array")
      }
      let node = Node()
      // Appending copies unless this is the only reference.
      content = .scalar(.null)
      nodes.append(node)
      content = .elements(nodes)
      return node
    }

    func addMember(_ name: String) -> Node {
      guard case .members(var members) = content else {
        preconditionFailure("members must be added to an object")
      }
      let node = Node()
      content = .scalar(.null)
      members.append((name, node))
      content = .members(members)
      return node
    }
  }

  private struct NodeEncoder: Encoder, SingleValueEncodingContainer {
    let node: Node
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
      node.becomeObject()
      return KeyedEncodingContainer(Members(node: node))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
      node.becomeArray()
      return Elements(node: node)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { node.encodeNil() }
    func encode<Value: Encodable>(_ value: Value) throws { try node.encode(value) }
  }

  private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: Node
    var codingPath: [any CodingKey] { [] }

    private func encoder(_ name: String) -> NodeEncoder { NodeEncoder(node: node.addMember(name)) }

    func encodeNil(forKey key: Key) { node.addMember(key.stringValue).encodeNil() }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
      try node.addMember(key.stringValue).encode(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
      keyedBy type: NestedKey.Type, forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
      encoder(key.stringValue).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
      encoder(key.stringValue).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoder("super") }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key.stringValue) }
  }

  private struct Elements: UnkeyedEncodingContainer {
    let node: Node
    var codingPath: [any CodingKey] { [] }
    var count: Int { node.elementCount }

    private func encoder() -> NodeEncoder { NodeEncoder(node: node.addElement()) }

    func encodeNil() { node.addElement().encodeNil() }

    func encode<Value: Encodable>(_ value: Value) throws { try node.addElement().encode(value) }

    func nestedContainer<NestedKey: CodingKey>(
      keyedBy type: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
      encoder().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }

    func superEncoder() -> any Encoder { encoder() }
  }
}
