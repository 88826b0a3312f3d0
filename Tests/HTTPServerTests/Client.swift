import Glibc
import Testing

/// A blocking connection to a server on the loopback; it waits for an answer no longer than
/// `secondLimit`.
final class Client {
  struct Answer: Equatable {
    var status: Int
    /// The status line and fields, as they came.
    var head: String
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var saysClose: Bool { head.contains("Connection: close\r\n") }
  }

  enum Failure: Error, Equatable {
    case system(String, CInt)
    /// Of TLS.
    case secure(String)
    /// The connection ended before a whole answer.
    case ended([UInt8])
  }

  /// Seconds that each read waits, 60.
  private static let secondLimit = 60

  private var descriptor: CInt
  private var stream: TLSStream?
  private var buffer: [UInt8] = []

  init(
    port: Int, over transport: Transport = .plain, receiveBufferByteCount: CInt? = nil
  ) throws(Failure) {
    descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw .system("socket", errno) }
    set(SO_RCVTIMEO, timeval(tv_sec: Self.secondLimit, tv_usec: 0))
    if let receiveBufferByteCount { set(SO_RCVBUF, receiveBufferByteCount) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    // SAFETY: the address outlives the call and has the length that is given.
    let status = unsafe withUnsafeBytes(of: &address) { bytes in
      unsafe connect(
        descriptor, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
        socklen_t(bytes.count))
    }
    guard status == 0 else { throw .system("connect", errno) }
    guard transport == .tls else { return }
    do throws(TLSStream.Failure) { stream = try TLSStream(over: descriptor) } catch {
      throw .secure(error.reason)
    }
  }

  deinit { close() }

  func send(_ text: String) throws(Failure) {
    if let stream {
      do throws(TLSStream.Failure) { return try stream.write(Array(text.utf8)) } catch {
        throw .secure(error.reason)
      }
    }
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw .system("send", errno) }
      rest = rest.dropFirst(count)
    }
  }

  /// Reads the next answer; one to HEAD, and an interim one, has no body.
  func answer(toHead: Bool = false) throws(Failure) -> Answer {
    let end = Array("\r\n\r\n".utf8)
    var headCount: Int?
    while headCount == nil {
      headCount = buffer.indices.first { buffer[$0...].starts(with: end) }.map { $0 + end.count }
      if headCount == nil { try fill() }
    }
    let head = take(headCount ?? 0)
    let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
    let status = lines.first.map { $0.split(separator: " ") }.flatMap { Int($0[1]) } ?? 0
    let length =
      lines.first { $0.hasPrefix("Content-Length: ") }.flatMap { Int($0.dropFirst(16)) } ?? 0
    let bodyCount = toHead ? 0 : length
    while buffer.count < bodyCount { try fill() }
    return Answer(
      status: status, head: String(decoding: head, as: UTF8.self), body: take(bodyCount))
  }

  /// Sends a request and waits for its answer.
  func exchange(_ text: String) throws(Failure) -> Answer {
    try send(text)
    return try answer()
  }

  /// Reads everything until the server ends the connection.
  func rest() throws(Failure) -> String {
    while try receive() {}
    return String(decoding: take(buffer.count), as: UTF8.self)
  }

  /// Whether bytes have arrived, without waiting.
  var hasReceived: Bool {
    var byte: UInt8 = 0
    return unsafe recv(descriptor, &byte, 1, CInt(MSG_PEEK | MSG_DONTWAIT)) > 0
  }

  /// Says that nothing more will be sent; answers can still be read.
  func finishSending() {
    if let stream { return stream.finishWriting() }
    shutdown(descriptor, CInt(SHUT_WR))
  }

  /// Breaks off the connection (RST).
  func reset() {
    set(SO_LINGER, linger(l_onoff: 1, l_linger: 0))
    close()
  }

  func close() {
    guard descriptor >= 0 else { return }
    _ = Glibc.close(descriptor)
    descriptor = -1
  }

  private func fill() throws(Failure) {
    guard try receive() else { throw .ended(buffer) }
  }

  /// Reads some bytes; false at the end.
  private func receive() throws(Failure) -> Bool {
    if let stream { return try receive(from: stream) }
    let (count, code) = unsafe withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 1) {
      memory in
      let count = unsafe recv(descriptor, memory.baseAddress, memory.count, 0)
      if count > 0 { unsafe buffer.append(contentsOf: memory[..<count]) }
      return (count, errno)
    }
    guard count >= 0 else { throw .system("recv", code) }
    return count > 0
  }

  private func receive(from stream: TLSStream) throws(Failure) -> Bool {
    do throws(TLSStream.Failure) {
      let count = try unsafe withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 1) {
        memory throws(TLSStream.Failure) in
        let count = try unsafe stream.read(into: memory)
        unsafe buffer.append(contentsOf: memory[..<count])
        return count
      }
      return count > 0
    } catch {
      throw .secure(error.reason)
    }
  }

  private func take(_ count: Int) -> [UInt8] {
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  private func set<Value: BitwiseCopyable>(_ option: CInt, _ value: Value) {
    // SAFETY: the value outlives the call and has the length that is given.
    _ = unsafe withUnsafeBytes(of: value) {
      unsafe setsockopt(descriptor, SOL_SOCKET, option, $0.baseAddress, socklen_t($0.count))
    }
  }
}
