/// View of a tensor's elements in another shape, as a base and a step per dimension.
struct StridedView {
  var base = 0
  var shape: [Int]
  var steps: [Int]

  init(base: Int = 0, shape: [Int], steps: [Int]) {
    self.base = base
    self.shape = shape
    self.steps = steps
  }

  /// Views a row-major tensor as it is.
  init(_ shape: [Int]) {
    self.shape = shape
    steps = Self.steps(shape)
  }

  /// Views a tensor of `shape` stretched to `target`, which the rules of broadcasting must allow.
  init(_ shape: [Int], broadcastTo target: [Int]) {
    let missing = target.count - shape.count
    let own = Self.steps(shape)
    self.shape = target
    steps = target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }

  /// Returns the steps of a row-major tensor.
  static func steps(_ shape: [Int]) -> [Int] {
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      steps[axis] = steps[axis + 1] * shape[axis + 1]
    }
    return steps
  }

  /// Broadcasts two shapes, aligned at the right; a dimension of 1 stretches. Returns nil if they
  /// do not agree.
  static func broadcast(_ first: [Int], _ second: [Int]) -> [Int]? {
    var shape: [Int] = []
    for place in 1...max(first.count, second.count, 1) {
      if place > max(first.count, second.count) { break }
      let a = place <= first.count ? first[first.count - place] : 1
      let b = place <= second.count ? second[second.count - place] : 1
      guard a == b || a == 1 || b == 1 else { return nil }
      shape.append(a == 1 ? b : a)
    }
    return shape.reversed()
  }

  /// Offset of each element, in row-major order of the view.
  var offsets: [Int] {
    var offsets = shape.contains(0) ? [] : [base]
    for (size, step) in zip(shape, steps) {
      if size == 1 { continue }
      var next: [Int] = []
      next.reserveCapacity(offsets.count * size)
      for offset in offsets {
        for index in 0..<size { next.append(offset + index * step) }
      }
      offsets = next
    }
    return offsets
  }
}
