import COneDNN

/// CPU as oneDNN's engine; any thread may use it.
@safe
package final class Device: Sendable {
  // SAFETY: the object is immutable and freed once, when nothing refers to it.
  nonisolated(unsafe) let pointer: OpaquePointer

  /// Makes an engine; throws if `RESNETD_MAX_CPU_ISA` names no instructions.
  package init() throws(EngineError) {
    if let fault = InstructionLevel.fault { throw .unsupported(fault) }
    unsafe pointer = try unsafe OneDNN.make { unsafe onednn_engine_create($0, $1) }
  }

  deinit { unsafe onednn_engine_destroy(pointer) }
}

/// Stream that a thread runs primitives on; belongs to that thread.
@safe
package final class Stream {
  private let device: Device
  let pointer: OpaquePointer

  package init(_ device: Device) throws(EngineError) {
    self.device = device
    unsafe pointer = try unsafe OneDNN.make {
      unsafe onednn_stream_create(device.pointer, $0, $1)
    }
  }

  deinit { unsafe onednn_stream_destroy(pointer) }
}
