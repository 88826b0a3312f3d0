import CJansson

/// JSON parsed by jansson: an object or an array in valid UTF-8, no name twice, no NUL, nothing
/// after the value.
///
/// A name that stood twice would be read by two readers in two ways, which an attacker can use.
/// Values nest at most 2048 deep, which is jansson's limit.
@safe
package struct JSONTree: ~Copyable {
  package let root: JSONNode

  /// Byte offset and reason of a fault in the JSON text.
  package struct Fault: Error {
    package let offset: Int
    package let reason: String
  }

  /// Version of jansson as loaded.
  package static var libraryVersion: String { unsafe String(cString: jansson_version_str()) }

  /// Parses JSON; `allowsNUL` lets strings contain `\u0000`, which names never may.
  package init(_ text: RawSpan, allowsNUL: Bool = false) throws(Fault) {
    var error = json_error_t()
    let node = unsafe text.withUnsafeBytes { buffer in
      // SAFETY: jansson reads `count` bytes during the call and copies what it keeps.
      unsafe json_loadb(
        buffer.baseAddress, buffer.count,
        Int(JSON_REJECT_DUPLICATES) | (allowsNUL ? Int(JSON_ALLOW_NUL) : 0), &error)
    }
    guard let node = unsafe node else {
      let reason = unsafe withUnsafeBytes(of: &error.text) { text in
        unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw Fault(offset: max(0, Int(error.position)), reason: reason)
    }
    unsafe root = JSONNode(node)
  }

  deinit { unsafe json_decref(root.pointer) }

  /// Everything in it, as a value of its own.
  package var value: JSONValue { root.value }
}

/// A value inside a `JSONTree`, valid as long as the tree.
@safe
package struct JSONNode {
  fileprivate let pointer: UnsafeMutablePointer<json_t>

  @unsafe
  fileprivate init(_ pointer: UnsafeMutablePointer<json_t>) { unsafe self.pointer = pointer }

  private var type: json_type { unsafe pointer.pointee.type }

  /// Members of an object in the order of the JSON text; nil for anything else.
  package var members: [(name: String, value: JSONNode)]? {
    guard type == JSON_OBJECT else { return nil }
    var members: [(name: String, value: JSONNode)] = []
    // SAFETY: keys and values belong to the object and are never nil at a valid iterator.
    var iterator = unsafe json_object_iter(pointer)
    while let position = unsafe iterator {
      if let key = unsafe json_object_iter_key(position),
        let value = unsafe json_object_iter_value(position)
      {
        unsafe members.append((String(cString: key), JSONNode(value)))
      }
      unsafe iterator = json_object_iter_next(pointer, position)
    }
    return members
  }

  package subscript(name: String) -> JSONNode? {
    guard let value = unsafe json_object_get(pointer, name) else { return nil }
    return unsafe JSONNode(value)
  }

  package var string: String? {
    guard type == JSON_STRING, let text = unsafe json_string_value(pointer) else { return nil }
    // SAFETY: the string has that many bytes, and lives as long as the tree.
    let bytes = unsafe UnsafeRawBufferPointer(start: text, count: json_string_length(pointer))
    return unsafe String(decoding: bytes, as: UTF8.self)
  }

  /// Exact value of a number without a fraction or an exponent; nil for anything else.
  package var integer: Int? { type == JSON_INTEGER ? unsafe Int(json_integer_value(pointer)) : nil }

  /// Nearest double-precision value of any number; nil for anything else.
  package var number: Double? {
    type == JSON_INTEGER || type == JSON_REAL ? unsafe json_number_value(pointer) : nil
  }

  package var boolean: Bool? {
    type == JSON_TRUE ? true : type == JSON_FALSE ? false : nil
  }

  package var isNull: Bool { type == JSON_NULL }

  package var isObject: Bool { type == JSON_OBJECT }

  /// What it is, for messages.
  var kind: String {
    switch type {
    case JSON_OBJECT: "an object"
    case JSON_ARRAY: "an array"
    case JSON_STRING: "a string"
    case JSON_INTEGER, JSON_REAL: "a number"
    case JSON_TRUE: "true"
    case JSON_FALSE: "false"
    default: "null"
    }
  }

  /// The node as a value of its own; a number has no more digits than a `Double` tells apart.
  fileprivate var value: JSONValue {
    if let members { return .object(JSONObject(members.map { ($0.name, $0.value.value) })) }
    if let array { return .array(array.map(\.value)) }
    if let string { return .string(string) }
    if let integer { return .integer(integer) }
    if let number { return .double(number) }
    return boolean.map(JSONValue.boolean) ?? .null
  }

  package var array: [JSONNode]? {
    guard type == JSON_ARRAY else { return nil }
    return (0..<(unsafe json_array_size(pointer))).compactMap { index -> JSONNode? in
      guard let element = unsafe json_array_get(pointer, index) else { return nil }
      return unsafe JSONNode(element)
    }
  }
}
