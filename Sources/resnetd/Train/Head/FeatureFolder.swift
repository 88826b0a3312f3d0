import Files
import Glibc
import Training

/// Folder of features on disk: one that is kept for the next time, or one beside the model file that
/// goes at the end.
///
///     DIR/KEY-NUMBER.features    complete
///     DIR/KEY-NUMBER.tmp         being written; or left by a run that was killed, until the next
struct FeatureFolder {
  let path: String
  let isKept: Bool

  /// Throws if the folder that is to be kept cannot be one.
  static func check(_ settings: TrainSettings) throws(Failure) {
    guard let path = settings.head.cache else { return }
    var status = stat()
    guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else { return }
    throw Failure(
      "--cache \(PlainText.line(path)): it is not a folder; name one, which is made if it is not there"
    )
  }

  /// Makes the folder unless it is there.
  init(_ settings: TrainSettings) throws(Failure) {
    path = settings.head.cache ?? settings.files.features
    isKept = settings.head.cache != nil
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw Failure("\(path): the folder for features cannot be made: \(SystemError.text())")
    }
    removeLeft()
  }

  /// Removes what runs have left that were killed; others may be writing there.
  private func removeLeft() {
    let left = ownNames.filter { $0.hasSuffix(StoredFeaturesWriter.temporaryEnding) }
      .count { StoredFeaturesWriter.removeLeft("\(path)/\($0)") }
    guard left > 0 else { return }
    TrainingProgress.tell(
      "\(path): \(left) incomplete \(left == 1 ? "file" : "files") of a run that was killed "
        + "\(left == 1 ? "was" : "were") removed")
  }

  /// Throws unless there is room for so many bytes more.
  func checkRoom(_ byteCount: Int) throws(Failure) {
    try TrainedFiles.checkRoom(
      byteCount, for: "the features of all images", at: path + "/", option: "--cache")
  }

  /// Removes the folder with the files of this program in it, unless it is kept.
  func end() {
    guard !isKept else { return }
    for name in ownNames { unsafe unlink("\(path)/\(name)") }
    // Whatever others have put there stays, and so does the folder.
    unsafe rmdir(path)
  }

  /// Names of the files of this program in the folder.
  private var ownNames: [String] {
    guard let listing = try? FolderListing(path) else { return [] }
    return (0..<listing.count).map { String(decoding: listing.name(at: $0), as: UTF8.self) }
      .filter(Self.isOwn)
  }

  private static func isOwn(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && (parts[1] == "features" || parts[1] == "tmp")
      && parts[0].count == 25
      && parts[0].split(separator: "-").allSatisfy { HexDigits.bytes(String($0)) != nil }
  }
}
