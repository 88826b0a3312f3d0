import ResNet

/// Layout of a node's output in a tensor whose dimensions part or join those of the map, as channel
/// shuffles and groups of channels have it.
struct ONNXArrangement: Equatable {
  enum Side {
    case channels, rows, columns
  }

  /// A factor, above 1, of one of the map's dimensions.
  struct Part: Equatable {
    var side: Side
    var size: Int
  }

  /// In the order of the map: channels, rows, columns; of each the slowest first.
  private(set) var parts: [Part]
  /// For each of the tensor's dimensions after the batch, the parts it consists of by their index.
  private(set) var axes: [[Int]]

  init(_ shape: FeatureShape, _ order: ONNXOrder) {
    let sides: [(Side, Int)] = [
      (.channels, shape.channels), (.rows, shape.height), (.columns, shape.width),
    ]
    parts = sides.filter { $0.1 > 1 }.map { Part(side: $0.0, size: $0.1) }
    let known = parts
    func places(_ wanted: Side...) -> [Int] {
      known.indices.filter { wanted.contains(known[$0].side) }
    }
    axes =
      switch order {
      case .channelsFirst: [places(.channels), places(.rows), places(.columns)]
      case .channelsLast: [places(.rows), places(.columns), places(.channels)]
      case .flat: [places(.channels, .rows, .columns)]
      case .sequence: [places(.channels), places(.rows, .columns)]
      case .row: [[], places(.channels, .rows, .columns)]
      }
  }

  /// - Parameter axes: Parts by their index in the list of all of them.
  init(parts: [Part], axes: [[Int]]) {
    self.parts = parts
    self.axes = axes
  }

  /// Sizes of the tensor's dimensions after the batch.
  var sizes: [Int] { axes.map { $0.reduce(1) { $0 * parts[$1].size } } }

  func isOfChannels(axis: Int) -> Bool {
    axes[axis].allSatisfy { parts[$0].side == .channels }
  }

  // MARK: - Other shapes

  /// Returns the layout after a reshape to these sizes; nil if a part would be cut unevenly.
  func reshaped(to sizes: [Int]) -> ONNXArrangement? {
    var result = ONNXArrangement(parts: parts, axes: [])
    var queue = axes.flatMap(\.self)
    for size in sizes {
      var open = size
      result.axes.append([])
      while open > 1 {
        guard let next = queue.first else { return nil }
        let own = result.parts[next].size
        if open.isMultiple(of: own) {
          open /= own
          queue.removeFirst()
        } else if own.isMultiple(of: open) {
          result.split(next, at: open, &queue)
          open = 1
        } else {
          return nil
        }
        result.axes[result.axes.count - 1].append(next)
      }
    }
    return queue.isEmpty ? result : nil
  }

  /// Splits a part in two, of which `first` is the size of the slower; the first in the queue is
  /// then the faster one.
  private mutating func split(_ part: Int, at first: Int, _ queue: inout [Int]) {
    let rest = parts[part].size / first
    parts[part].size = first
    parts.insert(Part(side: parts[part].side, size: rest), at: part + 1)
    axes = axes.map { $0.map { $0 > part ? $0 + 1 : $0 } }
    queue = queue.map { $0 > part ? $0 + 1 : $0 }
    queue[0] = part + 1
  }

  /// Returns the layout with the dimensions after the batch in another order.
  func transposed(_ order: [Int]) -> ONNXArrangement {
    ONNXArrangement(parts: parts, axes: order.map { axes[$0] })
  }

  /// Returns the layout of a map in which only the parts of these dimensions are left, the others
  /// being 1.
  func keeping(_ isKept: (Int) -> Bool) -> ONNXArrangement {
    let kept = axes.indices.filter(isKept).flatMap { axes[$0] }.sorted()
    let places = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    return ONNXArrangement(
      parts: kept.map { parts[$0] },
      axes: axes.enumerated().map { axis, list in
        isKept(axis) ? list.compactMap { places[$0] } : []
      })
  }

  func dropping(axes dropped: [Int]) -> ONNXArrangement {
    ONNXArrangement(
      parts: parts, axes: axes.indices.filter { !dropped.contains($0) }.map { axes[$0] })
  }

  // MARK: - Channels

  /// Parts of the channels in the order in which the tensor has them.
  var channelParts: [Int] {
    axes.flatMap(\.self).filter { parts[$0].side == .channels }
  }

