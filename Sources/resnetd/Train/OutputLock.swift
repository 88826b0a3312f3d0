import Files
import Glibc

/// The right to write a model file, which one training has at a time.
///
///     OUT.train.lock    the number of the process that has it; removed at its end
///
/// It is a lock of the system's on that file, and ends with the process, however that ends: a file
/// that was left behind stops nobody.
struct OutputLock {
  private static let ending = ".train.lock"
  /// Files that are removed by others while they are opened, before it is given up.
  private static let attemptLimit = 16
  /// Links that are followed one after the other, as many as the system follows.
  private static let linkLimit = 40
  /// Bytes of a process' number and a line's end.
  private static let byteCountLimit = 21

  private let path: String
  /// Nil where the file system has no locks.
  private let descriptor: CInt?

  /// Takes the lock; throws at once if another process has it, with its number.
  init(_ model: String) throws(Failure) {
    path = Self.path(for: model)
    for _ in 0..<Self.attemptLimit {
      let descriptor = unsafe open(
        path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
      guard descriptor >= 0 else {
        throw Failure(
          "cannot open \(path), by which runs keep out of each other's way: \(SystemError.text()); rename or "
            + "remove it if it is there, or give another --output")
      }
      guard let isLocked = Self.isLocked(descriptor) else {
        TrainingProgress.tell(
          "\(model): this file system has no locks, so that two runs that write it do not notice")
        close(descriptor)
        self.descriptor = nil
        return
      }
      let text = FileInput.readAll(descriptor, limit: Self.byteCountLimit)
      let holder = text.map { String(decoding: $0, as: UTF8.self) } ?? ""
      let number = Int(holder.filter { !$0.isWhitespace })
      guard isLocked else {
        close(descriptor)
        throw Failure(
          "\(model): another training is to be written to it, by \(number.map { "process \($0)" } ?? "a process"); "
            + "wait until it has ended, or give another --output")
      }
      guard Self.isStillThere(descriptor, path) else {
        close(descriptor)
        continue
      }
      guard holder.isEmpty || number != nil else {
        close(descriptor)
        throw Failure(
          "\(path) is a file of something else, and trainings keep out of each other's way by one of "
            + "this name; rename it, or give another --output")
      }
      let own = Array("\(getpid())\n".utf8)
      ftruncate(descriptor, 0)
      lseek(descriptor, 0, SEEK_SET)
      // The number is for messages: on a full disk the lock is as good without it.
      _ = unsafe FileOutput.write(own.span.bytes, to: descriptor)
      self.descriptor = descriptor
      return
    }
    throw Failure("\(path) vanishes again and again; give another --output")
  }

  /// Removes the file first: whoever opened it before does not find it any more, and opens anew.
  func release() {
    guard let descriptor else { return }
    unsafe unlink(path)
    close(descriptor)
  }

  /// Returns whether the lock could be taken; nil where there are none.
  private static func isLocked(_ descriptor: CInt) -> Bool? {
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: return false
      default: return nil
      }
    }
    return true
  }

  private static func isStillThere(_ descriptor: CInt, _ path: String) -> Bool {
    var (own, other) = (stat(), stat())
    return unsafe fstat(descriptor, &own) == 0 && stat(path, &other) == 0
      && own.st_ino == other.st_ino && own.st_dev == other.st_dev
  }

  /// Returns the path of the lock of the file that is written, without links: two names of one file
  /// have one lock.
  static func path(for model: String) -> String { resolvedPlace(of: model) + ending }

  /// Returns a file's path without links, also if it is not there yet.
  static func resolvedPlace(of file: String) -> String {
    var file = file
    for _ in 0..<linkLimit {
      if let whole = resolved(file) { return whole }
      // A link that leads to no file yet.
      guard let target = link(at: file) else { break }
      file = target.hasPrefix("/") ? target : parts(of: file).folder + "/" + target
    }
    let (folder, name) = parts(of: file)
    return (resolved(folder) ?? folder) + "/" + name
  }

  private static func parts(of file: String) -> (folder: String, name: String) {
    guard let slash = file.lastIndex(of: "/") else { return (".", file) }
    return (String(file[...slash]), String(file[file.index(after: slash)...]))
  }

  /// Returns where a symbolic link leads; nil for anything else.
  private static func link(at path: String) -> String? {
    let limit = Int(PATH_MAX)
    var target = [CChar](repeating: 0, count: limit)
    let count = unsafe readlink(path, &target, limit)
    guard count > 0 else { return nil }
    return String(validating: target.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func resolved(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }
}
