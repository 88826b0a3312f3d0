/// HTTP/1.1 and 1.0 requests from bytes in any portions (RFC 9112), without I/O.
///
/// Lines end in CR LF and nothing else; a bare CR or LF, folded lines and blanks before a colon are
/// refused, because another party might read them differently. After a failure the parser is of no use.
package struct RequestParser: Sendable {
  package enum Event: Sendable, Hashable {
    /// The head is complete; the body follows as `framing` says.
    case head(RequestHead, BodyFraming)
    /// The body is complete.
    case end(body: [UInt8], trailers: HeaderFields)
  }

  private enum State: Sendable {
    case requestLine(emptyLines: Int)
    case header(RequestHead)
    case body(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    case chunkEnd
    case trailer
    case finished
  }

  /// A larger buffer is given back as soon as it is empty.
  private static let keptCapacity = 16 * 1024

  private let limits: ParserLimits
  private var buffer: [UInt8] = []
  private var consumed = 0
  /// Up to here the buffer is known to have no line's end.
  private var searched = 0
  private var state = State.requestLine(emptyLines: 0)
  /// Of the header or the trailer being read, and the bytes of its lines.
  private var fields = HeaderFields()
  private var fieldByteCount = 0
  private var body: [UInt8] = []
  /// Of the body so far, with what `takePart` has taken.
  private var bodyByteCount = 0
  /// Set by the owner between head and body.
  package var bodyByteLimit = 0

  package init(limits: ParserLimits = ParserLimits()) { self.limits = limits }

  /// Bytes taken in that no event has used yet.
  package var bufferedByteCount: Int { buffer.count - consumed }

  /// All bytes kept, for tests of their limit.
  package var heldByteCount: Int { buffer.count + body.count }

  /// Whether nothing of a next request has arrived.
  package var isBetweenRequests: Bool {
    if case .requestLine = state { bufferedByteCount == 0 } else { false }
  }

  package mutating func append(_ bytes: some Sequence<UInt8>) {
    dropConsumed()
    buffer.append(contentsOf: bytes)
  }

  /// Moves what is left to the front once it is the smaller part, so that the buffer stays as small as its content.
  private mutating func dropConsumed() {
    guard consumed >= buffer.count - consumed else { return }
    if consumed == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= Self.keptCapacity)
    } else {
      buffer.removeSubrange(..<consumed)
    }
    searched = max(0, searched - consumed)
    consumed = 0
  }

  /// Gives back memory while nothing is expected.
  package mutating func releaseMemory() {
    guard bufferedByteCount == 0 else { return }
    buffer = []
    consumed = 0
    searched = 0
  }

  /// The next event in the bytes so far, nil when more are needed.
  package mutating func next() throws(ParseFailure) -> Event? {
    while true {
      switch state {
      case .requestLine(let emptyLines): if try !parseRequestLine(emptyLines) { return nil }
      case .header(let head):
        guard let fields = try parseFields() else { return nil }
        return try finishHead(head, fields)
      case .body(let remaining): if !takeBody(remaining) { return nil }
      case .chunkSize: if try !parseChunkSize() { return nil }
      case .chunkData(let remaining): if !takeChunk(remaining) { return nil }
      case .chunkEnd:
        guard let line = try line(limit: 0, status: 400) else { return nil }
        guard line.isEmpty else { throw .malformed("chunk longer than its size") }
        state = .chunkSize
      case .trailer:
        guard let trailers = try parseFields() else { return nil }
        return end(trailers.withoutForbiddenTrailers)
      case .finished: return end(HeaderFields())
      }
    }
  }

  private mutating func end(_ trailers: HeaderFields) -> Event {
    state = .requestLine(emptyLines: 0)
    defer {
      body = []
      bodyByteCount = 0
    }
    return .end(body: body, trailers: trailers)
  }

  /// What has arrived of the body since it was last asked; the event of its end brings what comes after.
  package mutating func takePart() -> [UInt8] {
    defer { body = [] }
    return body
  }

  // MARK: Lines

  /// The bytes of the next line without its CR LF, nil while it is incomplete.
  ///
  /// What is wrong is found at the first byte that makes it so, hence alike however the bytes arrive.
  private mutating func line(limit: Int, status: Int) throws(ParseFailure) -> ArraySlice<UInt8>? {
    let start = consumed
    let end = buffer[max(searched, start)...].firstIndex {
      $0 == ASCII.carriageReturn || $0 == ASCII.lineFeed
    }
    searched = end ?? buffer.count
    guard searched - start <= limit else { throw lineTooLong(status, limit) }
    guard let end else { return nil }
    guard buffer[end] == ASCII.carriageReturn else { throw .malformed("bare LF") }
    guard end + 1 < buffer.count else { return nil }
    guard buffer[end + 1] == ASCII.lineFeed else { throw .malformed("bare CR") }
    consumed = end + 2
    searched = consumed
    return buffer[start..<end]
  }

  private func lineTooLong(_ status: Int, _ limit: Int) -> ParseFailure {
    switch status {
    case 414: .tooLarge(414, "request line", limit: limits.requestLineByteLimit)
    case 431: .tooLarge(431, "header bytes", limit: limits.headerByteLimit)
    default: .malformed("chunk framing is too long")
    }
  }

  // MARK: Head

  private mutating func parseRequestLine(_ emptyLines: Int) throws(ParseFailure) -> Bool {
    guard let line = try line(limit: limits.requestLineByteLimit, status: 414) else { return false }
    guard !line.isEmpty else {
      guard emptyLines < ParserLimits.leadingEmptyLineLimit else {
        throw .malformed("empty lines before the request line")
      }
      state = .requestLine(emptyLines: emptyLines + 1)
      return true
    }
    let parts = line.split(separator: ASCII.space, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("request line is not METHOD TARGET VERSION") }
    guard !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isToken) else {
      throw .malformed("method is no token")
    }
    let version = try Self.version(parts[2])
    let method = String(decoding: parts[0], as: UTF8.self)
    guard method != "CONNECT" else {
      throw ParseFailure(status: 501, kind: "method", detail: "CONNECT is not implemented")
    }
    guard !parts[1].isEmpty, parts[1].allSatisfy(ASCII.isTarget),
      let target = RequestTarget(String(decoding: parts[1], as: UTF8.self)),
      target.path != "*" || method == "OPTIONS"
    else { throw .malformed("request target is invalid") }
    let head = RequestHead(method: method, target: target, version: version)
    state = .header(head)
    return true
  }

  private static func version(_ text: ArraySlice<UInt8>) throws(ParseFailure) -> HTTPVersion {
    let text = Array(text)
    guard text.count == 8, text.starts(with: "HTTP/".utf8), ASCII.isDigit(text[5]),
      text[6] == UInt8(ascii: "."), ASCII.isDigit(text[7])
    else { throw .malformed("version is not HTTP/1.1") }
    guard text[5] == UInt8(ascii: "1") else {
      throw ParseFailure(
        status: 505, kind: "http-version", detail: "only HTTP/1.1 and HTTP/1.0 are spoken here")
    }
    return text[7] == UInt8(ascii: "0") ? .http10 : .http11
  }

  /// The fields up to an empty line, nil while they are incomplete.
  private mutating func parseFields() throws(ParseFailure) -> HeaderFields? {
    while true {
      let limit = max(0, limits.headerByteLimit - fieldByteCount)
      guard let line = try line(limit: limit, status: 431) else { return nil }
      if line.isEmpty {
        defer {
          fields = HeaderFields()
          fieldByteCount = 0
        }
        return fields
      }
      guard fields.fields.count < limits.headerCountLimit else {
        throw .tooLarge(431, "header count", limit: limits.headerCountLimit)
      }
      try Self.parseField(line, into: &fields)
      fieldByteCount += line.count + 2
    }
  }

  private static func parseField(
    _ line: ArraySlice<UInt8>, into fields: inout HeaderFields
  ) throws(ParseFailure) {
    guard line.first != ASCII.space, line.first != ASCII.tab else {
      throw .malformed("folded header line")
    }
    guard let colon = line.firstIndex(of: ASCII.colon), colon > line.startIndex,
      line[..<colon].allSatisfy(ASCII.isToken)
    else { throw .malformed("header name is no token followed by a colon") }
    let value = line[(colon + 1)...]
    guard value.allSatisfy(ASCII.isFieldContent) else {
      throw .malformed("control character in a header value")
    }
    fields.append(
      String(decoding: line[..<colon], as: UTF8.self),
      String(decoding: ASCII.trimmed(value), as: UTF8.self))
  }

  private mutating func finishHead(
    _ head: RequestHead, _ fields: HeaderFields
  ) throws(ParseFailure) -> Event {
    var head = head
    head.fields = fields
    let hosts = head.fields.values(of: "Host")
    guard hosts.count == 1 || (hosts.isEmpty && head.version == .http10) else {
      throw .malformed(hosts.isEmpty ? "Host is missing" : "more than one Host")
    }
    guard hosts.allSatisfy(RequestTarget.isAuthority) else { throw .malformed("Host is invalid") }
    let framing = try BodyFraming(head)
    switch framing {
    case .none: state = .finished
    case .length(let length): state = .body(remaining: length)
    case .chunked: state = .chunkSize
    }
    return .head(head, framing)
  }

  // MARK: Body

  private mutating func takeBody(_ remaining: Int) -> Bool {
    let left = take(remaining)
    state = left == 0 ? .finished : .body(remaining: left)
    return left == 0
  }

  private mutating func takeChunk(_ remaining: Int) -> Bool {
    let left = take(remaining)
    state = left == 0 ? .chunkEnd : .chunkData(remaining: left)
    return left == 0
  }

  /// Moves up to `count` bytes into the body; how many are still to come.
  private mutating func take(_ count: Int) -> Int {
    let available = min(count, bufferedByteCount)
    body.append(contentsOf: buffer[consumed..<consumed + available])
    bodyByteCount += available
    consumed += available
    searched = consumed
    return count - available
  }

  /// chunk-size and extensions, RFC 9112, section 7.1.
  private mutating func parseChunkSize() throws(ParseFailure) -> Bool {
    guard let line = try line(limit: limits.chunkLineByteLimit, status: 400) else { return false }
    let digits = line.prefix { ASCII.hexValue($0) != nil }
    let rest = line[digits.endIndex...]
    guard 1...15 ~= digits.count else { throw .malformed("chunk size is no hexadecimal number") }
    guard rest.isEmpty || rest.first == UInt8(ascii: ";"), rest.allSatisfy(ASCII.isFieldContent)
    else { throw .malformed("chunk size is followed by neither an extension nor a line's end") }
    let size = digits.reduce(0) { $0 << 4 | Int(ASCII.hexValue($1) ?? 0) }
    guard size <= bodyByteLimit - bodyByteCount else {
      throw .tooLarge(413, "body", limit: bodyByteLimit)
    }
    state = size == 0 ? .trailer : .chunkData(remaining: size)
    return true
  }
}

extension HeaderFields {
  /// Fields for framing, routing, authentication and content may not come behind the content (RFC 9110, section 6.5.1).
  fileprivate var withoutForbiddenTrailers: HeaderFields {
    let forbidden: Set = [
      "transfer-encoding", "content-length", "host", "connection", "keep-alive", "te", "trailer",
      "upgrade", "expect", "authorization", "cookie", "set-cookie", "content-type",
      "content-encoding", "content-range", "cache-control", "max-forwards", "range",
    ]
    var kept = HeaderFields()
    for field in fields where !forbidden.contains(field.name.lowercased()) {
      kept.append(field.name, field.value)
    }
    return kept
  }
}
