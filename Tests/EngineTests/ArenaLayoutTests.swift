import Engine
import Testing

@Suite struct ArenaLayoutTests {
  @Test("Buffers that live at the same time never overlap, others share", arguments: 0..<20)
  func places(seed: Int) {
    var dice = Dice("arena \(seed)")
    let buffers = (0..<30).map { index in
      ArenaLayout.Buffer(
        byteCount: dice.pick([1, 64, 1000, 4096, 70_000]),
        lifetime: index...index + dice.pick([0, 1, 2, 7]))
    }
    let layout = ArenaLayout(buffers)
    for (a, first) in buffers.enumerated() {
      #expect(layout.offsets[a].isMultiple(of: ArenaLayout.alignment))
      #expect(layout.offsets[a] + first.byteCount <= layout.byteCount)
      for (b, second) in buffers.enumerated() where a < b {
        guard first.lifetime.overlaps(second.lifetime) else { continue }
        let apart =
          layout.offsets[a] + first.byteCount <= layout.offsets[b]
          || layout.offsets[b] + second.byteCount <= layout.offsets[a]
        #expect(apart)
      }
    }
    #expect(layout.byteCount < buffers.reduce(0) { $0 + $1.byteCount })
  }

  @Test("The layout is that of the search among all buffers placed before", arguments: 0..<60)
  func equalsPlainSearch(seed: Int) {
    var dice = Dice("plain arena \(seed)")
    let count = dice.pick([0, 1, 2, 10, 100, 300])
    let spans = dice.pick([[0], [0, 1, 2, 7], [0, 3, 50, 400]])
    let buffers = (0..<count).map { _ in
      let start = dice.pick(Array(-20...dice.pick([5, 60, 500])))
      return ArenaLayout.Buffer(
        byteCount: dice.pick([0, 1, 64, 65, 640, 1000, 4096, 70_000]),
        lifetime: start...start + dice.pick(spans))
    }
    let layout = ArenaLayout(buffers)
    let (offsets, byteCount) = Self.plainSearch(buffers)
    #expect(layout.offsets == offsets)
    #expect(layout.byteCount == byteCount)
  }

  @Test("Twice the buffers of training take hardly more than twice the work")
  func workGrowsSlowly() {
    let counts = [2_000, 4_000, 8_000].map { count in
      let layout = ArenaLayout(Self.trainingBuffers(count))
      return layout.lookupCount
    }
    for (less, more) in zip(counts, counts.dropFirst()) { #expect(more < 3 * less) }
    // The plain search would have looked at millions of pairs.
    #expect(counts[0] < 200 * 2_000)
  }

  /// Activations that live until their gradients, and short-lived gradients.
  private static func trainingBuffers(_ count: Int) -> [ArenaLayout.Buffer] {
    let half = count / 2
    return (0..<half).flatMap { layer in
      let size = 1 << (10 + 6 * (half - layer) / half)
      let end = 2 * half - layer
      return [
        ArenaLayout.Buffer(byteCount: size + layer % 3 * 64, lifetime: layer...end),
        ArenaLayout.Buffer(byteCount: size, lifetime: end...end + 1),
      ]
    }
  }

  private static func plainSearch(_ buffers: [ArenaLayout.Buffer]) -> ([Int], Int) {
    func aligned(_ byteCount: Int) -> Int {
      (byteCount + ArenaLayout.alignment - 1) / ArenaLayout.alignment * ArenaLayout.alignment
    }
    var offsets = [Int](repeating: 0, count: buffers.count)
    var (placed, total) = ([Int](), 0)
    for index in buffers.indices.sorted(by: { buffers[$0].byteCount > buffers[$1].byteCount }) {
      let size = aligned(buffers[index].byteCount)
      let neighbours = placed.filter { buffers[$0].lifetime.overlaps(buffers[index].lifetime) }
        .sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for neighbour in neighbours {
        if offsets[neighbour] - offset >= size { break }
        offset = max(offset, offsets[neighbour] + aligned(buffers[neighbour].byteCount))
      }
      offsets[index] = offset
      total = max(total, offset + size)
      placed.append(index)
    }
    return (offsets, total)
  }
}
