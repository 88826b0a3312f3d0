import CCurl
import Files

/// A client of one bucket that keeps its connections, for one thread at a time.
///
/// Calls wait for the network and repeat what fails for the moment, within the limits.
@safe
package final class BucketConnection {
  /// An object's bytes, or the beginning of more than were wanted.
  package struct Content: Sendable, Hashable {
    package let bytes: [UInt8]
    package let isWhole: Bool
  }

  struct Request {
    let address: String
    var method = "GET"
    var body: [UInt8]?
    var contentType: String?
    /// Whether an object that is there already is to stay.
    var creates = false
    /// Bytes of a successful answer.
    let byteLimit: Int
  }

  /// State of an exchange, which libcurl hands to its functions.
  private final class Exchange {
    let byteLimit: Int
    let isWanted: () -> Bool
    private(set) var bytes: [UInt8] = []
    private(set) var isCut = false

    init(_ byteLimit: Int, _ isWanted: @escaping () -> Bool) {
      (self.byteLimit, self.isWanted) = (byteLimit, isWanted)
    }

    /// Takes the next bytes; false when there are enough.
    func take(_ part: UnsafeRawBufferPointer, status: Int) -> Bool {
      // The document of a refusal says enough in its first bytes.
      let limit = 200..<300 ~= status ? byteLimit : RemoteLimits.refusalByteLimit
      // Growing would take up to twice the memory.
      if bytes.isEmpty { bytes.reserveCapacity(limit) }
      let room = limit - bytes.count
      unsafe bytes.append(contentsOf: part.prefix(room))
      isCut = part.count > room
      return !isCut
    }
  }

  let folder: ObjectFolder
  let limits: RemoteLimits
  let isWanted: @Sendable () -> Bool
  // SAFETY: owned, and closed once.
  private let connection: OpaquePointer

  /// - Parameter isWanted: Asked several times a second; false ends a call with `.cancelled`.
  package init(
    _ folder: ObjectFolder, limits: RemoteLimits = RemoteLimits(),
    while isWanted: @escaping @Sendable () -> Bool = { true }
  ) {
    guard let connection = unsafe remote_connection_open() else {
      preconditionFailure("libcurl must be able to start")
    }
    unsafe self.connection = connection
    (self.folder, self.limits, self.isWanted) = (folder, limits, isWanted)
  }

  deinit { unsafe remote_connection_close(connection) }

  /// Asks once, and returns what comes with a status of 200; `action` and `place` are for errors.
  func ask(
    _ request: Request, _ action: ObjectError.Action, _ place: String
  ) throws(ObjectError) -> Content {
    let digest: [UInt8]
    do throws(DigestError) { digest = try SHA256.digest(of: request.body ?? []) } catch {
      throw .unanswered(action, place, reason: error.description)
    }
    let exchange = Exchange(request.byteLimit, isWanted)
    var answer = remote_object_answer()
    let result = unsafe withObject(request, digest) { object in
      // SAFETY: object, exchange and answer outlive the call, which keeps none of them.
      withExtendedLifetime(exchange) {
        unsafe withUnsafePointer(to: object) { object in
          unsafe remote_connection_ask(
            connection, object, Self.sink, Self.stop,
            Unmanaged.passUnretained(exchange).toOpaque(), &answer)
        }
      }
    }
    let status = Int(answer.status)
    guard result == 0 || exchange.isCut else {
      guard isWanted() else { throw .cancelled }
      let reason = WebFetch.text(of: answer.message)
      if answer.is_untrusted { throw .untrusted(action, place, reason: reason) }
      throw .unanswered(action, place, reason: reason)
    }
    let content = Content(bytes: exchange.bytes, isWhole: !exchange.isCut)
    guard status == 200 else {
      throw .refused(
        action, place,
        ObjectError.Refusal(
          status: status, body: content.bytes, region: WebFetch.text(of: answer.region),
          of: folder.bucket))
    }
    return content
  }

  private static let sink: remote_object_sink = { context, status, bytes, count in
    // SAFETY: the context is what `ask` gave, the bytes are libcurl's during the call.
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    return unsafe exchange.take(
      UnsafeRawBufferPointer(start: bytes, count: count), status: Int(status))
  }

  private static let stop: remote_stop = { context in
    // SAFETY: the context is what `ask` gave.
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    return !exchange.isWanted()
  }

  private func withObject<Result>(
    _ request: Request, _ digest: [UInt8], _ body: (remote_object) -> Result
  ) -> Result {
    let credentials = folder.bucket.credentials
    let texts = [
      request.method, request.address, HexDigits.text(digest),
      credentials == nil ? nil : "aws:amz:\(folder.bucket.region):s3", credentials?.key,
      credentials?.secret, credentials?.sessionToken,
      request.body == nil ? nil : Base64Text.text(digest), request.contentType,
    ]
    let bytes = request.body ?? []
    // SAFETY: every pointer is used inside the closure that it is valid in.
    return unsafe Self.withTexts(texts) { texts in
      unsafe bytes.withUnsafeBytes { buffer in
        unsafe body(
          remote_object(
            method: texts[0]!, url: texts[1]!, signature: texts[3], key: texts[4],
            secret: texts[5], session_token: texts[6], digest: texts[2], checksum: texts[7],
            content_type: texts[8], fields: nil, field_count: 0, creates: request.creates,
            body: request.body == nil ? nil : buffer.baseAddress, body_byte_count: buffer.count,
            connect_timeout_ms: WebFetch.milliseconds(limits.connectTimeout),
            timeout_ms: WebFetch.milliseconds(limits.objectTimeout),
            stall_timeout_s: max(1, WebFetch.milliseconds(limits.stallTimeout) / 1000)))
      }
    }
  }

  /// Lends strings to C, side by side in one block of memory.
  private static func withTexts<Result>(
    _ texts: [String?], _ body: ([UnsafePointer<CChar>?]) -> Result
  ) -> Result {
    var block: [CChar] = []
    var starts: [Int?] = []
    for text in texts {
      starts.append(text == nil ? nil : block.count)
      if let text { block += text.utf8CString }
    }
    return unsafe block.withUnsafeBufferPointer { block in
      unsafe body(starts.map { start in unsafe start.map { unsafe block.baseAddress! + $0 } })
    }
  }
}
