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
}
