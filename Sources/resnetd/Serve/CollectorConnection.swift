import CCurl
import JSON
import Telemetry

/// A collector of spans over libcurl, whose connection stays from one batch to the next; for one
/// thread.
@safe
final class CollectorConnection: SpanTransport {
  private static let connectTimeoutMilliseconds = 5000
  /// Milliseconds for a whole exchange: the default of OpenTelemetry's exporters.
  private static let timeoutMilliseconds = 10_000
  /// Bytes of an answer that are read, 64 KiB.
  private static let answerByteLimit = 1 << 16
  /// Bytes of a collector's own words in the log.
  private static let messageByteLimit = 200

  /// State of an exchange, which libcurl hands to its functions.
  private final class Exchange {
    let isWanted: () -> Bool
    private(set) var bytes: [UInt8] = []

    init(_ isWanted: @escaping () -> Bool) { self.isWanted = isWanted }

    /// Takes the next bytes of the answer; those beyond the limit are ignored.
    func take(_ part: UnsafeRawBufferPointer) {
      let room = CollectorConnection.answerByteLimit - bytes.count
      unsafe bytes.append(contentsOf: part.prefix(room))
    }
  }

  private let url: String
  /// Address without what may be secret.
  private let place: String
  private let fields: [String]
  private let isWanted: () -> Bool
  // SAFETY: owned, and closed once.
  private let connection: OpaquePointer

  /// - Parameter isWanted: Asked several times a second; false ends an exchange.
  init(_ options: TracingOptions, while isWanted: @escaping () -> Bool) {
    guard let connection = unsafe remote_connection_open() else {
      preconditionFailure("libcurl must be able to start")
    }
    unsafe self.connection = connection
    (url, place, self.isWanted) = (options.url, options.place, isWanted)
    fields = options.headers.map { "\($0.name): \($0.value)" }
  }

  deinit { unsafe remote_connection_close(connection) }

  func send(_ body: [UInt8]) -> SpanDelivery {
    let exchange = Exchange(isWanted)
    var answer = remote_object_answer()
    let result = ask(body, exchange, &answer)
    let status = Int(answer.status)
    guard result == 0 else {
      let reason = isWanted() ? Self.text(of: answer.message) : "the server ends"
      return .postponed(reason: "\(place): \(reason)")
    }
    guard 200..<300 ~= status else {
      let seconds = answer.retry_after_s
      return SpanDelivery(
        status: status, retryAfter: seconds > 0 ? .seconds(seconds) : nil)
    }
    return Self.success(exchange.bytes)
  }

  /// Reads an `ExportTraceServiceResponse`, which says so where spans were refused.
  private static func success(_ body: [UInt8]) -> SpanDelivery {
    // SAFETY: an array owns the bytes, which the call only reads.
    guard let tree = try? unsafe JSONTree(body.span.bytes) else { return .taken }
    guard let part = tree.root["partialSuccess"],
      // A number or, as an integer of 64 bits, a string.
      let count = part["rejectedSpans"].flatMap({ $0.integer ?? $0.string.flatMap { Int($0) } }),
      count > 0
    else { return .taken }
    let message = part["errorMessage"]?.string ?? "no reason was given"
    return .partlyTaken(
      refusedCount: count,
      reason: String(decoding: message.utf8.prefix(messageByteLimit), as: UTF8.self))
  }

  private func ask(
    _ body: [UInt8], _ exchange: Exchange, _ answer: inout remote_object_answer
  ) -> CInt {
    let strings = CStrings()
    let lines = unsafe fields.map { unsafe strings.pointer($0) }
    // SAFETY: the call keeps nothing of what it is given, which outlives it.
    return withExtendedLifetime((strings, exchange)) {
      unsafe body.withUnsafeBytes { buffer in
        unsafe lines.withUnsafeBufferPointer { lines in
          var object = unsafe remote_object(
            method: strings.pointer("POST"), url: strings.pointer(url), signature: nil, key: nil,
            secret: nil, session_token: nil, digest: nil, checksum: nil,
            content_type: strings.pointer(SpanDocument.contentType), fields: lines.baseAddress,
            field_count: lines.count, creates: false, body: buffer.baseAddress,
            body_byte_count: buffer.count, connect_timeout_ms: Self.connectTimeoutMilliseconds,
            timeout_ms: Self.timeoutMilliseconds,
            stall_timeout_s: Self.timeoutMilliseconds / 1000)
          return unsafe remote_connection_ask(
            connection, &object, Self.sink, Self.stop,
            Unmanaged.passUnretained(exchange).toOpaque(), &answer)
        }
      }
    }
  }

  private static let sink: remote_object_sink = { context, _, bytes, count in
    // SAFETY: the context is what `ask` gave, the bytes are libcurl's during the call.
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    unsafe exchange.take(UnsafeRawBufferPointer(start: bytes, count: count))
    return true
  }

  private static let stop: remote_stop = { context in
    // SAFETY: the context is what `ask` gave.
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    return !exchange.isWanted()
  }

  private static func text(of characters: some Any) -> String {
    unsafe withUnsafeBytes(of: characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
