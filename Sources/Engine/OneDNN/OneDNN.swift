import COneDNN

/// Library that the engine is built on.
package enum OneDNN {
  /// Version that the library reports at run time, such as `2.6.3`.
  package static var version: String {
    var (major, minor, patch): (CInt, CInt, CInt) = (0, 0, 0)
    unsafe onednn_version(&major, &minor, &patch)
    return "\(major).\(minor).\(patch)"
  }

  /// Gives freed memory that the allocator still keeps back to the system.
  package static func returnFreedMemory() { onednn_freed_memory_return() }

  /// Releases the programs that oneDNN keeps of primitives that no longer exist.
  static func emptyCache() { onednn_cache_empty() }

  /// Threads that `setThreads` has set for the calling thread.
  static var threads: Int { Int(onednn_threads()) }

  /// Makes a team for the primitives that the calling thread runs from now on, each thread on a
  /// core of its own.
  static func beginTeam(_ count: Int) { onednn_team_begin(CInt(count)) }

  /// Ends the threads that primitives of the calling thread have left waiting; OpenMP's runtime
  /// lets them wait actively for milliseconds, on cores that others could use.
  static func endTeam() { onednn_team_end() }

  /// Sets the threads of the primitives that the calling thread makes or runs from now on.
  package static func setThreads(_ count: Int) { onednn_threads_set(CInt(count)) }

  /// Makes one call to COneDNN and throws the error that it reports.
  ///
  /// The cap on instructions takes effect before the first of them, whichever it is: oneDNN takes
  /// no other once it has computed anything.
  static func check(
    _ call: (UnsafeMutablePointer<onednn_message>) -> onednn_status
  ) throws(EngineError) {
    _ = InstructionLevel.used
    var message = onednn_message()
    let status = unsafe call(&message)
    guard status != ONEDNN_OK else { return }
    let reason = unsafe withUnsafeBytes(of: message.characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    switch status {
    case ONEDNN_OUT_OF_MEMORY: throw .outOfMemory(doing: reason)
    case ONEDNN_UNIMPLEMENTED: throw .unimplemented(reason)
    default: throw .library(reason)
    }
  }

  /// Makes an object by one call, checked as by `check`.
  static func make(
    _ call: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<onednn_message>)
      -> onednn_status
  ) throws(EngineError) -> OpaquePointer {
    var object: OpaquePointer?
    try unsafe check { message in unsafe call(&object, message) }
    guard let object = unsafe object else { throw .library("oneDNN returned no object") }
    return unsafe object
  }
}
