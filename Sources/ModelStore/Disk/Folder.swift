import Files
import Glibc

/// An open folder: its entries are reached by name from the descriptor, and a symbolic link is never followed.
final class Folder: Sendable {
  let path: String
  private let descriptor: CInt
  private let hook: DiskHook
  private let space: SpaceHook

  /// Opens the folder at `path`, made for this user alone where it is missing.
  init(
    making path: String, hook: @escaping DiskHook, space: @escaping SpaceHook
  ) throws(StoreError) {
    self.path = path
    self.hook = hook
    self.space = space
    let injected = hook(.makeFolder)
    let made = injected == 0 ? unsafe mkdir(path, 0o700) : -1
    let number = injected == 0 ? errno : injected
    guard made == 0 || number == EEXIST else { throw .system("make", path, number: number) }
    descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path, number: errno) }
    guard made == 0 else { return }
    // The new name itself lasts only when the folder above is on disk; where that cannot be, nothing else can.
    let above = unsafe openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard above >= 0 else { return }
    fsync(above)
    close(above)
  }

  /// Opens the folder `name` in another, made for this user alone where it is missing.
  init(making name: String, in parent: Folder) throws(StoreError) {
    path = "\(parent.path)/\(name)"
    hook = parent.hook
    space = parent.space
    do {
      try parent.perform(.makeFolder, name) {
        unsafe Int(mkdirat(parent.descriptor, name, 0o700))
      }
    } catch {
      // There already, or not to be made: opening tells which.
    }
    descriptor = unsafe openat(
      parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path, number: errno) }
  }

  deinit { close(descriptor) }

  func path(of name: String) -> String { "\(path)/\(name)" }

  /// Bytes that this user may still write; 0 when that cannot be told.
  var availableByteCount: Int {
    var status = statvfs()
    guard unsafe fstatvfs(descriptor, &status) == 0 else { return 0 }
    return space(
      Int(clamping: status.f_bavail.multipliedReportingOverflow(by: status.f_frsize).0))
  }

  /// A call that changes the disk; one that a signal interrupts is made again.
  @discardableResult
  func perform(
    _ step: DiskStep, _ name: String, byteCount: Int = 0, _ call: () -> Int
  ) throws(StoreError) -> Int {
    var number = hook(step)
    while number == 0 {
      let result = call()
      if result >= 0 { return result }
      number = errno == EINTR ? 0 : errno
    }
    throw .system(
      step.rawValue, path(of: name), number: number, in: self, byteCount: byteCount)
  }

  /// A new, empty file that only this user may read; its descriptor is the caller's to close.
  func create(_ name: String) throws(StoreError) -> CInt {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    return CInt(
      try perform(.create, name) { unsafe Int(openat(descriptor, name, flags, 0o600)) })
  }

  /// Opens a regular file to read.
  func open(_ name: String) throws(StoreError) -> RegularFile {
    do throws(FileError) {
      return try RegularFile(name, inFolder: descriptor, path: path(of: name))
    } catch {
      throw StoreError(error)
    }
  }

  /// For a process to end that held a lock, or to begin that was started while one was held: until then the lock
  /// stays where its descriptor was inherited.
  private static let lockPatience = Duration.seconds(1)
  private static let lockIntervalMicroseconds: UInt32 = 5000

  /// Opens the file `name`, made where it is missing, and takes its lock; nil where another keeps it. The
  /// descriptor is the caller's to close, which gives the lock back.
  func lock(_ name: String) throws(StoreError) -> CInt? {
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
    let file = CInt(
      try perform(.create, name) { unsafe Int(openat(descriptor, name, flags, 0o600)) })
    let end = ContinuousClock.now + Self.lockPatience
    while flock(file, LOCK_EX | LOCK_NB) != 0 {
      let number = errno
      if number == EINTR { continue }
      if number == EWOULDBLOCK, .now < end {
        usleep(Self.lockIntervalMicroseconds)
        continue
      }
      close(file)
      guard number == EWOULDBLOCK else { throw .system("lock", path(of: name), number: number) }
      return nil
    }
    return file
  }

  /// Whether there is anything of that name.
  func contains(_ name: String) -> Bool {
    var status = stat()
    return unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// Size and time of the last change of a regular file; nil for anything else.
  func examine(_ name: String) -> (byteCount: Int, changed: WallTime)? {
    var status = stat()
    guard unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
      RegularFile.isRegular(status)
    else { return nil }
    let seconds = min(max(Int(status.st_mtim.tv_sec), 0), Int(Int32.max))
    return (Int(status.st_size), WallTime(millisecondsSince1970: seconds * 1000))
  }

  func rename(_ name: String, to folder: Folder, as newName: String) throws(StoreError) {
    try folder.perform(.rename, newName) {
      unsafe Int(renameat(descriptor, name, folder.descriptor, newName))
    }
  }

  /// Removes a file, or a link itself; one that is not there is no failure.
  func remove(_ name: String) throws(StoreError) {
    try perform(.remove, name) {
      let result = unsafe unlinkat(descriptor, name, 0)
      return result != 0 && errno == ENOENT ? 0 : Int(result)
    }
  }

  /// Makes what was created, renamed and removed in the folder last.
  func sync() throws(StoreError) { try perform(.sync, ".") { Int(fsync(descriptor)) } }

  /// The names of all entries, sorted; `StoreLimits.entryLimit` at most.
  func names() throws(StoreError) -> [String] {
    let copy = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = unsafe fdopendir(copy) else {
      let number = errno
      if copy >= 0 { close(copy) }
      throw .system("list", path, number: number)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else { break }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name == "." || name == ".." { continue }
      guard names.count < StoreLimits.entryLimit else {
        throw .file(
          path: path, doing: "list", reason: "more than \(StoreLimits.entryLimit) entries")
      }
      names.append(name)
    }
    guard errno == 0 else { throw .system("list", path, number: errno) }
    return names.sorted()
  }
}

/// A kind of system call that changes what is on disk.
package enum DiskStep: String, Sendable, CaseIterable {
  case makeFolder = "make"
  case create
  case write
  case sync
  case rename
  case remove
}

/// Asked before every such call: 0 lets it happen, any other number is the `errno` that it fails with.
///
/// Tests stop the process or fail the disk here; the program lets everything happen.
package typealias DiskHook = @Sendable (DiskStep) -> CInt

/// Told the bytes that are free whenever they are asked for; its answer is taken in their place.
package typealias SpaceHook = @Sendable (_ freeByteCount: Int) -> Int
