import CSSL

/// The client's side of TLS over a connected socket that blocks. It takes any certificate: what a
/// server shows is tested elsewhere.
@safe
final class TLSStream {
  struct Failure: Error { var reason: String }

  private let context: OpaquePointer
  private let session: OpaquePointer

  /// Shakes hands.
  init(over descriptor: CInt) throws(Failure) {
    guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { throw Self.failure() }
    guard let session = unsafe SSL_new(context) else {
      unsafe SSL_CTX_free(context)
      throw Self.failure()
    }
    unsafe (self.context, self.session) = (context, session)
    guard unsafe SSL_set_fd(session, descriptor) == 1, unsafe SSL_connect(session) == 1 else {
      throw Self.failure()
    }
  }

  deinit {
    unsafe SSL_free(session)
    unsafe SSL_CTX_free(context)
  }

  /// Sends all of the bytes.
  func write(_ bytes: [UInt8]) throws(Failure) {
    guard !bytes.isEmpty else { return }
    let count = unsafe bytes.withUnsafeBytes {
      unsafe SSL_write(session, $0.baseAddress, CInt($0.count))
    }
    guard count == bytes.count else { throw Self.failure() }
  }

  /// Reads into memory; returns 0 when the server has said that nothing more comes.
  func read(into memory: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = unsafe SSL_read(session, memory.baseAddress, CInt(memory.count))
    if count <= 0 {
      guard unsafe SSL_get_error(session, count) == SSL_ERROR_ZERO_RETURN else {
        throw Self.failure()
      }
    }
    return max(0, Int(count))
  }

  /// Says that nothing more will be sent.
  func finishWriting() { _ = unsafe SSL_shutdown(session) }

  private static func failure() -> Failure {
    let reason = unsafe ERR_reason_error_string(ERR_get_error())
    ERR_clear_error()
    return Failure(reason: unsafe reason.map { unsafe String(cString: $0) } ?? "system")
  }
}
