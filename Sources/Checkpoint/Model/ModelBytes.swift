import Files
import Glibc

/// The bytes of a model file: mapped, copied, or part of the program.
///
/// Reading a mapped file that somebody truncates ends the process (SIGBUS), which no check can
/// prevent. So replace model files by renaming; never write them in place.
@safe
final class ModelBytes: Sendable {
  private enum Owner { case mapping, allocation, program }

  // SAFETY: nobody writes the memory after `init`, and only `deinit` frees it.
  nonisolated(unsafe) private let base: UnsafeRawPointer
  let count: Int
  private let owner: Owner

  /// Maps a regular file; rejects pipes and devices, whose bytes cannot be mapped or measured.
  init(mapping path: String) throws(CheckpointError) {
    let file: RegularFile
    do throws(FileError) { file = try RegularFile(path) } catch { throw CheckpointError(error) }
    count = file.byteCount
    guard count > 0 else {
      throw .file(path: path, doing: "read", reason: "the file is empty; fetch or copy it again")
    }
    let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw CheckpointError(FileError("map", path))
    }
    // The digest and the checks read all of it, from the first byte to the last.
    unsafe madvise(address, count, MADV_WILLNEED)
    unsafe base = UnsafeRawPointer(address)
    owner = .mapping
  }

  /// Maps several files one after the other, and returns where each begins, at a page's start.
  static func joined(
    _ paths: [String]
  ) throws(CheckpointError) -> (bytes: ModelBytes, starts: [Int]) {
    let page = Int(getpagesize())
    var files: [(path: String, byteCount: Int)] = []
    var starts: [Int] = []
    var total = 0
    for path in paths {
      let byteCount: Int
      do throws(FileError) { byteCount = try RegularFile(path).byteCount } catch {
        throw CheckpointError(error)
      }
      let (sum, overflows) = total.addingReportingOverflow(byteCount)
      guard !overflows, sum <= joinedByteCountLimit else {
        throw .overLimit(
          what: "bytes of a model's files", value: overflows ? .max : sum,
          limit: joinedByteCountLimit)
      }
      files.append((path, byteCount))
      starts.append(total)
      total = (sum + page - 1) / page * page
    }
    let reserved = unsafe mmap(
      nil, max(total, page), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let base = unsafe reserved, unsafe base != MAP_FAILED else {
      throw .outOfMemory(byteCount: total)
    }
    // Unmaps everything if a file cannot be mapped.
    let bytes = unsafe ModelBytes(mapped: base, count: max(total, page))
    for (file, start) in zip(files, starts) where file.byteCount > 0 {
      try unsafe map(file.path, file.byteCount, at: base + start)
    }
    return (bytes, starts)
  }

  /// Bytes of all files of one model.
  private static let joinedByteCountLimit = 64 << 30

  private init(mapped base: UnsafeMutableRawPointer, count: Int) {
    unsafe self.base = UnsafeRawPointer(base)
    self.count = count
    owner = .mapping
  }

  private static func map(
    _ path: String, _ byteCount: Int, at address: UnsafeMutableRawPointer
  ) throws(CheckpointError) {
    let file: RegularFile
    do throws(FileError) { file = try RegularFile(path) } catch { throw CheckpointError(error) }
    // Shorter by now, its last pages would end the process when they are read.
    guard file.byteCount >= byteCount else {
      throw .file(path: path, doing: "map", reason: "it has become shorter")
    }
    // SAFETY: the range was reserved for this file and nothing has been read from it yet.
    let mapped = unsafe mmap(
      address, byteCount, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.descriptor, 0)
    guard unsafe mapped != MAP_FAILED else { throw CheckpointError(FileError("map", path)) }
  }

  init(copying bytes: [UInt8]) throws(CheckpointError) {
    // At least one byte, so that nil always means that memory is missing.
    guard let memory = unsafe malloc(max(bytes.count, 1)) else {
      throw .outOfMemory(byteCount: bytes.count)
    }
    unsafe bytes.withUnsafeBytes { source in
      if let address = source.baseAddress { unsafe memcpy(memory, address, source.count) }
    }
    unsafe base = UnsafeRawPointer(memory)
    count = bytes.count
    owner = .allocation
  }

  /// Refers to constant data of the program in place; it must be aligned for `Float`.
  @unsafe
  init(program base: UnsafeRawPointer, count: Int) {
    unsafe self.base = base
    self.count = count
    owner = .program
  }

  deinit {
    switch owner {
    case .mapping: unsafe munmap(UnsafeMutableRawPointer(mutating: base), count)
    case .allocation: unsafe free(UnsafeMutableRawPointer(mutating: base))
    case .program: break
    }
  }

  /// Lends some of the bytes; `range` must lie inside the file.
  func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes outside the file")
    defer { withExtendedLifetime(self) {} }
    // SAFETY: the range is inside the memory, which lives as long as `self`.
    let buffer = unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    return try unsafe body(buffer.bytes)
  }

  /// Returns a byte; `offset` must lie inside the file.
  func byte(at offset: Int) -> UInt8 { integer(at: offset, as: UInt8.self) }

  /// Returns a little-endian number at any alignment; its bytes must lie inside the file.
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Value.Type
  ) -> Value {
    let size = MemoryLayout<Value>.size
    precondition(offset >= 0 && size <= count && offset <= count - size, "bytes outside the file")
    defer { withExtendedLifetime(self) {} }
    // SAFETY: inside the memory as checked above; any bits are an integer.
    return Value(littleEndian: unsafe (base + offset).loadUnaligned(as: type))
  }

  /// Returns the string, or nil if the bytes are not UTF-8.
  func text(in range: Range<Int>) -> String? {
    withBytes(in: range) { span in
      unsafe span.withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }
  }

  /// Lends little-endian fp32 numbers in place; `offset` must be a multiple of four.
  func withFloats<Result, Failure: Error>(
    at offset: Int, count: Int, _ body: (Span<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(offset >= 0 && offset <= self.count && count <= (self.count - offset) / 4)
    defer { withExtendedLifetime(self) {} }
    // SAFETY: inside the memory as checked above; bound to Float for the call; any bits are a
    // Float.
    let address = unsafe base + offset
    precondition(UInt(bitPattern: address).isMultiple(of: 4), "misaligned numbers")
    return try unsafe body(
      UnsafeBufferPointer(start: address.assumingMemoryBound(to: Float.self), count: count).span)
  }
}
