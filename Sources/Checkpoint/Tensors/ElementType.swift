/// Element types that this program knows, under safetensors' names.
package enum ElementType: String, Sendable {
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

  /// Returns the numbers of a little-endian tensor as fp32, row-major.
  ///
  /// `bytes` are those of the entry's range. Values beyond fp32's range become infinite.
  func floats(_ entry: TensorEntry, in bytes: RawSpan) -> [Float] {
    switch self {
    case .float16: Self.floats(entry, in: bytes) { (bits: UInt16) in Self.float(half: bits) }
    case .bfloat16:
      Self.floats(entry, in: bytes) { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
    case .float32: Self.floats(entry, in: bytes) { (bits: UInt32) in Float(bitPattern: bits) }
    case .float64:
      Self.floats(entry, in: bytes) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
    default: preconditionFailure("\(rawValue) holds no floating-point numbers")
    }
  }

  /// Loops over one type without a branch or a call, so that the loop is vectorised.
  @inline(__always)
  private static func floats<Stored: FixedWidthInteger & BitwiseCopyable>(
    _ entry: TensorEntry, in bytes: RawSpan, _ convert: (Stored) -> Float
  ) -> [Float] {
    let count = entry.elementCount
    guard count > 0 else { return [] }
    // One row if nothing need be gathered.
    let entry =
      entry.isDense
      ? TensorEntry(name: entry.name, type: entry.type, shape: [count], range: entry.range) : entry
    let (length, stride) = (entry.shape.last ?? 1, entry.strides.last ?? 1)
    let size = MemoryLayout<Stored>.size
    // SAFETY: the entry's elements lie inside its range, which is not empty, and the buffer has
    // room for all; any bits are a number of these types.
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe bytes.withUnsafeBytes { source in
        var walk = StridedRows(entry)
        var row = 0
        while let start = walk.next() {
          let first = unsafe source.baseAddress! + start * size
          let target = unsafe buffer.baseAddress! + row
          if stride == 1 {
            for index in 0..<length {
              unsafe target[index] = convert(
                first.loadUnaligned(fromByteOffset: index &* size, as: Stored.self))
            }
          } else {
            for index in 0..<length {
              unsafe target[index] = convert(
                first.loadUnaligned(fromByteOffset: index * stride * size, as: Stored.self))
            }
          }
          row += length
        }
        initialized = row
      }
    }
  }

  /// Converts IEEE 754's binary16 to binary32, exactly.
  ///
  /// `Float(Float16)` is a call for each number if the program must run on CPUs without F16C.
  @inline(__always)
  package static func float(half bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7fff)
    // Read as fp32, the exponent is too small by 127 - 15, the difference of the biases, even for
    // subnormal numbers.
    let scaled = (Float(bitPattern: magnitude << 13) * 0x1p112).bitPattern
    // NaN and infinity keep an exponent of ones.
    let special: UInt32 = magnitude >= 0x7c00 ? 0x7f80_0000 : 0
    return Float(bitPattern: scaled | special | UInt32(bits & 0x8000) << 16)
  }
}

/// Offsets of a tensor's rows in order, in elements from the tensor's first to the row's first.
private struct StridedRows {
  private let shape: ArraySlice<Int>
  private let strides: ArraySlice<Int>
  private var index: [Int]
  private var start = 0
  private var isDone = false

  /// Begins with the first row of a tensor, which must not be empty.
  init(_ entry: TensorEntry) {
    shape = entry.shape.dropLast()
    strides = entry.strides.dropLast()
    index = [Int](repeating: 0, count: shape.count)
  }

  mutating func next() -> Int? {
    guard !isDone else { return nil }
    let current = start
    for axis in index.indices.reversed() {
      index[axis] += 1
      // Wraps, because a stride over a single element may be any number and is undone at once.
      start &+= strides[axis]
      if index[axis] < shape[axis] { return current }
      start &-= strides[axis] &* shape[axis]
      index[axis] = 0
    }
    isDone = true
    return current
  }
}
