import Glibc

/// The images of a folder in the order of their names, one folder's listing in memory per level.
///
/// Links to folders are followed, each of their targets once, so that loops end.
struct FolderWalk: Sendable {
  /// Folders that may lie inside each other.
  static let depthLimit = 128

  /// Identity of a folder, whatever it is called.
  private struct Identity: Hashable, Sendable {
    var device: UInt64
    var number: UInt64
  }

  private struct Level: Sendable {
    var prefix: String
    var identity: Identity
    var listing: FolderListing
    var next = 0
    /// Images that are left, and whether folders are.
    var imageCount = 0
    var folderCount = 0
  }

  /// What is in a place of a listing.
  private enum Find {
    case image(ListedImage.Origin)
    case folder(isLink: Bool)
    case brokenLink
    case nothing
  }

  private let isRecursive: Bool
  private var levels: [Level] = []
  private var linkTargets: Set<Identity> = []
  private(set) var skipped = SkippedFiles()

  init(isRecursive: Bool) { self.isRecursive = isRecursive }

  var isAtEnd: Bool { levels.isEmpty }

  /// Images that are left, or nil while folders are that nobody has looked into.
  var remainingCount: Int? {
    var count = 0
    for level in levels {
      guard level.folderCount == 0 else { return nil }
      count += level.imageCount
    }
    return count
  }

  /// Enters a folder; its images come next. Returns the fault of one that cannot be entered.
  mutating func enter(_ path: String, isLink: Bool = false) -> ListedImage? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else {
      return ListedImage(path, .file, fault: "cannot list the folder: \(Self.reason())")
    }
    let identity = Identity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
    let isInside = levels.contains { $0.identity == identity }
    guard !isInside, !isLink || linkTargets.insert(identity).inserted else {
      skipped.repeatedFolderCount += 1
      return nil
    }
    guard levels.count < Self.depthLimit else {
      return ListedImage(
        path, .file, fault: "more than \(Self.depthLimit) folders deep; name it by itself")
    }
    do throws(Failure) {
      var level = Level(
        prefix: path.hasSuffix("/") ? path : path + "/", identity: identity,
        listing: try FolderListing(path))
      count(&level)
      levels.append(level)
      return nil
    } catch {
      return ListedImage(path, .file, fault: error.message)
    }
  }

  /// Returns the next image, or a fault in its place; nil at the end.
  mutating func next() -> ListedImage? {
    while let last = levels.indices.last {
      let index = levels[last].next
      guard index < levels[last].listing.count else {
        levels.removeLast()
        continue
      }
      levels[last].next += 1
      let name = levels[last].listing.name(at: index)
      let find = find(name, levels[last].listing.kind(at: index))
      if case .nothing = find { continue }
      let bytes = Array(levels[last].prefix.utf8) + name
      switch find {
      case .nothing: continue
      case .image(let origin):
        levels[last].imageCount -= 1
        return ListedImage(bytes, origin)
      case .brokenLink:
        return ListedImage(
          ListedImage(bytes, .file).path, .file,
          fault: "the link leads to nothing that is there, or in a circle")
      case .folder(let isLink):
        levels[last].folderCount -= 1
        let folder = ListedImage(bytes, .file)
        if folder.fault != nil { return folder }
        if let fault = enter(folder.path, isLink: isLink) { return fault }
      }
    }
    return nil
  }

  /// Counts what a listing has, both what will come and what will not.
  private mutating func count(_ level: inout Level) {
    for index in 0..<level.listing.count {
      let (name, kind) = (level.listing.name(at: index), level.listing.kind(at: index))
      switch find(name, kind) {
      case .image: level.imageCount += 1
      case .folder: level.folderCount += 1
      case .brokenLink: break
      case .nothing: skip(name, kind)
      }
    }
  }

  private func find(_ name: ArraySlice<UInt8>, _ kind: FolderListing.Kind) -> Find {
    guard name.first != UInt8(ascii: ".") else { return .nothing }
    switch kind {
    case .special: return .nothing
    case .folder: return isRecursive ? .folder(isLink: false) : .nothing
    case .folderLink: return isRecursive ? .folder(isLink: true) : .nothing
    case .file, .brokenLink:
      guard let ending = Self.ending(of: name) else {
        return kind == .file ? .image(.unnamed) : .nothing
      }
      guard ImageFolder.isImageEnding(ending) else { return .nothing }
      return kind == .file ? .image(.file) : .brokenLink
    }
  }

  private mutating func skip(_ name: ArraySlice<UInt8>, _ kind: FolderListing.Kind) {
    if name.first == UInt8(ascii: ".") {
      skipped.hiddenCount += 1
    } else {
      switch kind {
      case .special: skipped.specialCount += 1
      case .folder, .folderLink: skipped.subfolderCount += 1
      case .file, .brokenLink:
        let ending = Self.ending(of: name)
        if kind == .brokenLink, ending == nil {
          skipped.brokenLinkCount += 1
        } else {
          skipped.add(ending: ending ?? "")
        }
      }
    }
  }

  /// Returns what follows the last dot; nil without one.
  static func ending(of name: ArraySlice<UInt8>) -> String? {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot + 1 < name.endIndex else {
      return nil
    }
    return String(decoding: name[(dot + 1)...], as: UTF8.self)
  }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
