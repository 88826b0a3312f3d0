/// Parser of HTTP/1.1 and 1.0 requests from bytes in any portions (RFC 9112), without I/O.
///
///     requestLine -> header -> finished -> requestLine ...         without a body
///                      |-> body -> finished                        Content-Length
///                      `-> chunkSize -> chunkData -> chunkEnd -> chunkSize ...
///                            `-> trailer -> requestLine ...        after the last chunk
///
/// Lines end in CR LF and nothing else; a bare CR or LF, folded lines and blanks before a colon are
/// refused, because another party might read them differently. After a failure the parser must not
/// be used any more.
package struct RequestParser: Sendable {
  package enum Event: Sendable, Hashable {
    /// The head is complete; the body follows as `framing` says.
    case head(RequestHead, BodyFraming)
    /// The body is complete.
    case end(body: [UInt8], trailers: HeaderFields)
  }

  enum State: Sendable {
    case requestLine(emptyLines: Int)
    case header
    case body(remaining: Int)
    case chunkSize
    case chunkData(remaining: Int)
    case chunkEnd
    case trailer
    case finished
  }

  /// Capacity that the body's buffer is to have.
  package struct WantedCapacity: Sendable, Hashable {
    package let byteCount: Int
    /// Bytes that have arrived: less is not enough.
    package let least: Int
  }

  /// Bytes of an empty buffer that is kept, 2 KiB; a larger one is released.
  private static let keptCapacity = 2 * 1024

  let limits: ParserLimits
  var buffer: [UInt8] = []
  var consumed = 0
  /// Index up to which the buffer is known to contain no line end.
  var searched = 0
  var state = State.requestLine(emptyLines: 0)
  /// Index at which the request line in progress begins.
  private var start = 0
  /// The request line, while its fields are still read.
  private var head: RequestHead?
  /// Fields of the header or the trailer being read.
  private var fields = HeaderFields()
  /// Bytes of the lines of `fields`.
  private var fieldByteCount = 0

  var body: [UInt8] = []
  /// Bytes that the body's buffer may have.
  var grantedCapacity = 0
  /// Value of `Content-Length`; 0 where chunks make up the body.
  var declaredByteCount = 0
  /// Bytes of the body so far, including those that `takePart` has taken.
  package internal(set) var bodyByteCount = 0
  /// Bytes that the body may have; set by the owner between head and body.
  package var bodyByteLimit = 0
  /// Bytes that the body's buffer may have room for.
  ///
  /// Beyond them `next` is nil and `wantedBodyCapacity` says how many it needs, until the owner
  /// raises the limit. Without one the buffer grows as it must.
  package var bodyCapacityLimit = Int.max
  package internal(set) var wantedBodyCapacity: WantedCapacity?
  /// Lines between chunks that may still be read; with none left, `next` is nil and `isHeldBack`
  /// true.
  package var lineAllowance = Int.max
  package internal(set) var isHeldBack = false

  package init(limits: ParserLimits = ParserLimits()) { self.limits = limits }

  /// Bytes that have been appended and that no event has used yet.
  package var bufferedByteCount: Int { buffer.count - consumed }

  /// Bytes kept in all, for tests of their limit.
  package var heldByteCount: Int { buffer.count + body.count }

  /// Memory of the buffer and of the fields being read, without that of the body.
  package var bufferCapacity: Int {
    buffer.capacity + fieldByteCount
      + fields.fields.count * MemoryLayout<HeaderFields.Field>.stride
  }

  /// Memory of the body's buffer.
  package var bodyCapacity: Int { body.capacity }

  /// Whether nothing of a next request has arrived.
  package var isBetweenRequests: Bool {
    if case .requestLine = state { bufferedByteCount == 0 } else { false }
  }

  /// Whether the head that is being read, or could not be read, is that of a HEAD request.
  package var isToHead: Bool {
    head?.method == "HEAD" || (head == nil && buffer[start...].starts(with: "HEAD ".utf8))
  }

  /// The fields that have arrived of the head that is being read, or could not be read.
  package var knownFields: HeaderFields? { head == nil ? nil : fields }

  package mutating func append(_ bytes: some Collection<UInt8>) {
    dropConsumed()
    let count = takeDirectly(bytes)
    if count < bytes.count { buffer.append(contentsOf: bytes.dropFirst(count)) }
  }

  /// Moves the rest to the front once it is the smaller part, so that the buffer stays as small as
  /// its content.
  mutating func dropConsumed() {
    guard consumed >= buffer.count - consumed else { return }
    if consumed == buffer.count {
      buffer.removeAll(keepingCapacity: buffer.capacity <= Self.keptCapacity)
    } else {
      buffer.removeSubrange(..<consumed)
    }
    searched = max(0, searched - consumed)
    start = max(0, start - consumed)
    consumed = 0
  }

  /// Releases memory while nothing is expected.
  package mutating func releaseMemory() {
    guard bufferedByteCount == 0 else { return }
    buffer = []
    consumed = 0
    searched = 0
    start = 0
  }

  /// Reads the next event; nil when more bytes are needed, or what `wantedBodyCapacity` and
  /// `isHeldBack` say.
  package mutating func next() throws(ParseFailure) -> Event? {
    isHeldBack = false
    wantedBodyCapacity = nil
    while true {
      switch state {
      case .requestLine(let emptyLines): if try !parseRequestLine(emptyLines) { return nil }
      case .header:
        guard try parseFields(), let head else { return nil }
        return try finishHead(head)
      case .body(let remaining): if !takeBody(remaining) { return nil }
      case .chunkSize: if try !parseChunkSize() { return nil }
      case .chunkData(let remaining): if !takeChunk(remaining) { return nil }
      case .chunkEnd: if try !parseChunkEnd() { return nil }
      case .trailer:
        guard try parseFields() else { return nil }
        return end(takeFields().withoutForbiddenTrailers)
      case .finished: return end(HeaderFields())
      }
    }
  }

  private mutating func end(_ trailers: HeaderFields) -> Event {
    state = .requestLine(emptyLines: 0)
    start = consumed
    defer {
      body = []
      grantedCapacity = 0
      bodyByteCount = 0
    }
    return .end(body: body, trailers: trailers)
  }

  /// Takes the part of the body that has arrived since the last call; the event of its end brings
  /// what comes after.
  package mutating func takePart() -> [UInt8] {
    defer {
      body = []
      grantedCapacity = 0
    }
    return body
  }

  // MARK: Lines

  /// Reads the next line, without its CR LF; nil while it is incomplete.
  ///
  /// A fault is found at the first byte that makes it one, so it is the same however bytes arrive.
  mutating func line(limit: Int, status: Int) throws(ParseFailure) -> ArraySlice<UInt8>? {
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
      start = consumed
      return true
    }
    let parts = line.split(separator: ASCII.space, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .malformed("request line is not METHOD TARGET VERSION") }
    guard !parts[0].isEmpty, parts[0].allSatisfy(ASCII.isToken) else {
      throw .malformed("method is not a token")
    }
    let version = try Self.version(parts[2])
    let method = String(decoding: parts[0], as: UTF8.self)
    guard method != "CONNECT" else {
      throw ParseFailure(status: 501, kind: .method, detail: "CONNECT is not implemented")
    }
    guard !parts[1].isEmpty, parts[1].allSatisfy(ASCII.isTarget),
      let target = RequestTarget(String(decoding: parts[1], as: UTF8.self)),
      target.path != "*" || method == "OPTIONS"
    else { throw .malformed("request target is invalid") }
    head = RequestHead(method: method, target: target, version: version)
    state = .header
    return true
  }

  private static func version(_ text: ArraySlice<UInt8>) throws(ParseFailure) -> HTTPVersion {
    let text = Array(text)
    guard text.count == 8, text.starts(with: "HTTP/".utf8), ASCII.isDigit(text[5]),
      text[6] == UInt8(ascii: "."), ASCII.isDigit(text[7])
    else { throw .malformed("version is not HTTP/1.1") }
    guard text[5] == UInt8(ascii: "1") else {
      throw ParseFailure(
        status: 505, kind: .httpVersion, detail: "only HTTP/1.1 and HTTP/1.0 are spoken here")
    }
    return text[7] == UInt8(ascii: "0") ? .http10 : .http11
  }

  /// Reads fields up to an empty line; false while they are incomplete.
  private mutating func parseFields() throws(ParseFailure) -> Bool {
    while true {
      let limit = max(0, limits.headerByteLimit - fieldByteCount)
      guard let line = try line(limit: limit, status: 431) else { return false }
      if line.isEmpty { return true }
      guard fields.fields.count < limits.headerCountLimit else {
        throw .tooLarge(431, "header count", limit: limits.headerCountLimit)
      }
      try Self.parseField(line, into: &fields)
      fieldByteCount += line.count + 2
    }
  }

  private mutating func takeFields() -> HeaderFields {
    defer {
      fields = HeaderFields()
      fieldByteCount = 0
    }
    return fields
  }

  private static func parseField(
    _ line: ArraySlice<UInt8>, into fields: inout HeaderFields
  ) throws(ParseFailure) {
    guard line.first != ASCII.space, line.first != ASCII.tab else {
      throw .malformed("folded header line")
    }
    guard let colon = line.firstIndex(of: ASCII.colon), colon > line.startIndex,
      line[..<colon].allSatisfy(ASCII.isToken)
    else { throw .malformed("header name is not a token followed by a colon") }
    let value = line[(colon + 1)...]
    guard value.allSatisfy(ASCII.isFieldContent) else {
      throw .malformed("control character in a header value")
    }
    fields.append(
      String(decoding: line[..<colon], as: UTF8.self),
      String(decoding: ASCII.trimmed(value), as: UTF8.self))
  }

  private mutating func finishHead(_ line: RequestHead) throws(ParseFailure) -> Event {
    var head = line
    head.fields = fields
    let hosts = head.fields.values(of: "Host")
    guard hosts.count == 1 || (hosts.isEmpty && head.version == .http10) else {
      throw .malformed(hosts.isEmpty ? "Host is missing" : "more than one Host")
    }
    guard hosts.allSatisfy(RequestTarget.isAuthority) else { throw .malformed("Host is invalid") }
    let framing = try BodyFraming(head)
    switch framing {
    case .none: state = .finished
    case .length(let length):
      declaredByteCount = length
      state = .body(remaining: length)
    case .chunked:
      declaredByteCount = 0
      state = .chunkSize
    }
    _ = takeFields()
    self.head = nil
    return .head(head, framing)
  }
}

extension HeaderFields {
  /// Fields without those for framing, routing, authentication and content, which may not come
  /// after the content (RFC 9110, section 6.5.1).
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
