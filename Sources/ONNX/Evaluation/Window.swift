/// Window that moves over one to three spatial dimensions, for convolution and pooling.
struct Window {
  /// Numbers per spatial dimension, as are all that follow.
  let input: [Int]
  let kernel: [Int]
  let strides: [Int]
  let dilations: [Int]
  let padsBefore: [Int]
  let padsAfter: [Int]
  let output: [Int]

  private static let spatialRanks = 1...3

  /// Reads `strides`, `dilations`, `pads`, `auto_pad` and `ceil_mode`.
  ///
  /// - Parameter shape: Shape of the input, `[N, C, …]`.
  init(_ call: NodeCall, over shape: [Int], kernel: [Int]) throws(ONNXError) {
    let rank = shape.count - 2
    guard Self.spatialRanks.contains(rank), kernel.count == rank else {
      throw call.fault(
        "a window of \(kernel.count) dimensions does not fit an input of shape \(shape)")
    }
    guard kernel.allSatisfy({ 1...ONNXLimits.attributeLimit ~= $0 }) else {
      throw call.fault(
        "a side of the window \(kernel) is not from 1 to \(ONNXLimits.attributeLimit)")
    }
    input = Array(shape[2...])
    self.kernel = kernel
    strides = try call.sizes("strides", count: rank, default: 1, minimum: 1)
    dilations = try call.sizes("dilations", count: rank, default: 1, minimum: 1)
    let pads = try call.sizes("pads", count: 2 * rank, default: 0, minimum: 0)
    let autoPad = try call.string("auto_pad", default: "NOTSET")
    let roundsUp = try call.integer("ceil_mode", default: 0) != 0
    var before: [Int] = []
    var after: [Int] = []
    var output: [Int] = []
    for axis in 0..<rank {
      let size = input[axis]
      let step = strides[axis]
      let extent = (kernel[axis] - 1) * dilations[axis] + 1
      switch autoPad {
      case "SAME_UPPER", "SAME_LOWER":
        let count = (size + step - 1) / step
        let total = max(0, (count - 1) * step + extent - size)
        before.append(autoPad == "SAME_UPPER" ? total / 2 : total - total / 2)
        after.append(total - before[axis])
        output.append(count)
      case "NOTSET", "", "VALID":
        before.append(autoPad == "VALID" ? 0 : pads[axis])
        after.append(autoPad == "VALID" ? 0 : pads[axis + rank])
        let free = size + before[axis] + after[axis] - extent
        guard free >= 0 else {
          throw call.fault("a window of \(kernel) is larger than the input \(shape)")
        }
        var count = (free + (roundsUp ? step - 1 : 0)) / step + 1
        // A last window that would begin after the input, counting its padding in front, covers
        // nothing.
        if roundsUp, (count - 1) * step >= size + before[axis] { count -= 1 }
        output.append(count)
      default: throw call.fault("auto_pad \"\(autoPad)\" is not supported")
      }
    }
    padsBefore = before
    padsAfter = after
    self.output = output
  }

  /// Sources of the window's elements other than an offset into the input.
  enum Source {
    /// A place in the padding.
    static let padding = -1
    /// A place beyond the padding, which only rounding up reaches.
    static let nothing = -2
  }

  var outputCount: Int { output.reduce(1, *) }
  var kernelCount: Int { kernel.reduce(1, *) }

  /// Offset into a channel's plane, or one of `Source`, for each element of the window, row-major,
  /// and each output place. Takes `kernelCount * outputCount` numbers, which the caller must limit
  /// first.
  var table: [[Int]] {
    let steps = StridedView.steps(input)
    return StridedView(kernel).offsets.map { flat in
      var rest = flat
      var sources = [0]
      var places: [Int] = []
      for size in kernel.reversed() {
        places.append(rest % size)
        rest /= size
      }
      places.reverse()
      for axis in input.indices {
        let line = (0..<output[axis]).map { place in
          let position =
            place * strides[axis] - padsBefore[axis] + places[axis] * dilations[axis]
          if position >= input[axis] + padsAfter[axis] { return Source.nothing }
          return position < 0 || position >= input[axis] ? Source.padding : position * steps[axis]
        }
        sources = sources.flatMap { base in
          line.map { base < 0 || $0 < 0 ? min(base, $0, Source.padding) : base + $0 }
        }
      }
      return sources
    }
  }
}
