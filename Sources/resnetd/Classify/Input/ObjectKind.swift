import RemoteModels

/// What an object is by its key, as `FolderWalk` judges files by their names.
enum ObjectKind: Hashable {
  case image
  /// No ending tells what it is.
  case unnamed
  /// It or a folder that it is in begins with a dot.
  case hidden
  /// An empty object that stands for a folder.
  case folder
  case other(ending: String)

  init(_ key: String, in folder: ObjectFolder) {
    let names = key.utf8.dropFirst(folder.prefix.utf8.count).split(
      separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let isHidden = names.contains { $0.first == UInt8(ascii: ".") }
    // Steps are told of where they cannot be addressed.
    if isHidden, ObjectFolder.canAddress(key) {
      self = .hidden
    } else if names.last?.isEmpty != false {
      self = .folder
    } else if let ending = FolderWalk.ending(of: Array(names[names.count - 1])[...]) {
      self = ImageFolder.isImageEnding(ending) ? .image : .other(ending: ending)
    } else {
      self = .unnamed
    }
  }

  /// Counts it if nobody classifies it.
  func count(in skipped: inout SkippedFiles) {
    switch self {
    case .image, .unnamed, .folder: break
    case .hidden: skipped.hiddenCount += 1
    case .other(let ending): skipped.add(ending: ending)
    }
  }
}
