import CCurl
import HTTPServer
import JSON

/// One request to a server of this program, over its own connection, without proxies or
/// redirections.
struct ServerQuestion {
  /// Address that a server listens at.
  enum Place: CustomStringConvertible {
    case port(host: String, Int)
    /// A port that speaks TLS.
    case encrypted(host: String, Int, TLSTrust)
    /// A Unix socket's path.
    case socket(String)

    /// Name for messages.
    var description: String {
      switch self {
      case .port(let host, let port), .encrypted(let host, let port, _):
        "\(HostName(host).reachable) port \(port)"
      case .socket(let path): "the socket \(path)"
      }
    }

    fileprivate var url: String {
      switch self {
      case .port(let host, let port): "http://\(HostName(host).reachable):\(port)"
      case .encrypted(let host, let port, let trust):
        "https://\(trust.name ?? "\(HostName(host).reachable)"):\(port)"
      case .socket: "http://localhost"
      }
    }

    fileprivate var trust: TLSTrust? {
      if case .encrypted(_, _, let trust) = self { trust } else { nil }
    }

    /// Place to connect to where the URL has the name that the certificate bears.
    fileprivate var connectTo: String? {
      guard case .encrypted(let host, let port, let trust) = self, trust.name != nil else {
        return nil
      }
      return "::\(HostName(host).reachable):\(port)"
    }

    fileprivate var socketPath: String? {
      if case .socket(let path) = self { path } else { nil }
    }
  }

  /// Whom a client of TLS trusts, and who it is.
  struct TLSTrust: Sendable, Equatable {
    /// PEM file of authorities; nil for the system's.
    var authorities: String?
    /// Whether a certificate will do that is in the file of authorities or certified by one of
    /// these, whatever name it bears.
    var takesAnyName = false
    /// Name that the server's certificate bears; nil for its host's.
    var name: String?
    /// PEM files of the certificate that the server may ask for, and of its key.
    var certificate: String?
    var key: String?
  }

  struct Answer {
    let status: Int
    let etag: String?
    let body: [UInt8]
  }

  /// Error if the server was not reached or did not answer; its message is the reason alone.
  struct NoAnswer: Error {
    let reason: String
  }

  let place: Place
  let method: String
  let target: String
  /// Time limit of the whole answer.
  let timeout: Duration
  /// Time limit of the connection; at most the whole one.
  var connectTimeout: Duration
  /// Limit of the bytes of a body that are kept.
  let bodyByteLimit: Int
  /// Whether a longer body is an error; if not, its rest is ignored.
  let isBodyWhole: Bool
  var authorization: String?
  var json: String?
  var contentDigest: String?
  var ifMatch: String?
  /// Descriptor of a file that is the body, or -1.
  var file: CInt = -1
  var fileByteCount = 0
  /// Whether sending the file is shown on a terminal.
  var showsProgress = true
  /// Asked now and then; true ends it without an answer.
  var isStopped: @Sendable () -> Bool = { false }

  private var contentType: String? {
    json != nil ? "application/json" : file >= 0 ? "application/octet-stream" : nil
  }

  /// State that libcurl's callbacks are given.
  private struct Exchange {
    let bodyByteLimit: Int
    let isBodyWhole: Bool
    var body: [UInt8] = []
    var bar: ProgressBar?
    var total = 0
    let isStopped: @Sendable () -> Bool
  }

  /// Asks, waits for the answer, and shows the progress of a file on a terminal.
  func answer() throws(NoAnswer) -> Answer {
    var exchange = Exchange(
      bodyByteLimit: bodyByteLimit, isBodyWhole: isBodyWhole, isStopped: isStopped)
    if file >= 0 {
      exchange.total = fileByteCount
      exchange.bar =
        showsProgress ? ProgressBar("uploading", total: exchange.total, unit: .bytes) : nil
    }
    var answer = remote_answer()
    let strings = CStrings()
    let text = { (text: String?) in unsafe text.map { unsafe strings.pointer($0) } }
    var asked = unsafe remote_question(
      method: strings.pointer(method), url: strings.pointer(place.url + target),
      socket_path: text(place.socketPath), authorization: text(authorization),
      content_type: text(contentType), content_digest: text(contentDigest), if_match: text(ifMatch),
      body: text(json), body_byte_count: json?.utf8.count ?? 0, file: file,
      file_byte_count: Int64(fileByteCount),
      connect_timeout_ms: Self.milliseconds(min(connectTimeout, timeout)),
      timeout_ms: Self.milliseconds(timeout), has_tls: place.trust != nil,
      authorities: text(place.trust?.authorities),
      takes_any_name: place.trust?.takesAnyName ?? false,
      client_certificate: text(place.trust?.certificate), client_key: text(place.trust?.key),
      connect_to: text(place.connectTo))
    // SAFETY: the call keeps neither question, strings, exchange nor answer, which outlive it.
    let result = withExtendedLifetime(strings) {
      unsafe withUnsafeMutablePointer(to: &exchange) { exchange in
        unsafe remote_ask(&asked, Self.receive, Self.progress, exchange, &answer)
      }
    }
    exchange.bar?.interrupt()
    guard result == 0 else {
      let reason = unsafe withUnsafeBytes(of: answer.message) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw NoAnswer(reason: reason)
    }
    let etag = unsafe withUnsafeBytes(of: answer.etag) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return Answer(
      status: Int(answer.status), etag: etag.isEmpty ? nil : etag, body: exchange.body)
  }

  private static func milliseconds(_ duration: Duration) -> Int {
    max(1, Int(duration / .milliseconds(1)))
  }

  private static let receive: remote_receiver = { context, bytes, count in
    // SAFETY: the context is the one that `answer` passed; libcurl owns the bytes during the call.
    let exchange = unsafe context.assumingMemoryBound(to: Exchange.self)
    let room = unsafe exchange.pointee.bodyByteLimit - exchange.pointee.body.count
    guard count <= room || !(unsafe exchange.pointee.isBodyWhole) else { return false }
    unsafe exchange.pointee.body += UnsafeRawBufferPointer(start: bytes, count: min(count, room))
    return true
  }

  private static let progress: remote_progress = { context, sent in
    // SAFETY: as above.
    let exchange = unsafe context.assumingMemoryBound(to: Exchange.self)
    unsafe exchange.pointee.bar?.advance(to: Int(sent), of: exchange.pointee.total)
    return unsafe !exchange.pointee.isStopped()
  }
}

extension ServerQuestion.Answer {
  /// Detail of the answer's problem document (RFC 9457, section 3.1.4); nil if it is not one.
  var problemDetail: String? {
    // SAFETY: an array owns the bytes, which the call only reads.
    guard let tree = try? unsafe JSONTree(body.span.bytes) else { return nil }
    return tree.root["detail"]?.string
  }
}
