import Files
import Glibc

/// The bytes of a model file, wherever they are: mapped, copied, or part of the program.
///
/// Reading a mapped file that somebody truncates meanwhile ends the process (SIGBUS), which no check can
/// prevent: model files are replaced by renaming, never written in place.
@safe
final class ModelBytes: Sendable {
  private enum Owner { case mapping, allocation, program }

  // SAFETY: nobody writes the memory after `init`, and `deinit` is the only one to free it.
  nonisolated(unsafe) private let base: UnsafeRawPointer
  let count: Int
  private let owner: Owner

  /// Maps a regular file; pipes and devices are refused, for their bytes cannot be mapped or measured.
  init(mapping path: String) throws(CheckpointError) {
    let file: RegularFile
    do throws(FileError) { file = try RegularFile(path) } catch { throw CheckpointError(error) }
    count = file.byteCount
    guard count > 0 else { throw .file(path: path, doing: "read", reason: "the file is empty") }
    let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw CheckpointError(FileError("map", path))
    }
    // Digest and checks read all of it, from the first byte to the last.
    unsafe madvise(address, count, MADV_WILLNEED)
    unsafe base = UnsafeRawPointer(address)
    owner = .mapping
  }

  init(copying bytes: [UInt8]) throws(CheckpointError) {
    // At least one byte, so that no allocation is nil without a reason.
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

  /// Constant data of the program, read where it is; aligned for `Float`.
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

  /// Lends some of the bytes; `range` outside the file is a programmer's error.
  func withBytes<Result, Failure: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes outside the file")
    defer { withExtendedLifetime(self) {} }
    // SAFETY: the range is inside the memory, which lives as long as `self`.
    let buffer = unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    return try unsafe body(buffer.bytes)
  }

  /// `offset` outside the file is a programmer's error.
  func byte(at offset: Int) -> UInt8 { integer(at: offset, as: UInt8.self) }

  /// A little-endian number at any alignment; bytes outside the file are a programmer's error.
  func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Value.Type
  ) -> Value {
    let size = MemoryLayout<Value>.size
    precondition(offset >= 0 && size <= count && offset <= count - size, "bytes outside the file")
    defer { withExtendedLifetime(self) {} }
    // SAFETY: inside the memory as checked above; any bits are an integer.
    return Value(littleEndian: unsafe (base + offset).loadUnaligned(as: type))
  }

  /// Nil where the bytes are not UTF-8.
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
    // SAFETY: inside the memory as checked above; bound to Float for the call, any bits are a Float.
    let address = unsafe base + offset
    precondition(UInt(bitPattern: address).isMultiple(of: 4), "misaligned numbers")
    return try unsafe body(
      UnsafeBufferPointer(start: address.assumingMemoryBound(to: Float.self), count: count).span)
  }
}
