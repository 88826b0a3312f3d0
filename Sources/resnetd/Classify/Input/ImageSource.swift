/// The images that a run classifies, found while it does.
protocol ImageSource: Sendable {
  /// Counts of what was found so far.
  var counts: ImageCounts { get }
  /// Number of all images, or nil as long as it is not known.
  var total: Int? { get }
  /// Whether only files are named, each by itself.
  var isPlain: Bool { get }

  /// Returns up to `limit` images to classify; none where all that were found were passed over, and
  /// nil at the end.
  mutating func take(_ limit: Int) throws(Failure) -> [ListedImage]?

  /// Releases what finds them; nothing is taken any more.
  func end()
}

struct ImageCounts: Sendable {
  /// Images that the output has a row of already.
  var earlier = 0
  /// Images of other shards.
  var foreign = 0
  var skipped = SkippedFiles()
}

/// The images that are left for a run: those of its shard of which there is no row.
struct ImageSelection: Sendable {
  let shard: Shard
  let earlier: EarlierResults

  /// Returns whether it is to be classified, and counts it if it is not.
  func takes(_ name: String, _ counts: inout ImageCounts) throws(Failure) -> Bool {
    guard try shard.contains(name) else {
      counts.foreign += 1
      return false
    }
    guard earlier.contains(name) else { return true }
    counts.earlier += 1
    return false
  }
}

/// Those of them that are files.
struct SelectedPaths: ImageSource {
  private var paths: ImagePaths
  private let selection: ImageSelection
  private var passed = ImageCounts()

  init(_ paths: ImagePaths, _ selection: ImageSelection) {
    (self.paths, self.selection) = (paths, selection)
  }

  var counts: ImageCounts {
    var counts = passed
    counts.skipped = paths.skipped
    return counts
  }

  var total: Int? { selection.shard.isWhole ? paths.total : nil }
  var isPlain: Bool { paths.isPlain }

  mutating func take(_ limit: Int) throws(Failure) -> [ListedImage]? {
    let images = try paths.take(limit)
    guard !images.isEmpty else { return nil }
    var taken: [ListedImage] = []
    for image in images where try selection.takes(image.path, &passed) { taken.append(image) }
    return taken
  }

  func end() {}
}