  /// Returns the channels of the map in the order of such parts: for each place, the channel.
  func channels(inOrderOf order: [Int]) -> [Int] { places(inOrderOf: order, step(of:)) }

  /// Returns the numbers of the map `[C, H, W]` in the order of such parts: for each place, the number.
  func numbers(inOrderOf order: [Int]) -> [Int] {
    places(inOrderOf: order) { part in parts[(part + 1)...].reduce(1) { $0 * $1.size } }
  }

  private func places(inOrderOf order: [Int], _ step: (Int) -> Int) -> [Int] {
    var places = [0]
    for part in order {
      let step = step(part)
      places = places.flatMap { place in
        (0..<parts[part].size).map { place + $0 * step }
      }
    }
    return places
  }

  /// Distance in channels from one index of a part to the next.
  func step(of part: Int) -> Int {
    parts[(part + 1)...].reduce(1) { $1.side == .channels ? $0 * $1.size : $0 }
  }

  /// Returns the same layout of a map whose channels are in this order of their parts.
  func relabelled(_ order: [Int]) -> ONNXArrangement {
    let others = parts.indices.filter { parts[$0].side != .channels }
    let all = order + others
    let places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, $0) })
    return ONNXArrangement(
      parts: all.map { parts[$0] }, axes: axes.map { $0.compactMap { places[$0] } })
  }

  /// Returns the layout with parts joined that follow each other everywhere.
  var joined: ONNXArrangement {
    var result = self
    var part = 0
    while part + 1 < result.parts.count {
      guard result.parts[part].side == result.parts[part + 1].side,
        let axis = result.axes.firstIndex(where: { $0.contains(part) }),
        let place = result.axes[axis].firstIndex(of: part), place + 1 < result.axes[axis].count,
        result.axes[axis][place + 1] == part + 1
      else {
        part += 1
        continue
      }
      result.parts[part].size *= result.parts[part + 1].size
      result.parts.remove(at: part + 1)
      result.axes[axis].remove(at: place + 1)
      result.axes = result.axes.map { $0.map { $0 > part ? $0 - 1 : $0 } }
    }
    return result
  }

  /// Returns both layouts with the parts of each dimension cut alike; nil if that is impossible.
  ///
  /// A dimension of size 1 goes with any other.
  static func refined(
    _ first: ONNXArrangement, _ second: ONNXArrangement
  ) -> (ONNXArrangement, ONNXArrangement)? {
    guard first.axes.count == second.axes.count else { return nil }
    var cuts: [(Int, [Int])] = []
    for axis in first.axes.indices {
      let (a, b) = (
        first.axes[axis].map { first.parts[$0].size },
        second.axes[axis].map { second.parts[$0].size }
      )
      if a.isEmpty || b.isEmpty {
        cuts.append((axis, a.isEmpty ? b : a))
        continue
      }
      guard let common = commonFactors(a, b) else { return nil }
      cuts.append((axis, common))
    }
    func cut(_ arrangement: ONNXArrangement) -> ONNXArrangement? {
      let sizes = cuts.flatMap { axis, factors in
        arrangement.axes[axis].isEmpty ? [] : factors
      }
      guard let flat = arrangement.reshaped(to: sizes) else { return nil }
      var rest = flat.axes.compactMap(\.first)[...]
      let axes = cuts.map { axis, factors -> [Int] in
        guard !arrangement.axes[axis].isEmpty else { return [] }
        defer { rest = rest.dropFirst(factors.count) }
        return Array(rest.prefix(factors.count))
      }
      return ONNXArrangement(parts: flat.parts, axes: axes)
    }
    guard let a = cut(first), let b = cut(second) else { return nil }
    return (a, b)
  }

  private static func commonFactors(_ first: [Int], _ second: [Int]) -> [Int]? {
    var (a, b) = (first[...], second[...])
    var result: [Int] = []
    while let x = a.first, let y = b.first {
      let less = min(x, y)
      guard x.isMultiple(of: less), y.isMultiple(of: less) else { return nil }
      result.append(less)
      a = x == less ? a.dropFirst() : [x / less] + a.dropFirst()
      b = y == less ? b.dropFirst() : [y / less] + b.dropFirst()
    }
    return a.isEmpty && b.isEmpty ? result : nil
  }
}
