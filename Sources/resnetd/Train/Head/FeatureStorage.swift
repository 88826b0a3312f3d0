import Checkpoint
import Files
import Training

/// Features of all images while a last layer is learned: in memory, or in a folder on disk.
final class FeatureStorage {
  /// Copies of the features in memory: those of the survey, of the matrix, and of the folds of
  /// cross-validation.
  private static let copyCount = 4
  /// Bytes of an image's entry in the survey.
  private static let imageByteCount = 512

  private let featureCount: Int
  private let folder: FeatureFolder?
  /// Features of the images as they are; nil if they are in memory.
  let plain: FeatureShelf?
  /// Features of their views; nil also if there are none.
  let views: FeatureShelf?
  private var store: FeatureStore?
  private var viewStart = 0

  /// Decides where the features are, and throws if there is no room for them.
  init(_ job: TrainingJob, featureCount: Int, _ rule: ViewRule?) throws {
    self.featureCount = featureCount
    let options = job.settings.head
    let (imageCount, viewCount) = (job.folder.images.count, rule?.count ?? 0)
    let (number, rowCount) = (MemoryLayout<Float>.stride, imageCount * (1 + viewCount))
    let outputByteCount = Self.copyCount * number * job.classCount * rowCount
    let wanted = Self.copyCount * number * featureCount * rowCount + outputByteCount
    let available = TrainingJob.availableByteCount
    let fits = available.map { wanted <= $0 } ?? true
    guard options.place == .disk || options.cache != nil || (options.place == .auto && !fits)
    else {
      (folder, plain, views) = (nil, nil, nil)
      try TrainingJob.checkMemory(
        wanted, for: "the features of all images",
        remedy: "give the process more memory, learn from fewer images"
          + (rule == nil ? "" : " or --views") + ", or leave out --features memory")
      return
    }
    try TrainingJob.checkMemory(
      outputByteCount + imageCount * Self.imageByteCount,
      for: "what is kept of all images beside their features",
      remedy: "give the process more memory, or learn from fewer images")
    let folder = try FeatureFolder(job.settings)
    self.folder = folder
    do {
      let digest = try job.parent.featureDigest(featureCount: featureCount).hex
      let plain = try FeatureShelf(
        folder.path, try Self.kind("plain", digest, featureCount, rowsPerEntry: 1))
      let views = try rule.map { rule in
        try FeatureShelf(
          folder.path,
          try Self.kind(
            "views \(rule.seed) \(rule.augmentation)", digest, featureCount,
            rowsPerEntry: rule.count))
      }
      (self.plain, self.views) = (plain, views)
      let missing = [plain, views].compactMap(\.self).reduce(0) {
        $0 + max(0, imageCount - $1.count) * $1.kind.entryByteCount
      }
      try folder.checkRoom(missing)
    } catch {
      folder.end()
      throw error
    }
    if options.place == .auto, options.cache == nil, let available {
      TrainingProgress.tell(
        "the features of all images take about \(wanted >> 20) MiB of memory, and \(available >> 20) MiB "
          + "are free: they are on disk, in \(folder.path)")
    }
  }

  /// - Parameter words: What decides the features beside the network and the contract.
  private static func kind(
    _ words: String, _ digest: String, _ featureCount: Int, rowsPerEntry: Int
  ) throws(DigestError) -> StoredFeatures.Kind {
    let text = "resnetd \(Version.number) features \(digest) \(words)"
    return StoredFeatures.Kind(
      key: try SHA256.digest(of: Array(text.utf8)), columnCount: featureCount,
      rowsPerEntry: rowsPerEntry)
  }

  /// Removes what is not kept; of what is, completes what an interruption left.
  func end() {
    if folder?.isKept == true {
      for shelf in [plain, views].compactMap(\.self) { _ = try? shelf.finish() }
    }
    folder?.end()
  }

  /// Ends the survey of the images as they are, and says what had been there.
  func finishImages(_ count: Int) throws(Failure) {
    guard let plain else { return }
    if plain.reusedCount > 0 {
      TrainingProgress.tell(
        "features of \(Decimal.grouped(plain.reusedCount)) of \(Decimal.grouped(count)) images are from "
          + "\(folder?.path ?? ""), not computed again")
    }
    store = FeatureStore(try plain.finish(), columnCount: featureCount)
  }

  /// The same for the survey of views.
  func finishViews() throws(Failure) {
    guard let plain, let views else { return }
    if views.reusedCount > 0 {
      TrainingProgress.tell(
        "views of \(Decimal.grouped(views.reusedCount)) images are from \(folder?.path ?? "")")
    }
    let (files, others) = (try plain.finish(), try views.finish())
    viewStart = files.reduce(0) { $0 + $1.rowCount }
    store = FeatureStore(files + others, columnCount: featureCount)
  }

  /// Images whose features were on disk already; nil if they are in memory.
  var reusedCount: Int? { plain?.reusedCount }

  /// Returns the features of images as they are.
  func matrix(_ images: [SurveyedImage]) -> FeatureMatrix {
    guard let store else { return inMemory(images) }
    return FeatureMatrix(store, rows: images.compactMap(\.entry))
  }

  /// Returns the features of images' views, those of one image after the other.
  func views(of images: [SurveyedImage]) -> FeatureMatrix {
    guard let store, let views else { return inMemory(images) }
    let count = views.kind.rowsPerEntry
    return FeatureMatrix(
      store,
      rows: images.compactMap(\.entry).flatMap { entry in
        (0..<count).map { viewStart + entry * count + $0 }
      })
  }

  private func inMemory(_ images: [SurveyedImage]) -> FeatureMatrix {
    var numbers: [Float] = []
    numbers.reserveCapacity(images.reduce(0) { $0 + $1.features.count })
    for image in images { numbers += image.features }
    return FeatureMatrix(columnCount: featureCount, values: numbers)
  }
}
