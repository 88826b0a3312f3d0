import ONNX
import ResNet

/// Resizing by nearest pixels.
extension ONNXImporter {
  /// Picks the nearest pixels: each equally often, every so many of them, or along each axis as they
  /// come.
  mutating func picked(
    _ input: Graph.NodeID, _ size: Extent, _ rule: Rule, _ node: ONNXNode
  ) throws(CheckpointError) -> ONNXImportedValue {
    let shape = shapes[input]
    let rows = try places(shape.height, size.height, rule, node)
    let columns = try places(shape.width, size.width, rule, node)
    func repeats(_ places: [Int], of count: Int) -> Bool {
      places.count.isMultiple(of: count)
        && places.indices.allSatisfy { places[$0] == $0 / (places.count / count) }
    }
    if repeats(rows, of: shape.height), repeats(columns, of: shape.width) {
      return .features(try resized(input, size, .nearest, node))
    }
    func strides(_ places: [Int], of count: Int) -> Bool {
      count.isMultiple(of: places.count)
        && places.indices.allSatisfy { places[$0] == $0 * (count / places.count) }
    }
    if strides(rows, of: shape.height), strides(columns, of: shape.width) {
      return .strided(
        input, Extent(height: shape.height / size.height, width: shape.width / size.width))
    }
    let ofRows = try line(shape.height, rows, isAligned: rule.coordinates == "align_corners", node)
    let ofColumns = try line(
      shape.width, columns, isAligned: rule.coordinates == "align_corners", node)
    let upright = try picked(
      input, ofRows, count: rows.count, along: Extent(height: 1, width: 0), "\(node.name).rows",
      node)
    return .features(
      try picked(
        upright, ofColumns, count: columns.count, along: Extent(height: 0, width: 1), node.name,
        node))
  }

  /// Pixels at equal distances of a row in which each is repeated, which stays what it is at its ends:
  /// result x is pixel `(first + stride * x) / repeats`.
  private struct Line {
    var first = 0
    let stride: Int
    let repeats: Int

    func place(_ x: Int, of size: Int) -> Int {
      // Rounds down, also what is negative.
      let place = first + stride * x
      let pixel = place >= 0 ? place / repeats : -((repeats - 1 - place) / repeats)
      return max(0, min(size - 1, pixel))
    }
  }

  /// Returns the line that these places of nearest pixels are, whatever the rule of rounding.
  private func line(
    _ size: Int, _ places: [Int], isAligned: Bool, _ node: ONNXNode
  ) throws(CheckpointError) -> Line {
    let ends = isAligned && places.count > 1 && size > 1 ? 1 : 0
    let (new, old) = (places.count - ends, size - ends)
    var (divisor, rest) = (new, old)
    while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
    var line = Line(stride: old / divisor, repeats: new / divisor)
    guard line.repeats <= ONNXImportLimits.interpolationFactor else {
      throw .overLimit(
        what: "repetitions of pixels by which node \"\(Self.readable(node.name))\" resizes",
        value: line.repeats, limit: ONNXImportLimits.interpolationFactor)
    }
    for first in -2 * line.repeats...2 * line.repeats {
      line.first = first
      if places.indices.allSatisfy({ line.place($0, of: size) == places[$0] }) { return line }
    }
    throw fault(
      node,
      "\(places.count) of \(size) rows or columns in mode nearest, which are at no fixed steps")
  }

  /// Picks rows or columns: repeats them, adds those of the edges that lie outside, and takes one of
  /// each window.
  private mutating func picked(
    _ input: Graph.NodeID, _ line: Line, count: Int, along axis: Extent, _ name: String,
    _ node: ONNXNode
  ) throws(CheckpointError) -> Graph.NodeID {
    let shape = shapes[input]
    let size = axis.height == 1 ? shape.height : shape.width
    if count == size, (0..<count).allSatisfy({ line.place($0, of: size) == $0 }) { return input }
    func extent(_ count: Int, or other: Int = 1) -> Extent {
      Extent(
        height: axis.height == 1 ? count : other, width: axis.width == 1 ? count : other)
    }
    var result = input
    if line.repeats > 1 {
      let sides = Extent(
        height: shape.height * (axis.height == 1 ? line.repeats : 1),
        width: shape.width * (axis.width == 1 ? line.repeats : 1))
      result = try append(
        "\(name).repeated",
        .resize(Resizing(height: sides.height, width: sides.width, .nearest)), [result], for: node)
    }
    let before = max(0, -line.first)
    let last = before + line.first + line.stride * (count - 1)
    let after = max(0, last + 1 - before - size * line.repeats)
    if let most = [before, after].max(), most > 0 {
      guard most <= ONNXImportLimits.reflectedCount else {
        throw .overLimit(
          what: "rows or columns that node \"\(Self.readable(node.name))\" repeats at an edge",
          value: most, limit: ONNXImportLimits.reflectedCount)
      }
      let padding = Padding(before: extent(before, or: 0), after: extent(after, or: 0))
      result = try append("\(name).edge", .border(padding, .edge), [result], for: node)
    }
    let start = before + line.first
    let window = before + size * line.repeats + after - line.stride * (count - 1)
    if start == 0, window <= line.stride {
      let pooling = Pooling(window: Extent(1), stride: extent(line.stride))
      return try append(name, .maxPool(pooling), [result], for: node)
    }
    // Of each window the number at `start`, by a factor of one and factors of zero.
    try countParameter(shape.channels * window)
    var taps = [Float](repeating: 0, count: shape.channels * window)
    for channel in 0..<shape.channels { taps[channel * window + start] = 1 }
    var convolution = Convolution(outputChannels: shape.channels, kernel: extent(window))
    convolution.stride = extent(line.stride)
    convolution.groups = shape.channels
    let kernel = extent(window)
    let tensor = Tensor(shape: [shape.channels, 1, kernel.height, kernel.width], storage: taps)
    return try append(
      name, .convolution(convolution), [result], for: node, [("weight", tensor)])
  }

  /// Returns the place of each result's nearest pixel along one axis, by the formulas of ONNX's
  /// Resize.
  private func places(
    _ size: Int, _ count: Int, _ rule: Rule, _ node: ONNXNode
  ) throws(CheckpointError) -> [Int] {
    // The factor as a ratio, for which all of these numbers are exact or far from a bend.
    let (size, count) = (Double(size), Double(count))
    var places: [Int] = []
    for place in 0..<Int(count) {
      let x = Double(place)
      let exact: Double
      switch rule.coordinates {
      case "half_pixel": exact = (x + 0.5) * size / count - 0.5
      case "pytorch_half_pixel": exact = count > 1 ? (x + 0.5) * size / count - 0.5 : 0
      case "asymmetric": exact = x * size / count
      case "tf_half_pixel_for_nn": exact = (x + 0.5) * size / count
      case "align_corners": exact = count > 1 ? x * (size - 1) / (count - 1) : 0
      default: throw fault(node, "\(Self.readable(rule.coordinates)) in mode nearest")
      }
      let picked: Double
      switch rule.nearest {
      case "floor": picked = exact.rounded(.down)
      case "ceil": picked = exact.rounded(.up)
      case "round_prefer_floor": picked = (exact - 0.5).rounded(.up)
      case "round_prefer_ceil": picked = (exact + 0.5).rounded(.down)
      default: throw fault(node, "\(Self.readable(rule.nearest)) in mode nearest")
      }
      places.append(Int(max(0, min(size - 1, picked))))
    }
    return places
  }
}
