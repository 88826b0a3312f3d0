/// Places buffers in one block of memory by their lifetimes.
///
/// The largest comes first, each at the lowest free offset (greedy by size, Pisarchyk and Lee
/// 2020).
package struct ArenaLayout {
  /// Alignment of every buffer: a cache line, which is also the widest vector register.
  package static let alignment = AlignedMemory.alignment

  package struct Buffer {
    package var byteCount: Int
    /// First step that writes it to the last that reads it.
    package var lifetime: ClosedRange<Int>

    package init(byteCount: Int, lifetime: ClosedRange<Int>) {
      self.byteCount = byteCount
      self.lifetime = lifetime
    }
  }

  package private(set) var offsets: [Int]
  package private(set) var byteCount = 0

  package init(_ buffers: [Buffer]) {
    offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    for index in buffers.indices.sorted(by: { buffers[$0].byteCount > buffers[$1].byteCount }) {
      let size = Self.aligned(buffers[index].byteCount)
      let neighbours = placed.filter { buffers[$0].lifetime.overlaps(buffers[index].lifetime) }
        .sorted { offsets[$0] < offsets[$1] }
      var offset = 0
      for neighbour in neighbours {
        if offsets[neighbour] - offset >= size { break }
        offset = max(offset, offsets[neighbour] + Self.aligned(buffers[neighbour].byteCount))
      }
      offsets[index] = offset
      byteCount = max(byteCount, offset + size)
      placed.append(index)
    }
  }

  private static func aligned(_ byteCount: Int) -> Int {
    (byteCount + AlignedMemory.alignment - 1) / AlignedMemory.alignment * AlignedMemory.alignment
  }
}
