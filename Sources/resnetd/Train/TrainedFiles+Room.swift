import Checkpoint
import Files
import Glibc
import ResNet

extension TrainedFiles {
  /// Bytes of a page at most: its images and a row for each class.
  private static let pageByteCount = 4 << 20
  /// Copies of the parameters in a state: as they are, their average, the best ones, and the two
  /// moments of AdamW or the one of SGD.
  private static let stateCopyCount = 5

  /// Throws unless there is room for everything that a training writes, before it has cost any time.
  ///
  /// - Parameters:
  ///   - parent: Model that training begins with, of the size of that which it makes.
  ///   - keepsState: Whether the training can go on after an interruption.
  ///   - hiddenCount: Units of a layer before the last one.
  func checkRoom(
    for parent: Model, keepsState: Bool, hiddenCount: Int = 0, classCount: Int = 0
  ) throws(Failure) {
    let parameterCount = parent.weights.names.reduce(0) {
      $0 + (parent.weights[$1]?.elementCount ?? 0)
    }
    // No more features than a network can have.
    let inputCount = hiddenCount == 0 ? 0 : parent.featureCount ?? Graph.featureCountLimit
    let parameterByteCount =
      (parameterCount + hiddenCount * (inputCount + classCount)) * MemoryLayout<Float>.stride
    let samples = GoldenChoice.imageCount * GoldenChoice.byteCountLimit
    var wanted = parameterByteCount + samples + Self.pageByteCount
    var what = "the model and its page"
    if keepsState {
      // A state is complete before the one before it goes.
      wanted += 2 * Self.stateCopyCount * parameterByteCount - Self.byteCount(of: checkpoint)
      what = "the model, its page and two states of the training"
    }
    let largest = (keepsState ? Self.stateCopyCount : 1) * parameterByteCount
    if let limit = SystemError.fileSizeLimit, largest > limit {
      throw Failure(
        "\(keepsState ? checkpoint : model) will have \(largest >> 20) MiB or more, and this process may "
          + "write files of \(limit) bytes at most; raise its limit (ulimit -f)")
    }
    try Self.checkRoom(wanted, for: what, at: model, option: "--output")
    try Self.checkRoom(Self.pageByteCount, for: "the page", at: page, option: "--report")
  }

  /// Throws unless there is room for so many bytes in a file's folder.
  static func checkRoom(
    _ wanted: Int, for what: String, at path: String, option: String
  ) throws(Failure) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    guard let free = FreeSpace.byteCount(at: folder), free < wanted else { return }
    throw Failure(
      "\(path): \(what) may take \((wanted + (1 << 20) - 1) >> 20) MiB, and \(free >> 20) MiB are free "
        + "on that disk; make room, or name a place on another one by \(option)")
  }

  private static func byteCount(of path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}

extension Model {
  /// Numbers of its features; nil if it has none.
  fileprivate var featureCount: Int? {
    guard let node = try? graph.featureNode() else { return nil }
    return (try? graph.shapes())?[node].elementCount
  }
}
