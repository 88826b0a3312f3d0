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
    case header(RequestHead, byteCount: Int)
    case body(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    case chunkEnd
    case trailer(byteCount: Int)
    case finished
  }

  private let limits: ParserLimits
  private var buffer: [UInt8] = []
  private var consumed = 0
  /// Up to here the buffer is known to have no line feed.
  private var searched = 0
  private var state = State.requestLine(emptyLines: 0)
  private var body: [UInt8] = []
  private var trailers = HeaderFields()
  /// Set by the owner between head and body.
  package var bodyByteLimit = 0

  package init(limits: ParserLimits = ParserLimits()) { self.limits = limits }

  /// Bytes taken in that no event has used yet.
  package var bufferedByteCount: Int { buffer.count - consumed }

  /// Whether nothing of a next request has arrived.
  package var isBetweenRequests: Bool {
    if case .requestLine = state { bufferedByteCount == 0 } else { false }
  }

  package mutating func append(_ bytes: some Sequence<UInt8>) {
    if consumed == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= 16 * 1024)
      searched = 0
      consumed = 0
    }
    buffer.append(contentsOf: bytes)
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
      case .header(let head, let byteCount):
        guard let line = try line(limit: limits.headerByteLimit - byteCount, status: 431) else {
          return nil
        }
        if line.isEmpty { return try finishHead(head) }
        try parseHeader(line, head, byteCount)
      case .body(let remaining): if !takeBody(remaining) { return nil }
      case .chunkSize: if try !parseChunkSize() { return nil }
      case .chunkData(let remaining): if !takeChunk(remaining) { return nil }
      case .chunkEnd:
        guard let line = try line(limit: 0, status: 400) else { return nil }
        guard line.isEmpty else { throw .malformed("chunk longer than its size") }
        state = .chunkSize
      case .trailer(let byteCount): if try !parseTrailer(byteCount) { return nil }
      case .finished:
        state = .requestLine(emptyLines: 0)
        defer {
          body = []
          trailers = HeaderFields()
        }
        return .end(body: body, trailers: trailers)
      }
    }
  }

  // MARK: Lines

  /// The bytes of the next line without its CR LF, nil while it is incomplete.
  private mutating func line(limit: Int, status: Int) throws(ParseFailure) -> ArraySlice<UInt8>? {
    let start = consumed
    guard let end = buffer[max(searched, start)...].firstIndex(of: ASCII.lineFeed) else {
      searched = buffer.count
      // A CR may still be the line's end.
      if buffer.count - start > limit + 1 { throw lineTooLong(status, limit) }
      // A CR that something else follows never ends a line.
      if let bare = buffer[start...].firstIndex(of: ASCII.carriageReturn), bare != buffer.count - 1
      {
        throw .malformed("bare CR")
      }
      return nil
    }
    guard end > start, buffer[end - 1] == ASCII.carriageReturn else { throw .malformed("bare LF") }
    let line = buffer[start..<end - 1]
    if line.count > limit { throw lineTooLong(status, limit) }
    if line.contains(ASCII.carriageReturn) { throw .malformed("bare CR") }
    consumed = end + 1
    searched = consumed
    return line
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
    state = .header(head, byteCount: 0)
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

  private mutating func parseHeader(
    _ line: ArraySlice<UInt8>, _ head: RequestHead, _ byteCount: Int
  ) throws(ParseFailure) {
    var head = head
    try Self.parseField(line, into: &head.fields, limit: limits.headerCountLimit)
    state = .header(head, byteCount: byteCount + line.count + 2)
  }

  private static func parseField(
    _ line: ArraySlice<UInt8>, into fields: inout HeaderFields, limit: Int
  ) throws(ParseFailure) {
    guard fields.fields.count < limit else { throw .tooLarge(431, "header count", limit: limit) }
    guard let first = line.first, first != ASCII.space, first != ASCII.tab else {
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
      String(trimmed(Substring(String(decoding: value, as: UTF8.self)))))
  }

  private mutating func finishHead(_ head: RequestHead) throws(ParseFailure) -> Event {
    let hosts = head.fields.values(of: "Host")
    guard hosts.count == 1 || (hosts.isEmpty && head.version == .http10) else {
      throw .malformed(hosts.isEmpty ? "Host is missing" : "more than one Host")
    }
    guard hosts.allSatisfy(Self.isHost) else { throw .malformed("Host is invalid") }
    let framing = try BodyFraming(head)
    switch framing {
    case .none: state = .finished
    case .length(let length): state = .body(remaining: length)
    case .chunked: state = .chunkSize
    }
    return .head(head, framing)
  }

  /// uri-host with an optional port (RFC 9110, section 7.2), by the characters it may have.
  private static func isHost(_ text: String) -> Bool {
    text.utf8.allSatisfy {
      ASCII.isAlpha($0) || ASCII.isDigit($0) || "-._~!$&'()*+,;=:[]%".utf8.contains($0)
    }
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
    guard size <= bodyByteLimit - body.count else {
      throw .tooLarge(413, "body", limit: bodyByteLimit)
    }
    state = size == 0 ? .trailer(byteCount: 0) : .chunkData(remaining: size)
    return true
  }

  private mutating func parseTrailer(_ byteCount: Int) throws(ParseFailure) -> Bool {
    let limit = limits.headerByteLimit - byteCount
    guard let line = try line(limit: limit, status: 431) else { return false }
    guard !line.isEmpty else {
      trailers = trailers.withoutForbiddenTrailers
      state = .finished
      return true
    }
    try Self.parseField(line, into: &trailers, limit: limits.headerCountLimit)
    state = .trailer(byteCount: byteCount + line.count + 2)
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
