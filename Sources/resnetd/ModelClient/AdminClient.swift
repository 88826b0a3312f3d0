import JSON
import Words

/// Questions to one server's admin endpoint, each over a connection of its own.
struct AdminClient {
  private static let connectTimeout = Duration.seconds(10)
  /// Limit of one answer's bytes, 16 MiB: more than any list of labels.
  private static let answerByteLimit = 16 << 20

  struct Answer {
    let status: Int
    let etag: String?
    let body: [UInt8]

    init(_ answer: ServerQuestion.Answer) {
      (status, etag, body) = (answer.status, answer.etag, answer.body)
    }

    /// Body without the newline at its end, if it has one.
    var text: String {
      let text = String(decoding: body, as: UTF8.self)
      return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    func tree() throws -> JSONTree {
      do {
        // SAFETY: an array owns the bytes, which the call only reads.
        return try unsafe JSONTree(body.span.bytes)
      } catch {
        throw Failure("the server's answer is not JSON (\(error.reason)): is it a resnetd server?")
      }
    }

    /// Reason why the server refused, from its problem document (RFC 9457).
    var complaint: String {
      guard let tree = try? tree(), let detail = tree.root["detail"]?.string else {
        return "the server answers \(status), and not as an admin endpoint of resnetd does"
      }
      let kind = tree.root["type"]?.string?.split(separator: ":").last.map { ", \($0)" } ?? ""
      let step = tree.root["step"]?.string.map { ", at the step \($0)" } ?? ""
      let advice =
        status == 401
        ? "; --admin-token-file names a file with it"
        : kind == ", tls" ? "; --tls-cert names its certificate, --admin-tls asks by it" : ""
      return PlainText.line("\(detail)\(advice) (\(status)\(kind)\(step))")
    }
  }

  private let settings: ModelSettings
  private let authorization: String?

  /// What to do if nothing answers.
  private let remedy: String
  private let isStopped: @Sendable () -> Bool

  /// - Parameters:
  ///   - remedy: What to do if nothing answers: which options say where the server is.
  ///   - isStopped: Asked now and then; true ends a question without an answer.
  init(
    _ settings: ModelSettings, authorization: String?,
    remedy: String = "--admin-host, --admin-port and --admin-socket say where it is",
    unless isStopped: @escaping @Sendable () -> Bool = { false }
  ) {
    self.isStopped = isStopped
    self.settings = settings
    self.authorization = authorization
    self.remedy = remedy
  }

  func ask(_ method: String, _ target: String, json: String? = nil) throws(Failure) -> Answer {
    var question = question(method, target)
    question.json = json
    return try answer(to: question)
  }

  /// Sends a file and shows the progress on a terminal, unless it is one of many.
  func push(
    _ file: borrowing PushedFile, to target: String, by method: String = "PUT", ifMatch: String?,
    showsProgress: Bool = true
  ) throws(Failure) -> Answer {
    var question = question(method, target)
    question.contentDigest = file.contentDigest
    question.ifMatch = ifMatch
    question.file = file.descriptor
    question.fileByteCount = file.byteCount
    question.showsProgress = showsProgress
    return try answer(to: question)
  }

  /// Returns the validator of the live model (RFC 9110, section 8.8.3); throws if another version
  /// is live.
  func entityTag(of version: String) throws -> String {
    let answer = try ask("GET", "/admin/model")
    guard answer.status == 200 else { throw Failure(answer.complaint) }
    // A node is valid as long as its tree.
    let tree = try answer.tree()
    let digest = tree.root["digest"]?.string ?? ""
    let live = digest.split(separator: ":").last ?? ""
    guard live.hasPrefix(VersionDigits.of(version)) else {
      throw Failure("--if-version \(version): \(live.prefix(12)) is live; nothing was uploaded")
    }
    guard let etag = answer.etag else {
      throw Failure("--if-version: the server gives no ETag, so it cannot check it")
    }
    return etag
  }

  private func question(_ method: String, _ target: String) -> ServerQuestion {
    var question = ServerQuestion(
      place: settings.place, method: method, target: target, timeout: settings.timeout,
      connectTimeout: Self.connectTimeout, bodyByteLimit: Self.answerByteLimit, isBodyWhole: true,
      authorization: authorization)
    question.isStopped = isStopped
    return question
  }

  private func answer(to question: ServerQuestion) throws(Failure) -> Answer {
    do throws(ServerQuestion.NoAnswer) {
      return Answer(try question.answer())
    } catch {
      guard !isStopped() else { throw Failure(error.reason) }
      throw Failure(
        "no answer from the admin endpoint at \(settings.place): \(error.reason); "
          + (Self.advice(on: error.reason) ?? remedy))
    }
  }

  /// Returns what helps where a server was found and TLS failed; nil for other reasons, which are
  /// OpenSSL's words.
  private static func advice(on reason: String) -> String? {
    if reason.containsText("wrong version number") || reason.containsText("packet length too long")
    {
      return "it speaks no TLS: leave --admin-tls out, or https:// in front of its name"
    }
    if reason.containsText("alert") || reason.containsText("private key") {
      return "--admin-cert and --admin-key name the certificate that it wants of this client"
    }
    return reason.containsText("certificate")
      ? "--admin-ca names authorities to trust, --tls-cert its own certificate" : nil
  }
}
