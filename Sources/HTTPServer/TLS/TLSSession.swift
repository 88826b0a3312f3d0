import CTLS

/// The server's side of one encrypted connection; one thread uses it at a time.
@safe
final class TLSSession: @unchecked Sendable {
  enum HandshakeProgress {
    case done
    case waits(for: Poller.Readiness)
    /// The client has gone.
    case ended
    case failed(reason: String)
    /// The client shows no certificate, or one that is not accepted.
    case rejected(reason: String)
  }

  let descriptor: CInt
  private let pointer: OpaquePointer
  /// What comes after the bytes that have been read, where that is known already.
  private var next: Socket.Transfer?

  /// Takes ownership of the session, not of the socket.
  init(_ pointer: OpaquePointer, _ descriptor: CInt) {
    unsafe self.pointer = pointer
    self.descriptor = descriptor
  }

  deinit { unsafe tls_session_destroy(pointer) }

  func handshake() -> HandshakeProgress {
    var message = tls_message()
    return switch unsafe tls_session_handshake(pointer, &message) {
    case TLS_DONE: .done
    case TLS_WANTS_READING: .waits(for: .readable)
    case TLS_WANTS_WRITING: .waits(for: .writable)
    case TLS_ENDED: .ended
    case TLS_REJECTED: .rejected(reason: Self.text(of: message))
    default: .failed(reason: Self.text(of: message))
    }
  }

  /// Whether the end of the connection is known, of which the socket's readiness may not tell again.
  var hasEnded: Bool { next != nil }

  /// Reads as many whole records as there are and the buffer has room for, so that what stays
  /// behind is in the socket, whose readiness tells of it.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer {
    if let next {
      self.next = nil
      return next
    }
    var count = 0
    unsafe tls_session_take_turn(pointer)
    while buffer.count - count >= Int(TLS_RECORD_BYTE_COUNT) {
      var part = 0
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
      guard let start = rest.baseAddress else { break }
      let progress = unsafe tls_session_read(pointer, start, rest.count, &part)
      guard progress != TLS_DONE else {
        count += part
        continue
      }
      let transfer = Self.transfer(progress)
      if case .wouldBlock = transfer { break }
      guard count > 0 else { return transfer }
      if case .waitsForWriting = transfer { break }
      next = transfer
      break
    }
    return count > 0 ? .bytes(count) : .wouldBlock
  }

  func write(_ bytes: ArraySlice<UInt8>) -> Socket.Transfer {
    unsafe bytes.withUnsafeBytes { buffer in
      guard let start = buffer.baseAddress else { return .bytes(0) }
      var count = 0
      switch unsafe tls_session_write(pointer, start, buffer.count, &count) {
      case TLS_DONE: return .bytes(count)
      case TLS_WANTS_WRITING: return .wouldBlock
      // Without renegotiation nothing has to be read before something can be written.
      default: return .failed
      }
    }
  }

  /// Tells the client that nothing more will come.
  func end() { unsafe tls_session_end(pointer) }

  static func text(of message: tls_message) -> String {
    unsafe withUnsafeBytes(of: message.characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  private static func transfer(_ progress: tls_progress) -> Socket.Transfer {
    switch progress {
    case TLS_WANTS_READING: .wouldBlock
    case TLS_WANTS_WRITING: .waitsForWriting
    case TLS_ENDED: .end
    default: .failed
    }
  }
}
