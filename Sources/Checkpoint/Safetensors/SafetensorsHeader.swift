import JSON

/// The JSON header of a safetensors file: tensors, checked one by one, and the metadata.
struct SafetensorsHeader {
  static let metadataKey = "__metadata__"

  /// Tensors in any order; ranges count from the first byte of data.
  private(set) var tensors: [TensorEntry] = []
  private(set) var metadata: [String: String] = [:]

  /// Parses the header without its length; offsets in errors count from the file's first byte.
  init(_ text: RawSpan) throws(CheckpointError) {
    let textStart = SafetensorsFile.lengthByteCount
    try Self.checkStructure(text)
    let tree: JSONTree
    do {
      tree = try JSONTree(text)
    } catch {
      throw .malformed(
        format: .safetensors, offset: textStart + error.offset, reason: "header: \(error.reason)")
    }
    guard let members = tree.root.members else {
      throw .malformed(
        format: .safetensors, offset: textStart, reason: "the header is not a JSON object")
    }
    guard members.count <= SafetensorsLimits.tensorCount + 1 else {
      throw .overLimit(
        what: "tensors", value: members.count, limit: SafetensorsLimits.tensorCount)
    }
    tensors.reserveCapacity(members.count)
    for (name, value) in members {
      guard name.utf8.count <= SafetensorsLimits.nameByteCount else {
        throw .overLimit(
          what: "bytes of the tensor name \(name.prefix(40))…", value: name.utf8.count,
          limit: SafetensorsLimits.nameByteCount)
      }
      if name == Self.metadataKey {
        metadata = try Self.metadata(value)
      } else {
        tensors.append(try Self.tensor(name, value))
      }
    }
    guard tensors.count <= SafetensorsLimits.tensorCount else {
      throw .overLimit(
        what: "tensors", value: tensors.count, limit: SafetensorsLimits.tensorCount)
    }
  }

