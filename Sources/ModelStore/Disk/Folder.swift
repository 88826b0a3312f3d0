import Files
import Glibc

/// An open folder whose entries are reached by name from its descriptor, never through a symbolic
/// link.
final class Folder: Sendable {
  let path: String
  private let descriptor: CInt
  private let hook: DiskHook
  private let space: SpaceHook
  private let failures: DiskFailureCounts

  /// Opens the folder at `path`, creating it for this user alone if it is missing.
  ///
  /// - Parameter failures: Counts the changes that fail, in this folder and those opened in it.
  init(
    making path: String, hook: @escaping DiskHook, space: @escaping SpaceHook,
    failures: DiskFailureCounts
  ) throws(StoreError) {
    self.path = path
    self.hook = hook
    self.space = space
    self.failures = failures
    let injected = hook(.makeFolder)
    let made = injected == 0 ? unsafe mkdir(path, 0o700) : -1
    let number = injected == 0 ? errno : injected
    guard made == 0 || number == EEXIST else {
      throw number == ENOENT ? .noParent(of: path) : .system("make", path, number: number)
    }
    descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path, number: errno) }
    guard made == 0 else { return }
    // The new name itself lasts only when the folder above is on disk; if that fails, nothing
    // helps.
    let above = unsafe openat(descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard above >= 0 else { return }
    fsync(above)
    close(above)
  }

  /// Opens the folder `name` in another, creating it for this user alone if it is missing.
  init(making name: String, in parent: Folder) throws(StoreError) {
    path = "\(parent.path)/\(name)"
    hook = parent.hook
    space = parent.space
    failures = parent.failures
    // Either it exists or it cannot be made: opening it tells which.
    if hook(.makeFolder) == 0 { unsafe mkdirat(parent.descriptor, name, 0o700) }
    descriptor = unsafe openat(
      parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path, number: errno) }
  }

  /// Opens a folder that is only read. Returns nil if nothing is at the path.
  init?(reading path: String, failures: DiskFailureCounts) throws(StoreError) {
    (self.path, hook, space) = (path, { _ in 0 }, { $0 })
    self.failures = failures
    descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor < 0 else { return }
    if errno == ENOENT { return nil }
    throw .system("open", path, number: errno)
  }

  /// The same for a folder in another; one that is not there has nothing in it.
  init(reading name: String, in parent: Folder) throws(StoreError) {
    path = "\(parent.path)/\(name)"
    (hook, space, failures) = (parent.hook, parent.space, parent.failures)
    descriptor = unsafe openat(
      parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 || errno == ENOENT else {
      throw .system("open", path, number: errno)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether it was there when it was opened to be read.
  var isThere: Bool { descriptor >= 0 }

  func path(of name: String) -> String { "\(path)/\(name)" }

  /// Bytes that this user may still write; 0 if that is unknown.
  var availableByteCount: Int { FreeSpace.byteCount(of: descriptor).map(space) ?? 0 }

  /// What is found where a folder or file was opened.
  enum Place {
    case same
    case empty
    case other
  }

  /// Returns whether this folder is still what is at `path`.
  func place(at path: String) -> Place {
    var found = stat()
    let isThere = unsafe fstatat(AT_FDCWD, path, &found, 0) == 0
    return Self.place(of: descriptor, isThere ? found : nil)
  }

  /// Returns whether this folder is still what `parent` has under the name.
  func place(as name: String, in parent: Folder) -> Place { parent.place(of: descriptor, as: name) }

  /// Returns whether the open file or folder is still what this folder has under the name.
  func place(of opened: CInt, as name: String) -> Place {
    var found = stat()
    let isThere = unsafe fstatat(descriptor, name, &found, AT_SYMLINK_NOFOLLOW) == 0
    return Self.place(of: opened, isThere ? found : nil)
  }

  private static func place(of opened: CInt, _ found: stat?) -> Place {
    guard let found else { return .empty }
    var own = stat()
    guard unsafe fstat(opened, &own) == 0 else { return .other }
    return own.st_dev == found.st_dev && own.st_ino == found.st_ino ? .same : .other
  }

  /// The system's reason why this user may not make files here; nil if it may.
  var reasonNotPermitted: String? { FolderAccess.reasonNotPermitted(descriptor) }

  /// The system's reason why no file can be made here although that is permitted; nil if one can.
  var reasonNotMade: String? {
    let number = hook(.probe)
    return number == 0 ? FolderAccess.reasonNotMade(descriptor) : SystemError.text(number)
  }

  /// Makes a call that changes the disk, again if a signal interrupts it.
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
    let error = StoreError.system(
      step.rawValue, path(of: name), number: number, in: self, byteCount: byteCount)
    failures.count(error)
    throw error
  }

  /// Creates an empty file that only this user may read; the caller closes its descriptor.
  func create(_ name: String) throws(StoreError) -> CInt {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    return CInt(
      try perform(.create, name) { unsafe Int(openat(descriptor, name, flags, 0o600)) })
  }

  /// Opens a regular file for reading.
  func open(_ name: String) throws(StoreError) -> RegularFile {
    do throws(FileError) {
      return try RegularFile(name, inFolder: descriptor, path: path(of: name))
    } catch {
      throw StoreError(error)
    }
  }

  /// Time for a process that held a lock to end, or for one started while a lock was held to begin.
  ///
  /// Until then an inherited descriptor keeps the lock.
  private static let lockPatience = Duration.seconds(1)
  private static let lockIntervalMicroseconds: UInt32 = 5000

  /// Opens the file `name`, creating it if it is missing, and takes its lock; returns nil if
  /// another process has it.
  ///
  /// The caller closes the descriptor, which releases the lock.
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

  /// Opens the file of a lock to be looked at; -1 if there is none.
  func openLock(_ name: String) -> CInt {
    unsafe openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
  }

  /// Writes to an existing file from an offset on, where it then ends, and makes that durable; after
  /// a failure it ends at the offset.
  func write(_ bytes: [UInt8], to name: String, at offset: Int) throws(StoreError) {
    let flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
    let file = unsafe openat(descriptor, name, flags)
    guard file >= 0 else { throw .system("open", path(of: name), number: errno) }
    defer { close(file) }
    do {
      try perform(.write, name) { Int(ftruncate(file, offset)) }
      var done = 0
      while done < bytes.count {
        done += try perform(.write, name, byteCount: bytes.count - done) {
          unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: the system reads the buffer from `done` to its end during the call.
            unsafe pwrite(
              file, UnsafeRawBufferPointer(rebasing: buffer[done...]).baseAddress,
              buffer.count - done, offset + done)
          }
        }
      }
      try perform(.sync, name) { Int(fsync(file)) }
    } catch {
      _ = ftruncate(file, offset)
      throw error
    }
  }

  /// Writes over a few bytes of an existing file, which become durable at some time.
  func overwrite(_ bytes: [UInt8], in name: String, at offset: Int) throws(StoreError) {
    let flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
    let file = unsafe openat(descriptor, name, flags)
    guard file >= 0 else { throw .system("open", path(of: name), number: errno) }
    defer { close(file) }
    _ = try perform(.write, name, byteCount: bytes.count) {
      unsafe bytes.withUnsafeBytes { buffer in
        // SAFETY: the system reads the buffer during the call.
        unsafe pwrite(file, buffer.baseAddress, buffer.count, offset)
      }
    }
  }

  /// Returns whether there is an entry of that name.
  func contains(_ name: String) -> Bool {
    var status = stat()
    return unsafe fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// Returns the size and modification time of a regular file, or nil for anything else.
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

  /// Removes a file, or a link itself; a missing one is not a failure.
  func remove(_ name: String) throws(StoreError) {
    try perform(.remove, name) {
      let result = unsafe unlinkat(descriptor, name, 0)
      return result != 0 && errno == ENOENT ? 0 : Int(result)
    }
  }

  /// Makes all earlier creations, renames and removals in the folder durable.
  func sync() throws(StoreError) { try perform(.sync, ".") { Int(fsync(descriptor)) } }

  /// Returns the names of all entries, sorted, at most `StoreLimits.entryLimit`.
  func names() throws(StoreError) -> [String] {
    guard isThere else { return [] }
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

/// Kind of a system call that changes the disk.
package enum DiskStep: String, Sendable, CaseIterable {
  case makeFolder = "make"
  case create
  case write
  case sync
  case rename
  case remove
  /// A look at whether anything can be changed.
  case probe
}

/// Called before every such call; 0 allows it, any other number is the `errno` with which it fails.
///
/// Tests stop the process or fail the disk here; the program allows everything.
package typealias DiskHook = @Sendable (DiskStep) -> CInt

/// Receives the number of free bytes whenever it is needed, and returns the number to use instead.
package typealias SpaceHook = @Sendable (_ freeByteCount: Int) -> Int
