import ResNet

/// The keys of a node in a graph document, read one by one, with every number bounded and no key
/// left over.
struct GraphNodeFields {
  /// Limit on a node's name in UTF-8 bytes: what the ONNX importer keeps and the suffix it adds to
  /// tell nodes apart.
  private static let nameByteCountLimit = ONNXImportLimits.nameByteCount + 64

  /// The node's name.
  let node: String
  private let container: KeyedDecodingContainer<GraphNodeKey>
  private var unread: Set<String>

  /// Reads the name.
  init(_ decoder: any Decoder) throws(CheckpointError) {
    guard let container = try? decoder.container(keyedBy: GraphNodeKey.self) else {
      throw GraphDocument.fault("a node is not a JSON object")
    }
    guard let name = try? container.decode(String.self, forKey: "name"),
      1...Self.nameByteCountLimit ~= name.utf8.count,
      name.utf8.allSatisfy({ 0x20...0x7e ~= $0 })
    else {
      throw GraphDocument.fault(
        "a node's name is 1 to \(Self.nameByteCountLimit) printable characters of ASCII")
    }
    self.container = container
    node = name
    unread = Set(container.allKeys.map(\.stringValue))
    unread.remove("name")
  }

  func fault(_ reason: String) -> CheckpointError {
    GraphDocument.fault("node \"\(node)\": \(reason)")
  }

  /// Throws if there is a key that nobody read.
  func finish() throws(CheckpointError) {
    if let key = unread.min() {
      throw fault("unknown key \"\(ONNXImporter.readable(String(key.prefix(40))))\"")
    }
  }

  mutating func text(_ key: GraphNodeKey) throws(CheckpointError) -> String {
    try value(key, "a text")
  }

  mutating func texts(_ key: GraphNodeKey) throws(CheckpointError) -> [String] {
    try value(key, "a list of strings")
  }

  mutating func flag(
    _ key: GraphNodeKey, default usual: Bool
  ) throws(CheckpointError) -> Bool {
    try value(key, "true or false", default: usual)
  }

  mutating func integer(
    _ key: GraphNodeKey, in range: ClosedRange<Int>, default usual: Int? = nil
  ) throws(CheckpointError) -> Int {
    let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    let found = try value(key, expected, default: usual)
    guard range.contains(found) else { throw fault("\(key.stringValue) is not \(expected)") }
    return found
  }

  /// Reads a pair, height and width.
  mutating func extent(
    _ key: GraphNodeKey, in range: ClosedRange<Int>, default usual: Extent? = nil
  ) throws(CheckpointError) -> Extent {
    let expected = "two whole numbers from \(range.lowerBound) to \(range.upperBound)"
    let pair = try value(key, expected, default: usual.map { [$0.height, $0.width] })
    guard pair.count == 2, pair.allSatisfy(range.contains) else {
      throw fault("\(key.stringValue) is not \(expected)")
    }
    return Extent(height: pair[0], width: pair[1])
  }

  /// Reads height and width of both sides, or top, left, bottom and right.
  mutating func padding(
    _ key: GraphNodeKey, in range: ClosedRange<Int>, default usual: Padding? = nil
  ) throws(CheckpointError) -> Padding {
    let expected = "two or four whole numbers from \(range.lowerBound) to \(range.upperBound)"
    if let usual, !container.contains(key) { return usual }
    let sides = try value(key, expected, default: [Int]?.none)
    guard sides.count == 2 || sides.count == 4, sides.allSatisfy(range.contains) else {
      throw fault("\(key.stringValue) is not \(expected)")
    }
    let before = Extent(height: sides[0], width: sides[1])
    guard sides.count == 4 else { return Padding(before) }
    return Padding(before: before, after: Extent(height: sides[2], width: sides[3]))
  }

  /// Reads a finite number; the default need not be finite.
  mutating func number(
    _ key: GraphNodeKey, default usual: Float? = nil
  ) throws(CheckpointError) -> Float {
    let expected = "a number within single precision"
    let found = try value(key, expected, default: usual)
    guard found.isFinite || found == usual else {
      throw fault("\(key.stringValue) is not \(expected)")
    }
    return found
  }

  private mutating func value<Value: Decodable>(
    _ key: GraphNodeKey, _ expected: String, default usual: Value? = nil
  ) throws(CheckpointError) -> Value {
    unread.remove(key.stringValue)
    guard container.contains(key) else {
      guard let usual else { throw fault("\(key.stringValue) is missing") }
      return usual
    }
    guard let found = try? container.decode(Value.self, forKey: key) else {
      throw fault("\(key.stringValue) is not \(expected)")
    }
    return found
  }
}
