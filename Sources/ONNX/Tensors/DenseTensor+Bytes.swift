extension DenseTensor {
  /// Reads numbers from little-endian bytes, row-major, as many as shape and type ask for.
  package init(_ elementType: ONNXElementType, _ shape: [Int], bytes: [UInt8]) {
    let byteCount = shape.reduce(elementType.byteCount, *)
    precondition(
      elementType != .string && bytes.count == byteCount, "bytes must fit type and shape")
    func words<Word: FixedWidthInteger>(_: Word.Type) -> [Word] {
      let size = Word.bitWidth / 8
      return (0..<bytes.count / size).map { index in
        var word: Word = 0
        for place in 0..<size {
          word |= Word(truncatingIfNeeded: bytes[index * size + place]) << (8 * place)
        }
        return word
      }
    }
    switch elementType {
    case .float:
      self.init(exactly: .float, shape, words(UInt32.self).map { Double(Float(bitPattern: $0)) })
    case .double:
      self.init(exactly: .double, shape, words(UInt64.self).map(Double.init(bitPattern:)))
    case .float16:
      self.init(
        exactly: .float16, shape, words(UInt16.self).map { Double(Float16(bitPattern: $0)) })
    case .bfloat16:
      self.init(
        exactly: .bfloat16, shape,
        words(UInt16.self).map { Double(Float(bitPattern: UInt32($0) << 16)) })
    case .uint8, .bool: self.init(elementType, shape, bytes.map(Int64.init))
    case .int8: self.init(elementType, shape, bytes.map { Int64(Int8(bitPattern: $0)) })
    case .uint16: self.init(elementType, shape, words(UInt16.self).map(Int64.init))
    case .int16: self.init(elementType, shape, words(Int16.self).map(Int64.init))
    case .uint32: self.init(elementType, shape, words(UInt32.self).map(Int64.init))
    case .int32: self.init(elementType, shape, words(Int32.self).map(Int64.init))
    default: self.init(elementType, shape, words(Int64.self))
    }
  }

  /// Takes numbers that are already of the type.
  private init(exactly elementType: ONNXElementType, _ shape: [Int], _ values: [Double]) {
    self.elementType = elementType
    self.shape = shape
    numbers = .floating(values)
  }

  /// The numbers, little-endian, row-major.
  package var bytes: [UInt8] {
    func flat<Word: FixedWidthInteger>(_ words: [Word]) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(words.count * Word.bitWidth / 8)
      for word in words {
        for place in 0..<Word.bitWidth / 8 {
          bytes.append(UInt8(truncatingIfNeeded: word >> (8 * place)))
        }
      }
      return bytes
    }
    switch numbers {
    case .floating(let values):
      switch elementType {
      case .float16: return flat(values.map { Float16($0).bitPattern })
      case .bfloat16: return flat(values.map(Self.brainBits))
      case .float: return flat(values.map { Float($0).bitPattern })
      default: return flat(values.map(\.bitPattern))
      }
    case .whole(let values):
      switch elementType.byteCount {
      case 1: return values.map { UInt8(truncatingIfNeeded: $0) }
      case 2: return flat(values.map { UInt16(truncatingIfNeeded: $0) })
      case 4: return flat(values.map { UInt32(truncatingIfNeeded: $0) })
      default: return flat(values)
      }
    }
  }
}
