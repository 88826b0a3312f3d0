import Files
import Glibc
import Training

/// Folder of features on disk: one that is kept for the next time, or one beside the model file that
/// goes at the end.
///
///     DIR/KEY-NUMBER.features    complete
///     DIR/KEY-NUMBER.tmp         being written, or left by a run that was killed
struct FeatureFolder {
  let path: String
  let isKept: Bool

  /// Makes the folder unless it is there.
  init(_ settings: TrainSettings) throws(Failure) {
    path = settings.head.cache ?? settings.files.features
    isKept = settings.head.cache != nil
    guard unsafe mkdir(path, 0o777) != 0, errno != EEXIST else { return }
    throw Failure("\(path): the folder for features cannot be made: \(SystemError.text())")
  }

  /// Throws unless there is room for so many bytes more.
  func checkRoom(_ byteCount: Int) throws(Failure) {
    try TrainedFiles.checkRoom(
      byteCount, for: "the features of all images", at: path + "/", option: "--cache")
  }

  /// Removes the folder with the files of this program in it, unless it is kept.
  func end() {
    guard !isKept else { return }
    if let listing = try? FolderListing(path) {
      for index in 0..<listing.count {
        let name = String(decoding: listing.name(at: index), as: UTF8.self)
        if Self.isOwn(name) { unsafe unlink("\(path)/\(name)") }
      }
    }
    // Whatever others have put there stays, and so does the folder.
    unsafe rmdir(path)
  }

  private static func isOwn(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && (parts[1] == "features" || parts[1] == "tmp")
      && parts[0].count == 25
      && parts[0].split(separator: "-").allSatisfy { HexDigits.bytes(String($0)) != nil }
  }
}
