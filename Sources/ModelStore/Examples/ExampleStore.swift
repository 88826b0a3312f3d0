import Checkpoint
import Synchronization

/// Images from which classes are taught to a running server: their features, and the images
/// themselves if they were to be kept.
///
/// In the folder of a store they survive a restart; without one they are in memory. Everything is
/// durable before a call returns, and a kill at any moment leaves the examples as before or after
/// the call. All of them belong to one source. Calls read and write the disk, so they belong on a
/// thread that may wait; any number of them may.
package final class ExampleStore: Sendable {
  /// Limits on what is kept.
  package struct Limits: Sendable, Hashable {
    package var count = 100_000
    package var labelCount = 10_000
    /// Bytes of all examples on a disk; 4 GiB.
    package var byteCount = 4 << 30
    /// Bytes of all examples in memory, where there is no folder; 64 MiB.
    package var memoryByteCount = 64 << 20

    package init() {}
  }

  /// An image's fate.
  package enum Addition: Sendable, Hashable {
    case kept
    /// It is an example of the same label already.
    case known
    /// It is an example of another label.
    case conflict(String)
  }

  /// What is kept of one label.
  package struct LabelCount: Sendable, Hashable {
    package let label: String
    package let count: Int
    /// Examples whose images are kept.
    package let imageCount: Int
    package let byteCount: Int
  }

  package struct Summary: Sendable, Hashable {
    /// Nil if there are no examples.
    package let source: ExampleSource?
    /// Labels in the order in which their first examples came.
    package let labels: [LabelCount]
    package let byteCount: Int

    package var count: Int { labels.reduce(0) { $0 + $1.count } }
  }

  /// Reason why nothing was changed.
  package enum Fault: Error, Sendable {
    case store(StoreError)
    /// The examples come from another network.
    case otherSource
    case tooMany(limit: Int)
    case tooManyLabels(limit: Int)
    case tooManyBytes(limit: Int)
  }

  struct Entry {
    let label: Int
    let digest: ModelVersion
    /// Place and length of the record, and the length of the image at its end.
    let offset: Int
    let byteCount: Int
    let imageByteCount: Int
  }

  struct State {
    let log: ExampleLog
    /// Whether the log has been read.
    var isOpen = false
    var source: ExampleSource?
    /// Labels by number; a removed one leaves none.
    var labels: [String] = []
    var numbers: [String: Int] = [:]
    var entries: [Entry] = []
    var places: [ModelVersion: Int] = [:]
    /// Bytes of the log that count.
    var end = 0
    var notice: String?
  }

  package let limits: Limits
  package let isOnDisk: Bool
  private let state: Mutex<State>

  /// - Parameter store: Store in whose folder they are; nil to keep them in memory.
  package init(in store: ModelStore?, limits: Limits = Limits()) {
    self.limits = limits
    isOnDisk = store != nil
    let log =
      store.map { ExampleLog($0.disk, freeByteReserve: $0.limits.freeByteReserve) } ?? ExampleLog()
    state = Mutex(State(log: log))
  }

  private var byteLimit: Int { isOnDisk ? limits.byteCount : limits.memoryByteCount }

  // MARK: Queries

  package func summary() throws(StoreError) -> Summary {
    try opened { (state) throws(StoreError) in
      var counts = [Int: (count: Int, images: Int, bytes: Int)]()
      for entry in state.entries {
        var sum = counts[entry.label] ?? (0, 0, 0)
        sum.count += 1
        sum.images += entry.imageByteCount > 0 ? 1 : 0
        sum.bytes += entry.byteCount
        counts[entry.label] = sum
      }
      let labels = state.labels.enumerated().compactMap { number, label in
        counts[number].map {
          LabelCount(label: label, count: $0.count, imageCount: $0.images, byteCount: $0.bytes)
        }
      }
      return Summary(source: state.source, labels: labels, byteCount: state.end)
    }
  }

  /// What was found damaged when the file was read, once.
  package func takeNotice() -> String? {
    state.withLock { state in
      defer { state.notice = nil }
      return state.notice
    }
  }

  /// Hands over all examples, in the order in which they came.
  ///
  /// - Parameter withImages: Whether the image of the next example, of this label, is wanted.
  package func forEach(
    withImages: (String) -> Bool, _ body: (Example) throws(StoreError) -> Void
  ) throws(StoreError) {
    try opened { (state) throws(StoreError) in
      guard let source = state.source else { return }
      for entry in state.entries {
        let label = state.labels[entry.label]
        let wantsImage = entry.imageByteCount > 0 && withImages(label)
        let start = ExampleFormat.prefixByteCount + label.utf8.count
        let featureBytes = source.featureCount * MemoryLayout<Float>.stride
        let imagePlace = entry.byteCount - entry.imageByteCount
        let count = wantsImage ? entry.byteCount : imagePlace
        let record = try state.log.read(count: count, at: entry.offset)
        var image = wantsImage ? Array(record[imagePlace...]) : nil
        // Bytes that a crash left unwritten are not the image.
        if let bytes = image, try ModelVersion(digest: ExampleFormat.digest(bytes)) != entry.digest
        {
          image = nil
        }
        try body(
          Example(
            label: label, digest: entry.digest,
            features: ExampleFormat.features(record[start..<start + featureBytes]), image: image))
      }
    }
  }

  // MARK: Changes

  /// Keeps examples, all that can be or none.
  package func add(
    _ examples: [Example], of source: ExampleSource
  ) throws(Fault) -> [Addition] {
    try changed { (state) throws(Fault) in
      guard state.source == nil || state.source == source else { throw .otherSource }
      var additions: [Addition] = []
      var chosen: [(example: Example, record: [UInt8])] = []
      var fresh: [ModelVersion: String] = [:]
      for example in examples {
        let other =
          fresh[example.digest]
          ?? state.places[example.digest].map { state.labels[state.entries[$0].label] }
        if let other {
          additions.append(other == example.label ? .known : .conflict(other))
          continue
        }
        fresh[example.digest] = example.label
        do throws(StoreError) {
          chosen.append((example, try ExampleFormat.record(example)))
        } catch {
          throw .store(error)
        }
        additions.append(.kept)
      }
      guard !chosen.isEmpty else { return additions }
      try check(state, chosen.map(\.example), byteCount: chosen.reduce(0) { $0 + $1.record.count })
      try write(chosen, of: source, to: &state)
      return additions
    }
  }

  private func check(
    _ state: State, _ examples: [Example], byteCount: Int
  ) throws(Fault) {
    guard state.entries.count + examples.count <= limits.count else {
      throw .tooMany(limit: limits.count)
    }
    let labels = Set(examples.map(\.label)).union(state.numbers.keys)
    guard labels.count <= limits.labelCount else { throw .tooManyLabels(limit: limits.labelCount) }
    guard state.end + byteCount <= byteLimit else { throw .tooManyBytes(limit: byteLimit) }
  }

  private func write(
    _ chosen: [(example: Example, record: [UInt8])], of source: ExampleSource,
    to state: inout State
  ) throws(Fault) {
    let log = state.log
    let bytes = chosen.flatMap(\.record)
    var offset = state.end
    do throws(StoreError) {
      if state.source == nil {
        let header = ExampleFormat.header(source, count: chosen.count)
        offset = header.count
        try log.requireSpace(for: header.count + bytes.count)
        try log.replace { (write) throws(StoreError) in try write(header + bytes) }
      } else {
        try log.append(bytes, at: state.end)
        log.confirm(count: state.entries.count + chosen.count)
      }
    } catch {
      // What is on the disk now counts, whatever it is.
      state = State(log: log)
      throw .store(error)
    }
    state.source = source
    for (example, record) in chosen {
      Self.insert(
        example.label, example.digest, &state, offset: offset, byteCount: record.count,
        imageByteCount: example.image?.count ?? 0)
      offset += record.count
    }
    state.end = offset
  }

  /// Removes the examples of a label, or all of them; returns how many.
  package func remove(_ label: String?) throws(StoreError) -> Int {
    guard let label else {
      return try state.withLock { (state) throws(StoreError) in
        // A damaged file can always be removed.
        try? Self.open(&state)
        let count = state.entries.count
        try state.log.replace(nil)
        state = State(log: state.log, isOpen: true)
        return count
      }
    }
    return try opened { (state) throws(StoreError) in
      guard let number = state.numbers[label], let source = state.source else { return 0 }
      let kept = state.entries.filter { $0.label != number }
      let removedCount = state.entries.count - kept.count
      guard !kept.isEmpty else {
        try state.log.replace(nil)
        state = State(log: state.log, isOpen: true)
        return removedCount
      }
      let log = state.log
      let header = ExampleFormat.header(source, count: kept.count)
      do throws(StoreError) {
        try log.replace { (write) throws(StoreError) in
          try write(header)
          for entry in kept { try write(log.read(count: entry.byteCount, at: entry.offset)) }
        }
      } catch {
        state = State(log: log)
        throw error
      }
      let labels = state.labels
      state = State(log: log, isOpen: true, source: source, end: header.count)
      for entry in kept {
        Self.insert(
          labels[entry.label], entry.digest, &state, offset: state.end,
          byteCount: entry.byteCount, imageByteCount: entry.imageByteCount)
        state.end += entry.byteCount
      }
      return removedCount
    }
  }

  // MARK: State

  private func opened<Result: Sendable>(
    _ body: (inout State) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try state.withLock { (state) throws(StoreError) in
      try Self.open(&state)
      return try body(&state)
    }
  }

  private func changed<Result: Sendable>(
    _ body: (inout State) throws(Fault) -> Result
  ) throws(Fault) -> Result {
    try state.withLock { (state) throws(Fault) in
      do throws(StoreError) { try Self.open(&state) } catch { throw .store(error) }
      return try body(&state)
    }
  }

  static func insert(
    _ label: String, _ digest: ModelVersion, _ state: inout State, offset: Int, byteCount: Int,
    imageByteCount: Int
  ) {
    let number = state.numbers[label] ?? state.labels.count
    if number == state.labels.count {
      state.labels.append(label)
      state.numbers[label] = number
    }
    state.places[digest] = state.entries.count
    state.entries.append(
      Entry(
        label: number, digest: digest, offset: offset, byteCount: byteCount,
        imageByteCount: imageByteCount))
  }
}
