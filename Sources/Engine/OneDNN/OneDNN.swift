import COneDNN

/// The library beneath the engine.
package enum OneDNN {
  /// As the library reports it at run time, `2.6.3`.
  package static var version: String {
    var (major, minor, patch): (CInt, CInt, CInt) = (0, 0, 0)
    unsafe onednn_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  /// Gives what was freed back to the system, which the allocator would keep for itself.
  package static func returnFreedMemory() { onednn_freed_memory_return() }

  /// Lets go of the programs that oneDNN keeps of primitives that are gone.
  static func emptyCache() { onednn_cache_empty() }

  /// As `setThreads` left it for the calling thread.
  static var threads: Int { Int(onednn_threads()) }

  /// Makes a team for what the calling thread runs from now on, each thread on a core of its own.
  static func beginTeam(_ count: Int) { onednn_team_begin(CInt(count)) }

  /// Ends the threads that primitives run by the calling thread have left waiting; OpenMP's runtime lets them wait
  /// actively for milliseconds, on cores that others could use.
  static func endTeam() { onednn_team_end() }

  /// How many threads primitives made or run by the calling thread use from now on.
  static func setThreads(_ count: Int) { onednn_threads_set(CInt(count)) }

  /// Makes one call into the C room and throws what it reports.
  static func check(
    _ call: (UnsafeMutablePointer<onednn_message>) -> onednn_status
  ) throws(EngineError) {
    var message = onednn_message()
    let status = unsafe call(&message)
    guard status != ONEDNN_OK else { return }
    let text = unsafe withUnsafeBytes(of: message.text) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    switch status {
    case ONEDNN_OUT_OF_MEMORY: throw .outOfMemory(doing: text)
    case ONEDNN_UNIMPLEMENTED: throw .unimplemented(text)
    default: throw .library(text)
    }
  }

  /// As `check`, for a call that makes an object.
  static func make(
    _ call: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<onednn_message>)
      -> onednn_status
  ) throws(EngineError) -> OpaquePointer {
    var object: OpaquePointer?
    try unsafe check { message in unsafe call(&object, message) }
    guard let object = unsafe object else { throw .library("oneDNN made nothing") }
    return unsafe object
  }
}
