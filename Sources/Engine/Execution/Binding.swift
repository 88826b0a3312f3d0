package import COneDNN

/// Primitive with the addresses that it works on; belongs to the thread that runs it.
@safe
package final class Binding {
  private let primitive: Primitive
  private let pointer: OpaquePointer

  /// Binds a primitive; the memory at `addresses` must outlive the binding.
  package init(
    _ device: Device, _ primitive: Primitive,
    addresses: [(role: onednn_role, address: UnsafeMutableRawPointer)]
  ) throws(EngineError) {
    self.primitive = primitive
    var table = unsafe [UnsafeMutableRawPointer?](
      repeating: nil, count: Int(ONEDNN_ROLE_COUNT.rawValue))
    for unsafe(role, address) in unsafe addresses {
      unsafe table[Int(role.rawValue)] = address
    }
    unsafe pointer = try unsafe OneDNN.make {
      unsafe onednn_binding_create(device.pointer, primitive.pointer, table, $0, $1)
    }
  }

  deinit { unsafe onednn_binding_destroy(pointer) }

  package func run(on stream: Stream) throws(EngineError) {
    try unsafe OneDNN.check { unsafe onednn_binding_run(pointer, stream.pointer, $0) }
  }
}
