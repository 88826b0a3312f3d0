import CJansson

/// The members of a JSON object, each of them once, where every one counts.
///
/// By jansson: Foundation's decoders take one of two members with the same name and say nothing.
struct JSONMembers: Sendable {
  enum Value: Sendable, Hashable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    /// An array or an object.
    case structure
  }

  private let values: [String: Value]

  /// - Parameter example: How a body looks, for clients whose body is something else.
  init(_ body: [UInt8], like example: String) throws(Problem) {
    var error = json_error_t()
    let flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL
    let tree = unsafe body.withUnsafeBufferPointer { bytes in
      // SAFETY: jansson reads `count` bytes during the call and copies what it keeps.
      unsafe json_loadb(bytes.baseAddress, bytes.count, Int(flags), &error)
    }
    guard let tree = unsafe tree else {
      // Of a member that is there twice it names the name, up to 18 letters.
      let reason = unsafe withUnsafeBytes(of: &error.text) { text in
        unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw .body("the body is not JSON like \(example): \(reason), byte \(max(0, error.position))")
    }
    // SAFETY: the tree is this function's, and nothing of it leaves it.
    defer { unsafe json_decref(tree) }
    guard unsafe tree.pointee.type == JSON_OBJECT else {
      throw .body("the body is not a JSON object like \(example)")
    }
    var values: [String: Value] = [:]
    // SAFETY: keys and values belong to the object and are never nil at a valid iterator.
    var iterator = unsafe json_object_iter(tree)
    while let position = unsafe iterator {
      if let key = unsafe json_object_iter_key(position),
        let value = unsafe json_object_iter_value(position)
      {
        unsafe values[String(cString: key)] = Self.value(value)
      }
      unsafe iterator = json_object_iter_next(tree, position)
    }
    self.values = values
  }

  var names: Set<String> { Set(values.keys) }

  subscript(name: String) -> Value? { values[name] }

  @unsafe
  private static func value(_ node: UnsafeMutablePointer<json_t>) -> Value {
    switch unsafe node.pointee.type {
    case JSON_NULL: return .null
    case JSON_TRUE: return .boolean(true)
    case JSON_FALSE: return .boolean(false)
    case JSON_REAL: return .number(unsafe json_real_value(node))
    case JSON_STRING:
      guard let text = unsafe json_string_value(node) else { return .text("") }
      return .text(unsafe String(cString: text))
    default: return .structure
    }
  }
}