  /// Rejects headers that would cost the parser disproportionate memory, or recursion.
  private static func checkStructure(_ text: RawSpan) throws(CheckpointError) {
    guard text.byteCount > 0, text.byte(0) == UInt8(ascii: "{") else {
      throw .malformed(
        format: .safetensors, offset: SafetensorsFile.lengthByteCount,
        reason: "the header does not begin with {")
    }
    var isString = false
    var isEscaped = false
    var nesting = 0
    var structure = 0
    var tensorCount = 0
    for index in 0..<text.byteCount {
      let byte = text.byte(index)
      if isString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isString = true
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        nesting += 1
        structure += 1
        if byte == UInt8(ascii: "{"), nesting == 2 { tensorCount += 1 }
      case UInt8(ascii: "}"), UInt8(ascii: "]"): nesting -= 1
      case UInt8(ascii: ","): structure += 1
      default: break
      }
      guard nesting <= SafetensorsLimits.nesting else {
        throw .malformed(
          format: .safetensors, offset: SafetensorsFile.lengthByteCount + index,
          reason: "the header nests deeper than \(SafetensorsLimits.nesting)")
      }
      // One of them may be the metadata's.
      guard tensorCount <= SafetensorsLimits.tensorCount + 1 else {
        throw .overLimit(
          what: "tensors", value: tensorCount, limit: SafetensorsLimits.tensorCount)
      }
      guard structure <= SafetensorsLimits.structureByteCount else {
        throw .overLimit(
          what: "braces, brackets and commas of the header", value: structure,
          limit: SafetensorsLimits.structureByteCount)
      }
    }
  }

  private static func metadata(_ node: JSONNode) throws(CheckpointError) -> [String: String] {
    guard let members = node.members else {
      throw .malformed(
        format: .safetensors, offset: SafetensorsFile.lengthByteCount,
        reason: "\(metadataKey) is not a JSON object")
    }
    guard members.count <= SafetensorsLimits.metadataEntryCount else {
      throw .overLimit(
        what: "metadata entries", value: members.count,
        limit: SafetensorsLimits.metadataEntryCount)
    }
    var metadata: [String: String] = [:]
    for (key, value) in members {
      guard let text = value.string else {
        throw .malformed(
          format: .safetensors, offset: SafetensorsFile.lengthByteCount,
          reason: "\(metadataKey): \(key.prefix(40)) is not a string")
      }
      metadata[key] = text
    }
    return metadata
  }

  private static func tensor(
    _ name: String, _ node: JSONNode
  ) throws(CheckpointError) -> TensorEntry {
    func fault(_ reason: String, at offset: Int = 0) -> CheckpointError {
      .tensor(name: name, offset: offset, reason: reason)
    }
    guard node.members != nil else { throw fault("its declaration is not a JSON object") }
    guard let typeName = node["dtype"]?.string else { throw fault("dtype is not a string") }
    guard let type = ElementType(rawValue: typeName) else {
      throw fault(
        "unknown dtype \(typeName.prefix(20)); parameters are F16, BF16, F32 or F64: save them so (in Python: "
          + "tensor.float())")
    }
    guard let dimensions = node["shape"]?.array else { throw fault("shape is not an array") }
    guard dimensions.count <= SafetensorsLimits.rank else {
      throw .overLimit(
        what: "dimensions of tensor \(name)", value: dimensions.count,
        limit: SafetensorsLimits.rank)
    }
    let shape = dimensions.compactMap(\.integer).filter { $0 >= 0 }
    guard shape.count == dimensions.count else {
      throw fault("shape has a dimension that is not an integer of at least 0")
    }
    guard let offsets = node["data_offsets"]?.array, offsets.count == 2,
      let start = offsets[0].integer, let end = offsets[1].integer
    else { throw fault("data_offsets is not a pair of integers") }
    guard 0 <= start, start <= end else {
      throw fault("data_offsets \(start), \(end) are not in order")
    }
    guard let byteCount = byteCount(of: shape, type) else {
      throw fault("the size of shape \(shape) overflows")
    }
    guard end - start == byteCount else {
      throw fault(
        "data_offsets span \(end - start) bytes, \(typeName) of shape \(shape) takes \(byteCount)")
    }
    return TensorEntry(name: name, type: type, shape: shape, range: start..<end)
  }

  /// Returns nil if it does not fit into an `Int`, even if another dimension is zero.
  private static func byteCount(of shape: [Int], _ type: ElementType) -> Int? {
    var total = type.byteCount
    var hasZero = false
    for dimension in shape {
      if dimension == 0 {
        hasZero = true
        continue
      }
      let (product, overflows) = total.multipliedReportingOverflow(by: dimension)
      if overflows { return nil }
      total = product
    }
    return hasZero ? 0 : total
  }
}

extension RawSpan {
  /// Returns the byte at a checked index.
  fileprivate func byte(_ index: Int) -> UInt8 {
    // SAFETY: the load checks its bounds; any bits are a byte.
    unsafe unsafeLoad(fromByteOffset: index, as: UInt8.self)
  }
}

/// Limits on a safetensors header, all far above what networks of the family need.
///
/// ResNet-1202 has about 7,200 tensors with names below 40 bytes and a header of 1 MB.
enum SafetensorsLimits {
  static let headerByteCount = 16 << 20
  static let tensorCount = 65_536
  /// Bytes that a parsed header takes for each of its own, at most.
  static let parsedByteShare = 10
  /// UTF-8 bytes of a tensor's name or a metadata key.
  static let nameByteCount = 256
  static let rank = 8
  static let metadataEntryCount = 256
  /// Braces, brackets and commas outside strings. Bounds the parser's memory, because `{}` or `[]`
  /// takes a hundred times its length. A tensor of full rank needs fifteen.
  static let structureByteCount = 16 * tensorCount
  /// Levels of nesting: the file, its tensors, their shapes.
  static let nesting = 3
}
