package import Files
import Glibc
import Synchronization

/// A file of features while it is written, under a name of its own until it is complete. Any thread
/// may append.
///
///     FOLDER/KIND-NUMBER.tmp         being written, with the system's lock on it; or left by a
///                                    process that was killed, without one
///     FOLDER/KIND-NUMBER.features    complete
package final class StoredFeaturesWriter: Sendable {
  private static let bufferByteCount = 1 << 20
  /// Names that are tried, because a dead process may have left one.
  private static let attemptLimit = 16

  private struct State {
    var buffer: [UInt8]
    var entries: [StoredFeatures.Entry] = []
    var isEnded = false
  }

  private let kind: StoredFeatures.Kind
  private let folder: String
  private let temporaryPath: String
  private let descriptor: CInt
  private let state: Mutex<State>

  /// - Parameter folder: A folder that is there.
  package init(in folder: String, _ kind: StoredFeatures.Kind) throws(FileError) {
    (self.folder, self.kind) = (folder, kind)
    var path = ""
    var descriptor: CInt = -1
    for attempt in 1...Self.attemptLimit {
      let number = StoredFeatures.bytes(Int(UInt32.random(in: 0...UInt32.max)))
      let random = HexDigits.text(Array(number.prefix(4)))
      path = "\(folder)/\(Self.name(kind))-\(random)\(Self.temporaryEnding)"
      descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        if Self.isOurs(descriptor) { break }
        close(descriptor)
        errno = EEXIST
      }
      guard errno == EEXIST, attempt < Self.attemptLimit else { throw FileError("write", path) }
    }
    (temporaryPath, self.descriptor) = (path, descriptor)
    state = Mutex(State(buffer: kind.header))
  }

  deinit {
    state.withLock { if !$0.isEnded { unsafe unlink(temporaryPath) } }
    close(descriptor)
  }

  /// Locks a new file; returns false if another process has taken it for a left one meanwhile.
  private static func isOurs(_ descriptor: CInt) -> Bool {
    // Where there are no locks, nothing is ever taken for a left one.
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
    var status = stat()
    return unsafe fstat(descriptor, &status) == 0 && status.st_nlink > 0
  }

  /// Removes what is at a path with the ending `.tmp` if the process that wrote it has ended, and
  /// returns whether it did.
  package static func removeLeft(_ path: String) -> Bool {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { return false }
    // It may have been completed in between, and is then under another name.
    return unsafe unlink(path) == 0
  }

  /// First part of the names of all files of a kind.
  package static func name(_ kind: StoredFeatures.Kind) -> String {
    HexDigits.text(Array(kind.key.prefix(8)))
  }

  /// Ending of a complete file's name, and of one that is not.
  package static let ending = ".features"
  package static let temporaryEnding = ".tmp"

  /// Appends an entry's rows, and returns its number.
  package func append(
    _ entry: StoredFeatures.Entry, rows: [Float]
  ) throws(FileError) -> Int {
    precondition(
      rows.count == kind.rowsPerEntry * kind.columnCount, "an entry must have all of its rows")
    return try state.withLock { state throws(FileError) in
      // SAFETY: numbers are bytes, and the machine is little-endian as the file is.
      unsafe rows.withUnsafeBytes { unsafe state.buffer.append(contentsOf: $0) }
      if state.buffer.count >= Self.bufferByteCount { try flush(&state) }
      state.entries.append(entry)
      return state.entries.count - 1
    }
  }

  private func flush(_ state: inout State) throws(FileError) {
    let buffer = state.buffer
    // SAFETY: the elements are bytes.
    guard unsafe FileOutput.write(buffer.span.bytes, to: descriptor) else {
      throw FileError("write", temporaryPath)
    }
    state.buffer.removeAll(keepingCapacity: true)
  }

  /// Completes the file, and returns it; nil if there is nothing in it, in which case it goes.
  package func finish() throws(StoredFeatures.Fault) -> StoredFeatures? {
    try state.withLock { state throws(StoredFeatures.Fault) in
      precondition(!state.isEnded, "a file is completed once")
      guard !state.entries.isEmpty else { return nil }
      for entry in state.entries {
        state.buffer +=
          entry.digest + StoredFeatures.bytes(Int(bitPattern: UInt(entry.likeness ?? 0)))
        state.buffer.append(entry.likeness == nil ? 0 : 1)
      }
      state.buffer += StoredFeatures.bytes(state.entries.count)
      do throws(FileError) {
        try flush(&state)
        state.buffer += try digest()
        try flush(&state)
        guard fsync(descriptor) == 0 else { throw FileError("write", temporaryPath) }
      } catch { throw .file(error) }
      let file = try StoredFeatures(
        mapping: descriptor, byteCount: Int(lseek(descriptor, 0, SEEK_END)), path, kind)
      guard unsafe rename(temporaryPath, path) == 0 else {
        throw .file(FileError("write", path))
      }
      state.isEnded = true
      return file
    }
  }

  /// Name of the complete file, another one for each writer.
  private var path: String { temporaryPath.dropLast(Self.temporaryEnding.count) + Self.ending }

  /// Returns the digest of what has been written.
  private func digest() throws(FileError) -> [UInt8] {
    let count = Int(lseek(descriptor, 0, SEEK_END))
    guard let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe address != MAP_FAILED
    else { throw FileError("map", temporaryPath) }
    defer { unsafe munmap(address, count) }
    do throws(StoredFeatures.Fault) {
      return try unsafe StoredFeatures.digest(UnsafeRawBufferPointer(start: address, count: count))
    } catch { throw FileError("read", temporaryPath, reason: error.description) }
  }
}
