import CZip
import Glibc

/// Hands a file's memory to libzip and records where it is read, because libzip does not tell where
/// an entry's data lie.
@safe
final class ZipSource {
  let bytes: ModelBytes
  private var position = 0
  /// Offset of the first read since `forgetRead()`.
  private(set) var firstRead: Int?
  private var failure = unsafe zip_error_t()

  init(_ bytes: ModelBytes) { self.bytes = bytes }

  func forgetRead() { firstRead = nil }

  /// Opens an archive that reads from this source, which must outlive it; `zip_discard` ends it.
  func open() throws(CheckpointError) -> OpaquePointer {
    var error = unsafe zip_error_t()
    unsafe zip_error_init(&error)
    defer { unsafe zip_error_fini(&error) }
    // SAFETY: the archive's owner owns this object too, so the pointer outlives all calls.
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let source = unsafe zip_source_function_create(
      { context, data, count, command in
        guard let context = unsafe context else { return -1 }
        let source = unsafe Unmanaged<ZipSource>.fromOpaque(context).takeUnretainedValue()
        return unsafe source.answer(command, data, count)
      }, context, &error)
    guard let source = unsafe source else { throw .outOfMemory(byteCount: 0) }
    guard let archive = unsafe zip_open_from_source(source, ZIP_RDONLY, &error) else {
      unsafe zip_source_free(source)
      let reason = unsafe String(cString: zip_error_strerror(&error))
      throw ZipArchive.fault(reason)
    }
    return unsafe archive
  }

  /// Implements the commands of zip_source_function(3) for a source that can be read and sought.
  private func answer(
    _ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ count: UInt64
  ) -> Int64 {
    switch command {
    case ZIP_SOURCE_OPEN:
      position = 0
      return 0
    case ZIP_SOURCE_READ: return unsafe read(into: data, count)
    case ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE: return 0
    case ZIP_SOURCE_STAT:
      let size = unsafe MemoryLayout<zip_stat_t>.size
      guard let data = unsafe data, count >= UInt64(size) else { return -1 }
      // SAFETY: the caller's structure, whose size was checked.
      let status = unsafe data.assumingMemoryBound(to: zip_stat_t.self)
      unsafe zip_stat_init(status)
      unsafe status.pointee.size = UInt64(bytes.count)
      unsafe status.pointee.valid = UInt64(ZIP_STAT_SIZE)
      return Int64(size)
    case ZIP_SOURCE_SEEK:
      let target = unsafe zip_source_seek_compute_offset(
        UInt64(position), UInt64(bytes.count), data, count, &failure)
      guard 0...Int64(bytes.count) ~= target else { return -1 }
      position = Int(target)
      return 0
    case ZIP_SOURCE_TELL: return Int64(position)
    case ZIP_SOURCE_ERROR: return unsafe zip_error_to_data(&failure, data, count)
    case ZIP_SOURCE_SUPPORTS: return Self.supported
    default:
      unsafe zip_error_set(&failure, ZIP_ER_OPNOTSUPP, 0)
      return -1
    }
  }

  private func read(into data: UnsafeMutableRawPointer?, _ count: UInt64) -> Int64 {
    let taken = Int(min(count, UInt64(bytes.count - position)))
    guard taken > 0, let data = unsafe data else { return 0 }
    if firstRead == nil { firstRead = position }
    bytes.withBytes(in: position..<(position + taken)) { span in
      // SAFETY: the caller's buffer has room for `count` bytes, of which `taken` are written.
      unsafe span.withUnsafeBytes { unsafe _ = memcpy(data, $0.baseAddress!, taken) }
    }
    position += taken
    return Int64(taken)
  }

  /// Supported commands, a bit for each.
  ///
  /// The macro of zip.h that makes them is variadic, so Swift cannot call it.
  private static let supported: Int64 = [
    ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
    ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS,
  ].reduce(0) { $0 | 1 << Int64($1.rawValue) }
}
