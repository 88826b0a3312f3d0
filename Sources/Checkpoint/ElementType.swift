/// The element types that this program knows, by safetensors' names.
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

  /// Numbers of a little-endian tensor as fp32, row-major; `bytes` are those of the entry's range. Values beyond
  /// fp32's range become infinite.
  func floats(_ entry: TensorEntry, in bytes: RawSpan) -> [Float] {
    let count = entry.elementCount
    guard count > 0 else { return [] }
    // One row where nothing need be gathered.
    let entry =
      entry.isDense
      ? TensorEntry(name: entry.name, type: self, shape: [count], range: entry.range) : entry
    let innermost = (entry.shape.last ?? 1, entry.strides.last ?? 1)
    // SAFETY: the entry's elements lie inside its range; any bits are a value of these types.
    return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      unsafe bytes.withUnsafeBytes { source in
        var walk = StridedRows(entry)
        while let start = walk.next() {
          for index in 0..<innermost.0 {
            let offset = (start + index * innermost.1) * byteCount
            unsafe buffer[initialized] = float(at: offset, in: source)
            initialized += 1
          }
        }
      }
    }
  }

  @unsafe
  @inline(__always)
  private func float(at offset: Int, in source: UnsafeRawBufferPointer) -> Float {
    switch self {
    case .float16: Float(unsafe source.loadUnaligned(fromByteOffset: offset, as: Float16.self))
    case .bfloat16:
      Float(
        bitPattern: UInt32(
          unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) << 16)
    case .float32: unsafe source.loadUnaligned(fromByteOffset: offset, as: Float.self)
    case .float64: Float(unsafe source.loadUnaligned(fromByteOffset: offset, as: Double.self))
    default: preconditionFailure("\(rawValue) holds no floating-point numbers")
    }
  }
}

/// The rows of a tensor in order: where the first element of each lies, counted in elements from the tensor's first.
private struct StridedRows {
  private let shape: ArraySlice<Int>
  private let strides: ArraySlice<Int>
  private var index: [Int]
  private var start = 0
  private var isDone = false

  /// Of a tensor that is not empty.
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
      // Wrapping: a stride over a single element may be any number, and is taken back at once.
      start &+= strides[axis]
      if index[axis] < shape[axis] { return current }
      start &-= strides[axis] &* shape[axis]
      index[axis] = 0
    }
    isDone = true
    return current
  }
}
