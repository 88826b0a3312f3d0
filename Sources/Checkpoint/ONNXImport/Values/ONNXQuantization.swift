import ONNX
import ResNet

/// Meaning of integers: each represents `(integer - zero point) * scale`.
struct ONNXQuantization: Equatable {
  /// Type of the integers: int8, uint8, or int32 for constants.
  let elementType: ONNXElementType
  /// Scales above 0: one for all, or one for each place along `axis`.
  let scales: [Float]
  /// Zero points, as many as scales; 0 for int32.
  let zeros: [Int]
  /// Axis of the scales, or nil if one scale is for all.
  let axis: Int?

  /// Range of the integers, for all types except int32.
  var integers: ClosedRange<Int> { elementType == .uint8 ? 0...255 : -128...127 }

  /// Range of the distances from the first zero point.
  var levels: ClosedRange<Int> {
    integers.lowerBound - zeros[0]...integers.upperBound - zeros[0]
  }

  /// Numbers that the lowest and the highest integer represent, if one scale is for all.
  var bounds: Bounds {
    Bounds(Float(levels.lowerBound) * scales[0], Float(levels.upperBound) * scales[0])
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

  /// Returns the numbers that the bytes of integers represent, row-major, as many as the shape
  /// says.
  func numbers(of bytes: [UInt8], shape: [Int]) -> [Float] {
    var numbers: [Float] = []
    numbers.reserveCapacity(shape.reduce(1, *))
    forEachRun(in: shape) { elements, scale, zero in
      // The product is exact in double precision for bytes, and nearly so for sums of their
      // products.
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

  /// Returns the nearest integers, ties to even, as bytes.
  func bytes(of numbers: [Float], shape: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(numbers.count)
    forEachRun(in: shape) { elements, scale, zero in
      let lowest = Float(integers.lowerBound - zero)
      let highest = Float(integers.upperBound - zero)
      for index in elements {
        let level = (numbers[index] / scale).rounded(.toNearestOrEven)
        // NaN becomes zero.
        let clamped = level.isNaN ? 0 : max(lowest, min(highest, level))
        bytes.append(UInt8(truncatingIfNeeded: Int(clamped) + zero))
      }
    }
    return bytes
  }
}

/// Facts from the quantising nodes of an ONNX graph so far, by the nodes of the graph made of it.
struct ONNXQuantizedParts {
  /// Magnitude that the largest integer of a node's output represents.
  var ranges: [Graph.NodeID: Float] = [:]
  /// Zero point of the input as a signed integer; nil if it has none.
  var inputZeroPoint: Int?
  /// Tensors of weights that are stored as integers, or computed from those.
  var constants: Set<String> = []
  /// Layers whose weights are floating-point in the file.
  var floatingPointLayers: Set<Graph.NodeID> = []
  var integerLayerCount = 0
  /// Names of the QuantizeLinear of clips to integers that may be left out at the end.
  var clips: [Graph.NodeID: String] = [:]
  /// GELUs between whose parts the file rounds.
  var mergedCount = 0
  /// QuantizeLinear whose clip is left out, and its bounds.
  var unclipped: [(name: String, bounds: Bounds)] = []
}
