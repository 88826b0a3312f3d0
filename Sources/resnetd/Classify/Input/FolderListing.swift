import Glibc

/// Names in one folder in the order of their bytes, kept in one block of memory: a folder may have
/// millions.
struct FolderListing: Sendable {
  enum Kind: UInt8, Sendable {
    case file
    case folder
    /// A symbolic link to a folder.
    case folderLink
    /// A symbolic link that leads nowhere.
    case brokenLink
    /// A pipe, socket or device.
    case special
  }

  private struct Entry: Sendable {
    var offset: Int
    var count: UInt16
    var kind: Kind
  }

  /// Limit of names in one folder.
  static let entryLimit = 20_000_000

  private var bytes: [UInt8] = []
  private var entries: [Entry] = []

  var count: Int { entries.count }

  /// Lists a folder without `.` and `..`.
  ///
  /// - Throws: The system's words for what it refuses.
  init(_ path: String) throws(Failure) {
    guard let stream = unsafe opendir(path) else {
      throw Failure("cannot list the folder: \(Self.reason())")
    }
    defer { unsafe closedir(stream) }
    while true {
      errno = 0
      guard let item = unsafe readdir(stream) else { break }
      unsafe append(item, of: dirfd(stream))
      guard entries.count <= Self.entryLimit else {
        throw Failure("the folder has more than \(Self.entryLimit) names; part it into several")
      }
    }
    guard errno == 0 else { throw Failure("cannot list the folder: \(Self.reason())") }
    sort()
  }

  /// Returns the bytes of a name.
  func name(at index: Int) -> ArraySlice<UInt8> {
    let entry = entries[index]
    return bytes[entry.offset..<entry.offset + Int(entry.count)]
  }

  func kind(at index: Int) -> Kind { entries[index].kind }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }

  @unsafe
  private mutating func append(_ item: UnsafeMutablePointer<dirent>, of folder: CInt) {
    // SAFETY: the system ends the name with a zero, inside the entry that it lends until the next
    // call.
    let start = unsafe UnsafeRawPointer(item) + MemoryLayout<dirent>.offset(of: \.d_name)!
    let name = unsafe start.assumingMemoryBound(to: CChar.self)
    let count = unsafe strlen(name)
    let first = unsafe name[0]
    let isDot = first == CChar(bitPattern: UInt8(ascii: "."))
    let second = unsafe name[min(1, count)]
    if isDot, count == 1 || (count == 2 && second == first) { return }
    let kind: Kind
    switch Int(unsafe item.pointee.d_type) {
    case DT_REG: kind = .file
    case DT_DIR: kind = .folder
    case DT_LNK, DT_UNKNOWN: kind = unsafe Self.kind(of: name, in: folder)
    default: kind = .special
    }
    entries.append(Entry(offset: bytes.count, count: UInt16(clamping: count), kind: kind))
    unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
  }

  /// Returns the kind of what a name leads to, where the folder itself does not say.
  @unsafe
  private static func kind(of name: UnsafePointer<CChar>, in folder: CInt) -> Kind {
    var own = stat()
    let isLink =
      unsafe fstatat(folder, name, &own, AT_SYMLINK_NOFOLLOW) == 0
      && own.st_mode & S_IFMT == S_IFLNK
    var status = stat()
    guard unsafe fstatat(folder, name, &status, 0) == 0 else { return .brokenLink }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return isLink ? .folderLink : .folder
    default: return .special
    }
  }

  private mutating func sort() {
    unsafe bytes.withUnsafeBytes { bytes in
      entries.sort { a, b in
        let common = Int(min(a.count, b.count))
        // SAFETY: entries lie inside the bytes; without names there is nothing to compare.
        let order = unsafe memcmp(
          bytes.baseAddress! + a.offset, bytes.baseAddress! + b.offset, common)
        return order != 0 ? order < 0 : a.count < b.count
      }
    }
  }
}
