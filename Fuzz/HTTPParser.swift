import HTTPCore

/// Fuzzes any bytes as a client's, in any portions: they must give the same requests, and never
/// take more memory than the limits allow.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzHTTPParser(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  let contracts = HTTPContracts(bytes)
  contracts.parse()
  contracts.converse()
  contracts.readParts()
  return 0
}

/// Parts are checked on their way to it.
private final class IgnoringSink: BodySink {
  func receive(_ part: [UInt8]) {}
}

private struct HTTPContracts {
  /// Small, so that inputs reach them.
  static let limits = {
    var limits = ConnectionLimits()
    limits.parser.requestLineByteLimit = 64
    limits.parser.headerByteLimit = 256
    limits.parser.headerCountLimit = 8
    limits.parser.chunkLineByteLimit = 16
    limits.requestCountLimit = 16
    limits.turnRequestLimit = 2
    limits.turnLineLimit = 3
    return limits
  }()
  static let bodyByteLimit = 128
  /// Bytes of the longest line, its end, and as much again that is used but not given back.
  static let heldByteLimit = 2 * (256 + 2) + bodyByteLimit

  let bytes: [UInt8]
  let whole: [ArraySlice<UInt8>]
  let single: [ArraySlice<UInt8>]
  let some: [ArraySlice<UInt8>]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    whole = [bytes[...]]
    single = bytes.indices.map { bytes[$0...$0] }
    // FNV-1a of the bytes decides where they are cut.
    var hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    var portions: [ArraySlice<UInt8>] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      hash = hash &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let count = hash >> 60 < 8 ? Int(hash >> 56 & 3) + 1 : Int(hash >> 52 & 63) + 1
      portions.append(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    some = portions
  }

  // MARK: Parser

  private struct Parsed: Equatable {
    var events: [RequestParser.Event] = []
    var failure: ParseFailure?
  }

  func parse() {
    let expected = parsed(whole)
    precondition(parsed(single) == expected, "byte by byte")
    precondition(parsed(some) == expected, "in portions")
  }

  private func parsed(_ portions: [ArraySlice<UInt8>]) -> Parsed {
    var parsed = Parsed()
    var parser = RequestParser(limits: Self.limits.parser)
    parser.bodyByteLimit = Self.bodyByteLimit
    do throws(ParseFailure) {
      for portion in portions {
        parser.append(portion)
        while let event = try parser.next() {
          // Only the owner sees a length before its body comes; it would refuse this one.
          if case .head(_, .length(let length)) = event, length > Self.bodyByteLimit {
            return parsed
          }
          parsed.events.append(event)
        }
        precondition(
          parser.heldByteCount <= Self.heldByteLimit + portion.count,
          "held bytes must stay within the limit")
      }
    } catch {
      parsed.failure = error
    }
    return parsed
  }

  // MARK: Connection

  private enum Outcome: Equatable {
    case request(Request)
    case refusal(RequestHead)
    case failure(Int)
  }

  func converse() {
    let expected = outcomes(whole, answeringAtOnce: true)
    precondition(outcomes(single, answeringAtOnce: true) == expected, "byte by byte")
    precondition(outcomes(some, answeringAtOnce: true) == expected, "in portions")
    precondition(outcomes(some, answeringAtOnce: false) == expected, "answered at the end")
  }

  private func outcomes(
    _ portions: [ArraySlice<UInt8>], answeringAtOnce: Bool
  ) -> [Outcome] {
    let now = ContinuousClock.Instant.now
    let context = ConnectionContext(
      now: now, date: { "" },
      route: { head in
        switch head.target.path {
        case "/refuse": .answer(Response(status: 404))
        case "/stream":
          .stream(bodyByteLimit: Self.bodyByteLimit, to: BodyDestination(IgnoringSink()))
        default: .accept(bodyByteLimit: Self.bodyByteLimit)
        }
      })
    var machine = Connection(limits: Self.limits, now: now)
    var outcomes: [Outcome] = []
    var waiting: Response?
    var hasEnded = false
    /// Parts so far of a body that is streamed.
    var streamed: [UInt8] = []

    func perform(_ actions: [Connection.Action], answering: Bool) {
      var pending = actions[...]
      while let action = pending.popFirst() {
        switch action {
        case .write: pending += machine.wrote(all: true, context: context)
        case .part(let bytes, _):
          precondition(!bytes.isEmpty, "a part must not be empty")
          streamed += bytes
          precondition(streamed.count <= Self.bodyByteLimit, "parts must stay within the limit")
        case .handle(var request, _, _):
          if request.head.target.path == "/stream" {
            precondition(request.body.isEmpty, "a streamed body must not be held")
            request.body = streamed
          } else {
            precondition(streamed.isEmpty, "a held body must have no parts")
          }
          streamed = []
          outcomes.append(.request(request))
          waiting = Response(status: 200)
        case .answer(let head, let response, _):
          outcomes.append(.refusal(head))
          waiting = response
        case .failed(_, let response, _): outcomes.append(.failure(response.status))
        case .shutdownWriting, .close: hasEnded = true
        case .yield: pending += machine.proceed(context: context)
        case .pauseReading, .resumeReading: break
        }
        if answering, let response = waiting {
          precondition(!hasEnded, "no request may follow the end")
          waiting = nil
          pending += machine.respond(response, context: context)
        }
      }
    }

    for portion in portions {
      perform(machine.receive(portion, context: context), answering: answeringAtOnce)
    }
    perform(waiting.map { machine.respond($0, context: context) } ?? [], answering: true)
    perform(machine.receiveEnd(), answering: true)
    precondition(machine.isClosed, "the connection must close after the client's end")
    return outcomes
  }

  // MARK: Bodies and fields

  func readParts() {
    let string = String(decoding: bytes, as: UTF8.self)
    _ = RequestTarget(string)
    _ = MediaType(string)
    guard let type = MediaType("multipart/form-data; boundary=b"),
      let parts = try? Multipart.parse(bytes, type, partCountLimit: 4)
    else { return }
    precondition(parts.count <= 4)
    for part in parts { precondition(bytes.count >= part.range.upperBound) }
  }
}
