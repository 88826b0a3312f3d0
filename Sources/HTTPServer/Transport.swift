import Glibc

/// Bytes to and from a client, as they are or encrypted, over a socket that it owns.
enum Transport {
  case plain(CInt)
  case encrypted(TLSSession)

  var descriptor: CInt {
    switch self {
    case .plain(let descriptor): descriptor
    case .encrypted(let session): session.descriptor
    }
  }

  /// Reads what is there, as far as the buffer has room for it. The socket's readiness tells of
  /// what stays behind.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer {
    switch self {
    case .plain(let descriptor): unsafe Socket.read(descriptor, into: buffer)
    case .encrypted(let session): unsafe session.read(into: buffer)
    }
  }

  /// Whether the next read tells of the end, for which the socket may never be ready.
  var hasEnded: Bool {
    if case .encrypted(let session) = self { session.hasEnded } else { false }
  }

  /// Writes some of the bytes; later ones must begin with what has not been written.
  func write(_ bytes: ArraySlice<UInt8>) -> Socket.Transfer {
    switch self {
    case .plain(let descriptor): Socket.write(descriptor, bytes)
    case .encrypted(let session): session.write(bytes)
    }
  }

  /// Tells the client that nothing more will come.
  func finishWriting() {
    if case .encrypted(let session) = self { session.end() }
    shutdown(descriptor, CInt(SHUT_WR))
  }

  /// Closes the socket; nothing may be called after that.
  func close() {
    if case .encrypted(let session) = self { session.end() }
    Glibc.close(descriptor)
  }
}
