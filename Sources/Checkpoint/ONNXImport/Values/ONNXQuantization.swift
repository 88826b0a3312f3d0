import ONNX
import ResNet

/// How integers stand for numbers: each for `(integer - zero point) * scale`.
struct ONNXQuantization: Equatable {
  /// Of the integers: int8, uint8, or int32 of constants.
  let elementType: ONNXElementType
  /// One for all, or one for each place along `axis`; above 0.
  let scales: [Float]
  /// As many; 0 for int32.
  let zeros: [Int]
  /// Nil where one scale is for all.
  let axis: Int?

  /// Of the integers, for all but int32.
  var integers: ClosedRange<Int> { elementType == .uint8 ? 0...255 : -128...127 }

  /// What the first zero point leaves: the distances from it.
  var levels: ClosedRange<Int> {
    integers.lowerBound - zeros[0]...integers.upperBound - zeros[0]
  }

  /// Calls `body` with each run of elements that share a scale.
  func forEachRun(
    in shape: [Int], _ body: (_ elements: Range<Int>, _ scale: Float, _ zero: Int) -> Void
  ) {
    let count = shape.reduce(1, *)
    let length = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? count
    guard count > 0, length > 0 else { return }
    for (index, start) in stride(from: 0, to: count, by: length).enumerated() {
      let place = index % scales.count
      body(start..<start + length, scales[place], zeros[place])
    }
  }

  /// What the bytes of integers stand for, row-major; as many as the shape says.
  func numbers(of bytes: [UInt8], shape: [Int]) -> [Float] {
    var numbers: [Float] = []
    numbers.reserveCapacity(shape.reduce(1, *))
    forEachRun(in: shape) { elements, scale, zero in
      // The product of both is exact in double precision for bytes, and nearly so for sums of their products.
      func append(_ integer: Int) { numbers.append(Float(Double(integer - zero) * Double(scale))) }
      switch elementType {
      case .uint8: for index in elements { append(Int(bytes[index])) }
      case .int8: for index in elements { append(Int(Int8(bitPattern: bytes[index]))) }
      default:
        for index in elements {
          var word: UInt32 = 0
          for place in 0..<4 { word |= UInt32(bytes[4 * index + place]) << (8 * place) }
          append(Int(Int32(bitPattern: word)))
        }
      }
    }
    return numbers
  }

  /// The integers nearest to numbers, ties to even, as bytes.
  func bytes(of numbers: [Float], shape: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(numbers.count)
    forEachRun(in: shape) { elements, scale, zero in
      let lowest = Float(integers.lowerBound - zero)
      let highest = Float(integers.upperBound - zero)
      for index in elements {
        let level = (numbers[index] / scale).rounded(.toNearestOrEven)
        // Not a number stands for zero.
        let clamped = level.isNaN ? 0 : max(lowest, min(highest, level))
        bytes.append(UInt8(truncatingIfNeeded: Int(clamped) + zero))
      }
    }
    return bytes
  }
}

/// What the quantising nodes of an ONNX graph have said so far, by the nodes of the graph that is made of it.
struct ONNXQuantizedParts {
  /// The magnitude that the largest integer of a node's output stands for.
  var ranges: [Graph.NodeID: Float] = [:]
  /// Of the input's integers as signed ones; nil where it has none.
  var inputZeroPoint: Int?
  /// Tensors of weights that are stored as integers, or computed from such.
  var constants: Set<String> = []
  /// Layers whose weights the file has in floating point.
  var floatingPointLayers: Set<Graph.NodeID> = []
  var integerLayerCount = 0
}
