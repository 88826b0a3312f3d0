/// Type of a tensor's elements; raw values are the numbers of `TensorProto.DataType`.
package enum ONNXElementType: Int32, Sendable, CaseIterable {
  case float = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case double = 11
  case uint32 = 12
  case uint64 = 13
  case bfloat16 = 16

  /// Bytes of one stored element; 0 for strings, which have no fixed size.
  package var byteCount: Int {
    switch self {
    case .string: 0
    case .uint8, .int8, .bool: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float, .int32, .uint32: 4
    case .int64, .double, .uint64: 8
    }
  }

  package var isFloatingPoint: Bool {
    switch self {
    case .float, .double, .float16, .bfloat16: true
    default: false
    }
  }

  package var isSigned: Bool {
    switch self {
    case .int8, .int16, .int32, .int64: true
    default: isFloatingPoint
    }
  }
}

extension ONNXElementType: CustomStringConvertible {
  package var description: String {
    switch self {
    case .float: "float"
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .string: "string"
    case .bool: "bool"
    case .float16: "float16"
    case .double: "double"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .bfloat16: "bfloat16"
    }
  }
}
