import CCurl
import Checkpoint

/// Questions to one server's admin endpoint, each over a connection of its own.
struct AdminClient {
  /// To get a connection, 10 s.
  private static let connectTimeout = 10_000
  /// Bytes of one answer at most, 16 MiB: more than any list of labels.
  private static let answerByteLimit = 16 << 20

  struct Answer {
    let status: Int
    let etag: String?
    let body: [UInt8]

    /// Without the newline at its end, if it has one.
    var text: String {
      let text = String(decoding: body, as: UTF8.self)
      return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    func tree() throws -> JSONTree {
      do {
        // SAFETY: the bytes of an array of bytes, for the call.
        return try unsafe JSONTree(body.span.bytes)
      } catch {
        throw Failure("the server's answer is not JSON (\(error.reason)): is it a resnetd's?")
      }
    }

    /// Why the server did not do it: what its problem document says (RFC 9457).
    var complaint: String {
      guard let tree = try? tree(), let detail = tree.root["detail"]?.string else {
        return "the server answers \(status), and not as an admin endpoint of resnetd does"
      }
      let kind = tree.root["type"]?.string?.split(separator: ":").last.map { ", \($0)" } ?? ""
      let step = tree.root["step"]?.string.map { ", at the step \($0)" } ?? ""
      let advice = status == 401 ? "; --admin-token-file names a file with it" : ""
      return "\(detail)\(advice) (\(status)\(kind)\(step))"
    }
  }

  private struct Question {
    let method: String
    let target: String
    var json: String?
    var contentDigest: String?
    var ifMatch: String?
    /// The descriptor of a file that is the body, or -1.
    var file: CInt = -1
    var fileByteCount = 0

    var contentType: String? {
      json != nil ? "application/json" : file >= 0 ? "application/octet-stream" : nil
    }
  }

  /// What libcurl's callbacks are given.
  private struct Exchange {
    var body: [UInt8] = []
    var bar: ProgressBar?
    var total = 0
  }

  private let settings: ModelSettings
  private let authorization: String?

  init(_ settings: ModelSettings, authorization: String?) {
    self.settings = settings
    self.authorization = authorization
  }

  func ask(_ method: String, _ target: String, json: String? = nil) throws(Failure) -> Answer {
    try answer(to: Question(method: method, target: target, json: json))
  }

  /// Sends a file; a terminal shows how far it is.
  func push(
    _ file: borrowing PushedFile, to target: String, ifMatch: String?
  ) throws(Failure) -> Answer {
    try answer(
      to: Question(
        method: "PUT", target: target, contentDigest: file.contentDigest, ifMatch: ifMatch,
        file: file.descriptor, fileByteCount: file.byteCount))
  }

  /// The validator of the live model (RFC 9110, section 8.8.3), if it is this version; throws if it is another.
  func entityTag(of version: String) throws -> String {
    let answer = try ask("GET", "/admin/model")
    guard answer.status == 200 else { throw Failure(answer.complaint) }
    // A node is valid as long as its tree.
    let tree = try answer.tree()
    let digest = tree.root["digest"]?.string ?? ""
    let live = digest.split(separator: ":").last ?? ""
    guard live.hasPrefix(version.lowercased()) else {
      throw Failure("--if-version \(version): \(live.prefix(12)) is live; nothing was uploaded")
    }
    guard let etag = answer.etag else {
      throw Failure("--if-version: the server gives no ETag, so it cannot check it")
    }
    return etag
  }

  // MARK: libcurl

  private func answer(to question: Question) throws(Failure) -> Answer {
    var exchange = Exchange()
    if question.file >= 0 {
      exchange.total = question.fileByteCount
      exchange.bar = ProgressBar("uploading", total: exchange.total, unit: .bytes)
    }
    var answer = remote_answer()
    let strings = CStrings()
    let text = { (text: String?) in unsafe text.map { unsafe strings.pointer($0) } }
    var asked = unsafe remote_question(
      method: strings.pointer(question.method),
      url: strings.pointer(settings.url + question.target), socket_path: text(settings.socketPath),
      authorization: text(authorization), content_type: text(question.contentType),
      content_digest: text(question.contentDigest), if_match: text(question.ifMatch),
      body: text(question.json), body_byte_count: question.json?.utf8.count ?? 0,
      file: question.file, file_byte_count: Int64(question.fileByteCount),
      connect_timeout_ms: Self.connectTimeout,
      timeout_ms: max(1, Int(settings.timeout / .milliseconds(1))))
    // SAFETY: question, its strings, exchange and answer outlive the call, which keeps none of them.
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
      throw Failure(
        "no answer from the admin endpoint at \(settings.place): \(reason); --admin-host, "
          + "--admin-port and --admin-socket say where it is")
    }
    let etag = unsafe withUnsafeBytes(of: answer.etag) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    return Answer(
      status: Int(answer.status), etag: etag.isEmpty ? nil : etag, body: exchange.body)
  }

  private static let receive: remote_receiver = { context, bytes, count in
    // SAFETY: the context is what `answer` gave, the bytes are libcurl's during the call.
    let exchange = unsafe context.assumingMemoryBound(to: Exchange.self)
    guard unsafe exchange.pointee.body.count + count <= answerByteLimit else { return false }
    unsafe exchange.pointee.body += UnsafeRawBufferPointer(start: bytes, count: count)
    return true
  }

  private static let progress: remote_progress = { context, sent in
    // SAFETY: as above.
    let exchange = unsafe context.assumingMemoryBound(to: Exchange.self)
    unsafe exchange.pointee.bar?.advance(to: Int(sent), of: exchange.pointee.total)
  }
}
