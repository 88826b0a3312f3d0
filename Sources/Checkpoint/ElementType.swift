/// The element types of the safetensors format that this program knows.
enum ElementType: String, Sendable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case uint16 = "U16"
  case int16 = "I16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case uint32 = "U32"
  case int32 = "I32"
  case float32 = "F32"
  case uint64 = "U64"
  case int64 = "I64"
  case float64 = "F64"

  var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }

  /// Numbers of a little-endian tensor as fp32. Values beyond fp32's range become infinite.
  func floats(in bytes: RawSpan) -> [Float] {
    let count = bytes.byteCount / byteCount
    // SAFETY: all reads stay inside the span; any bits are a value of these types.
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe bytes.withUnsafeBytes { source in
        for index in 0..<count {
          let offset = index * byteCount
          unsafe buffer[index] =
            switch self {
            case .float16:
              Float(unsafe source.loadUnaligned(fromByteOffset: offset, as: Float16.self))
            case .bfloat16:
              Float(
                bitPattern: UInt32(
                  unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) << 16)
            case .float32: unsafe source.loadUnaligned(fromByteOffset: offset, as: Float.self)
            case .float64:
              Float(unsafe source.loadUnaligned(fromByteOffset: offset, as: Double.self))
            default: preconditionFailure("\(rawValue) holds no floating-point numbers")
            }
        }
      }
      initialized = count
    }
  }
}
