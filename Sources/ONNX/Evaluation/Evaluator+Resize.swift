import Glibc

extension Evaluator {
  static let resizeOperators: [String: Operator] = ["Resize": resize]

  /// Place along one dimension that a result is taken from: one of two neighbours, or both weighted.
  private struct Source {
    var first: Int
    var second: Int
    /// Weight of the second.
    var share: Double
  }

  /// Computes Resize in modes nearest and linear, each dimension after the other.
  private static func resize(_ call: NodeCall) throws(ONNXError) -> [DenseTensor] {
    let input = try call.input(0)
    let (scales, sizes) = try scalesAndSizes(call, input)
    let mode = try call.string("mode", default: "nearest")
    guard mode == "nearest" || mode == "linear" else { throw call.fault("mode \"\(mode)\"") }
    guard mode == "nearest" || input.elementType.isFloatingPoint else {
      throw call.fault("mode linear for numbers of type \(input.elementType)")
    }
    var result = input
    for axis in input.shape.indices
    where sizes[axis] != input.shape[axis] || scales[axis] != 1 {
      let sources = try sources(
        call, size: input.shape[axis], scale: scales[axis], count: sizes[axis],
        isLinear: mode == "linear")
      result = try resized(call, result, axis: axis, sources)
    }
    return [result]
  }

  private static func resized(
    _ call: NodeCall, _ input: DenseTensor, axis: Int, _ sources: [Source]
  ) throws(ONNXError) -> DenseTensor {
    var shape = input.shape
    shape[axis] = sources.count
    try call.allow(shape)
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    func offsets(_ place: (Source) -> Int) -> [Int] {
      (0..<outer).flatMap { block in
        sources.flatMap { source in
          let start = (block * input.shape[axis] + place(source)) * inner
          return start..<start + inner
        }
      }
    }
    let first = input.picking(offsets(\.first), shape: shape)
    guard sources.contains(where: { $0.share > 0 }) else { return first }
    let second = input.picking(offsets(\.second), shape: shape).doubles
    let values = first.doubles.enumerated().map { place, value in
      let share = sources[place / inner % sources.count].share
      return value * (1 - share) + second[place] * share
    }
    return DenseTensor(input.elementType, shape, values)
  }

  /// Returns the scale and the result's size of each dimension.
  private static func scalesAndSizes(
    _ call: NodeCall, _ input: DenseTensor
  ) throws(ONNXError) -> ([Double], [Int]) {
    let sizes = call.opset >= 11 ? try call.optionalIntegers(3) : nil
    let given = call.optional(call.opset >= 11 ? 2 : 1)
    // Set 18 may name some dimensions alone.
    let axes = try call.axes(
      call.integerList("axes") ?? Array(input.shape.indices), rank: input.rank)
    if let sizes, !sizes.isEmpty {
      guard sizes.count == axes.count, given == nil || given?.count == 0 else {
        throw call.fault("\(sizes.count) sizes for \(axes.count) dimensions, or scales as well")
      }
      for size in sizes where !(1...ONNXLimits.attributeLimit ~= size) {
        throw call.fault("size \(size)")
      }
      return try sized(call, input, axes, sizes)
    }
    guard let listed = given?.doubles, listed.count == axes.count,
      listed.allSatisfy({ $0 > 0 && $0.isFinite })
    else { throw call.fault("scales that are no positive numbers for \(axes.count) dimensions") }
    var scales = [Double](repeating: 1, count: input.rank)
    for (axis, scale) in zip(axes, listed) { scales[axis] = scale }
    var results: [Int] = []
    for (size, scale) in zip(input.shape, scales) {
      let result = (Double(size) * scale).rounded(.down)
      guard result >= 1, result <= Double(ONNXLimits.attributeLimit) else {
        throw call.fault("scale \(scale) for \(size)")
      }
      results.append(Int(result))
    }
    return (scales, results)
  }

  /// Returns scales and sizes where sizes are given for some dimensions, exact ones or bounds by which
  /// all of these have one scale.
  private static func sized(
    _ call: NodeCall, _ input: DenseTensor, _ axes: [Int], _ given: [Int]
  ) throws(ONNXError) -> ([Double], [Int]) {
    var scales = [Double](repeating: 1, count: input.rank)
    var sizes = input.shape
    for (axis, size) in zip(axes, given) {
      (scales[axis], sizes[axis]) = (Double(size) / Double(max(input.shape[axis], 1)), size)
    }
    let policy = try call.string("keep_aspect_ratio_policy", default: "stretch")
    guard policy != "stretch" else { return (scales, sizes) }
    let ofAxes = axes.map { scales[$0] }
    guard let least = ofAxes.min(), let most = ofAxes.max(),
      policy == "not_larger" || policy == "not_smaller"
    else { throw call.fault("keep_aspect_ratio_policy \"\(policy)\"") }
    let scale = policy == "not_larger" ? least : most
    for axis in axes {
      let size = (Double(input.shape[axis]) * scale + 0.5).rounded(.down)
      guard 1...Double(ONNXLimits.attributeLimit) ~= size else {
        throw call.fault("scale \(scale) for \(input.shape[axis])")
      }
      (scales[axis], sizes[axis]) = (scale, Int(size))
    }
    return (scales, sizes)
  }

  private static func sources(
    _ call: NodeCall, size: Int, scale: Double, count: Int, isLinear: Bool
  ) throws(ONNXError) -> [Source] {
    guard size > 0 else { throw call.fault("an empty dimension") }
    try call.budget.spend(count)
    let coordinates = try call.string(
      "coordinate_transformation_mode", default: call.opset >= 11 ? "half_pixel" : "asymmetric")
    let nearest = try call.string(
      "nearest_mode", default: call.opset >= 11 ? "round_prefer_floor" : "floor")
    // A scale may lead between pixels, and the corner is there; sizes lead to one, but for rounding.
    let scaled = Double(size) * scale
    let length = abs(scaled - Double(count)) < 1e-6 ? Double(count) : scaled
    var sources: [Source] = []
    for place in 0..<count {
      let x = Double(place)
      let exact: Double
      switch coordinates {
      case "half_pixel": exact = (x + 0.5) / scale - 0.5
      case "half_pixel_symmetric":
        // A result of no whole size lies in the middle.
        let offset = Double(size) / 2 * (1 - Double(count) / length)
        exact = offset + (x + 0.5) / scale - 0.5
      case "pytorch_half_pixel": exact = count > 1 ? (x + 0.5) / scale - 0.5 : 0
      case "asymmetric": exact = x / scale
      case "align_corners": exact = count > 1 ? x * Double(size - 1) / (length - 1) : 0
      case "tf_half_pixel_for_nn" where !isLinear: exact = (x + 0.5) / scale
      default: throw call.fault("coordinate_transformation_mode \"\(coordinates)\"")
      }
      func inside(_ place: Double) -> Int { Int(max(0, min(Double(size - 1), place))) }
      if isLinear {
        let low = exact.rounded(.down)
        sources.append(
          Source(first: inside(low), second: inside(low + 1), share: exact - low))
        continue
      }
      let picked: Double
      switch nearest {
      case "floor": picked = exact.rounded(.down)
      case "ceil": picked = exact.rounded(.up)
      case "round_prefer_floor": picked = (exact - 0.5).rounded(.up)
      case "round_prefer_ceil": picked = (exact + 0.5).rounded(.down)
      default: throw call.fault("nearest_mode \"\(nearest)\"")
      }
      sources.append(Source(first: inside(picked), second: inside(picked), share: 0))
    }
    return sources
  }
}
