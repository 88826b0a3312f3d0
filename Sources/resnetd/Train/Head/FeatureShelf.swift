import Files
import Glibc
import Synchronization
import Training

/// Features on disk of one kind, plain or of views, found by the digests of images: what earlier runs
/// left, and what this one adds. Any thread may ask.
final class FeatureShelf: Sendable {
  private struct State {
    /// Number of each image's entry, and its likeness.
    var entries: [[UInt8]: (number: Int, likeness: UInt64?)] = [:]
    var count = 0
    var writer: StoredFeaturesWriter?
    var files: [StoredFeatures] = []
    /// Images whose features were there already.
    var reusedCount = 0
  }

  let kind: StoredFeatures.Kind
  private let folder: String
  private let state: Mutex<State>

  /// Opens the files of the kind in a folder; says which are not used and why.
  init(_ folder: String, _ kind: StoredFeatures.Kind) throws(Failure) {
    (self.folder, self.kind) = (folder, kind)
    var state = State()
    for path in try Self.paths(in: folder, of: kind) {
      do throws(StoredFeatures.Fault) {
        let file = try StoredFeatures(path, kind)
        for entry in file.entries {
          state.entries[entry.digest] = (state.count, entry.likeness)
          state.count += 1
        }
        state.files.append(file)
      } catch {
        // Those of other numbers of views have names that begin alike.
        if case .foreign = error { continue }
        TrainingProgress.tell("\(path): \(error); its features are computed again")
        // Its name says what it was.
        if case .damaged = error { unsafe unlink(path) }
      }
    }
    self.state = Mutex(state)
  }

  /// Complete files of a kind, in the order of their names.
  private static func paths(
    in folder: String, of kind: StoredFeatures.Kind
  ) throws(Failure) -> [String] {
    let listing: FolderListing
    do throws(Failure) { listing = try FolderListing(folder) } catch {
      throw Failure("\(folder): \(error.message)")
    }
    return (0..<listing.count).map { String(decoding: listing.name(at: $0), as: UTF8.self) }
      .filter {
        $0.hasPrefix(StoredFeaturesWriter.name(kind)) && $0.hasSuffix(StoredFeaturesWriter.ending)
      }.sorted().map { "\(folder)/\($0)" }
  }

  /// Images whose features are there.
  var count: Int { state.withLock(\.entries.count) }
  var reusedCount: Int { state.withLock(\.reusedCount) }

  /// Returns the image with its features, if they are there.
  func image(_ index: Int, digest: [UInt8]) -> SurveyedImage? {
    state.withLock { state in
      guard let found = state.entries[digest] else { return nil }
      state.reusedCount += 1
      return SurveyedImage(
        index: index, digest: digest, likeness: found.likeness.map { Likeness(bits: $0) },
        entry: found.number)
    }
  }

  /// Takes an image's features out of memory, if they are not there yet.
  func keep(_ image: inout SurveyedImage) throws(Failure) {
    guard image.entry == nil else { return }
    image.entry = try state.withLock { state throws(Failure) in
      if let known = state.entries[image.digest] { return known.number }
      do throws(FileError) {
        if state.writer == nil { state.writer = try StoredFeaturesWriter(in: folder, kind) }
        _ = try state.writer?.append(
          .init(digest: image.digest, likeness: image.likeness?.bits), rows: image.features)
      } catch { throw Self.failure(error) }
      state.entries[image.digest] = (state.count, image.likeness?.bits)
      state.count += 1
      return state.count - 1
    }
    image.features = []
  }

  /// Completes what was added, and returns all files; the entries' numbers go through all of them.
  func finish() throws(Failure) -> [StoredFeatures] {
    try state.withLock { state throws(Failure) in
      guard let writer = state.writer else { return state.files }
      state.writer = nil
      do throws(StoredFeatures.Fault) {
        if let file = try writer.finish() { state.files.append(file) }
      } catch {
        if case .file(let fault) = error { throw Self.failure(fault) }
        throw Failure("the features that were written cannot be read: \(error)")
      }
      return state.files
    }
  }

  private static func failure(_ error: FileError) -> Failure {
    Failure(
      "\(error): the features of the images do not get on that disk; make room, name a folder on "
        + "another one by --cache, or give --features memory; nothing else was written")
  }
}
