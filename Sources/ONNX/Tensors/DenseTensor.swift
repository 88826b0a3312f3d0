/// Tensor as evaluation computes with it: row-major numbers, each as its element type can hold it.
///
/// Numbers of floating-point types are kept as `Double`, integers and truth values as `Int64`, so
/// that an operator needs two bodies and not twelve; results are rounded to the element type after
/// each operator.
package struct DenseTensor: Sendable, Equatable {
  package enum Numbers: Sendable, Equatable {
    case floating([Double])
    /// Integers, those of uint64 by their bits; bool as 0 and 1.
    case whole([Int64])
  }

  package let elementType: ONNXElementType
  package let shape: [Int]
  package let numbers: Numbers

  /// Rounds to the element type; there must be as many numbers as the shape says.
  package init(_ elementType: ONNXElementType, _ shape: [Int], _ values: [Double]) {
    precondition(
      elementType.isFloatingPoint && values.count == shape.reduce(1, *),
      "values must fit type and shape")
    self.elementType = elementType
    self.shape = shape
    numbers = .floating(
      elementType == .double ? values : values.map { Self.rounded($0, to: elementType) })
  }

  /// Keeps the low bits that the element type has; there must be as many numbers as the shape says.
  package init(_ elementType: ONNXElementType, _ shape: [Int], _ values: [Int64]) {
    precondition(
      !elementType.isFloatingPoint && values.count == shape.reduce(1, *),
      "values must fit type and shape")
    self.elementType = elementType
    self.shape = shape
    numbers = .whole(
      elementType.byteCount == 8 ? values : values.map { Self.wrapped($0, to: elementType) })
  }

  /// Reshapes a tensor to another shape of as many elements.
  init(_ tensor: DenseTensor, shape: [Int]) {
    precondition(shape.reduce(1, *) == tensor.count, "shapes must have equally many elements")
    elementType = tensor.elementType
    self.shape = shape
    numbers = tensor.numbers
  }

  /// Fills `shape` with the only number of a tensor.
  init(repeating tensor: DenseTensor, shape: [Int]) {
    precondition(tensor.count == 1, "tensor must have one element")
    elementType = tensor.elementType
    self.shape = shape
    let count = shape.reduce(1, *)
    switch tensor.numbers {
    case .floating(let values): numbers = .floating(.init(repeating: values[0], count: count))
    case .whole(let values): numbers = .whole(.init(repeating: values[0], count: count))
    }
  }

  package var count: Int {
    switch numbers {
    case .floating(let values): values.count
    case .whole(let values): values.count
    }
  }

  package var rank: Int { shape.count }

  /// The numbers as `Double`, which is exact for all types but 64-bit integers.
  package var doubles: [Double] {
    switch numbers {
    case .floating(let values): values
    case .whole(let values):
      elementType == .uint64
        ? values.map { Double(UInt64(bitPattern: $0)) } : values.map(Double.init)
    }
  }

  /// The numbers if they are integers.
  package var integers: [Int64]? {
    guard case .whole(let values) = numbers else { return nil }
    return values
  }

  /// Picks elements by their offsets; -1 stands for `filler`, or for zero without one.
  func picking(_ offsets: [Int], shape: [Int], filler: DenseTensor? = nil) -> DenseTensor {
    switch numbers {
    case .floating(let values):
      let filler = filler?.doubles.first ?? 0
      return DenseTensor(elementType, shape, offsets.map { $0 < 0 ? filler : values[$0] })
    case .whole(let values):
      let filler = filler?.integers?.first ?? 0
      return DenseTensor(elementType, shape, offsets.map { $0 < 0 ? filler : values[$0] })
    }
  }

  /// Rounds to the nearest number of a floating-point type, ties to even.
  package static func rounded(_ value: Double, to elementType: ONNXElementType) -> Double {
    switch elementType {
    case .float: Double(Float(value))
    case .float16: Double(Float16(value))
    case .bfloat16: Double(Float(bitPattern: UInt32(brainBits(value)) << 16))
    default: value
    }
  }

  static func wrapped(_ value: Int64, to elementType: ONNXElementType) -> Int64 {
    switch elementType {
    case .int8: Int64(Int8(truncatingIfNeeded: value))
    case .uint8: Int64(UInt8(truncatingIfNeeded: value))
    case .int16: Int64(Int16(truncatingIfNeeded: value))
    case .uint16: Int64(UInt16(truncatingIfNeeded: value))
    case .int32: Int64(Int32(truncatingIfNeeded: value))
    case .uint32: Int64(UInt32(truncatingIfNeeded: value))
    case .bool: value == 0 ? 0 : 1
    default: value
    }
  }

  /// Rounds to bfloat16, the upper half of a `Float`.
  static func brainBits(_ value: Double) -> UInt16 {
    let bits = Float(value).bitPattern
    if Float(value).isNaN { return UInt16(bits >> 16) | 0x40 }
    let (sum, overflow) = bits.addingReportingOverflow(0x7FFF + (bits >> 16 & 1))
    return overflow ? UInt16(bits >> 16) : UInt16(sum >> 16)
  }
}
