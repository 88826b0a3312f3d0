/// The rows of a shard as parts in a folder, with which a later run of the same shard goes on.
///
///     open ─> names of the parts ─> rows that are there ─> EarlierResults
///     rows ─> … ─ enough for a part, or the end ─> the next part, written at once
///
/// A part that is written is whole, so whatever ends a run loses at most the rows of one part.
struct ResultParts: Sendable {
  /// Images of a part, by default.
  static let rowLimit = 10_000
  /// Bytes of a part, after which it ends.
  private static let byteLimit = 32 << 20

  private let store: any PartStore
  private let shard: Shard
  private let rows: ResultRows
  private let rowLimit: Int
  private var nextNumber: Int
  private var bytes: [UInt8] = []
  private var rowCount = 0
  /// Whether a part could not be written.
  private var isBroken = false

  /// Reads the rows of the parts that are there.
  static func open(
    _ store: any PartStore, _ shard: Shard, _ rows: ResultRows, rowLimit: Int
  ) throws(Failure) -> (parts: ResultParts, earlier: EarlierResults) {
    let parts = try store.names().compactMap { PartName($0) }
    for part in parts {
      guard part.shard.count == shard.count else {
        throw Failure(
          "\(store.place(of: part.text)) is of \(part.shard.count) shards, this run of "
            + "\(shard.count): an image would have two rows; give --shard I/\(part.shard.count) or "
            + "name another --output")
      }
      guard part.format == rows.format else {
        throw Failure(
          "\(store.place(of: part.text)) is \(part.format.file.name), this run writes "
            + "\(rows.format.file.name); give --\(part.format.rawValue) or name another --output")
      }
    }
    let own = parts.filter { $0.shard == shard }.sorted { $0.number < $1.number }
    let earlier = try EarlierResults(own.map { store.place(of: $0.text) }, like: rows) {
      index throws(Failure) in try store.read(own[index].text)
    }
    let next = own.last.map { $0.number + 1 } ?? 0
    return (ResultParts(store, shard, rows, rowLimit, next), earlier)
  }

  private init(
    _ store: any PartStore, _ shard: Shard, _ rows: ResultRows, _ rowLimit: Int, _ nextNumber: Int
  ) {
    (self.store, self.shard, self.rows) = (store, shard, rows)
    (self.rowLimit, self.nextNumber) = (rowLimit, nextNumber)
  }

  /// Adds an image's row; returns what became of the part if it is complete.
  mutating func add(_ row: [UInt8]) throws(Failure) -> String? {
    if rowCount == 0 { bytes += rows.head }
    bytes += row
    rowCount += 1
    return rowCount == rowLimit || bytes.count >= Self.byteLimit ? try write() : nil
  }

  /// Writes what is there as the last part; returns what became of it, if there is any.
  mutating func finish() throws(Failure) -> String? {
    rowCount == 0 || isBroken ? nil : try write()
  }

  private mutating func write() throws(Failure) -> String {
    let name = PartName(shard, number: nextNumber, rows.format)
    let place = store.place(of: name.text)
    isBroken = true
    guard nextNumber <= PartName.numberLimit else {
      throw Failure(
        "\(place): more than \(PartName.numberLimit + 1) parts; give more --part-images")
    }
    try store.create(name.text, bytes, rows.format)
    isBroken = false
    let count = rowCount
    (nextNumber, bytes, rowCount) = (nextNumber + 1, [], 0)
    return "\(place): \(Decimal.grouped(count)) image\(count == 1 ? "" : "s")"
  }
}
