import CYajl

/// Event of a JSON text, valid while it is handled.
@safe
struct JSONEvent {
  enum Kind: Sendable {
    case null, boolean, number, string, key, list, listEnd, object, objectEnd

    /// The kind of value in an error's words.
    var name: String {
      switch self {
      case .null: "null"
      case .boolean: "a boolean"
      case .number: "a number"
      case .string: "a string"
      case .key: "a name"
      case .list, .listEnd: "a list"
      case .object, .objectEnd: "an object"
      }
    }
  }

  let kind: Kind
  private let bytes: UnsafeBufferPointer<UInt8>
  /// Place of a string between its quotes, escapes included; of anything else only the end counts,
  /// which follows it.
  let place: Range<Int>

  @unsafe
  fileprivate init(_ event: json_event) {
    kind =
      switch unsafe event.kind {
      case JSON_EVENT_BOOLEAN: .boolean
      case JSON_EVENT_NUMBER: .number
      case JSON_EVENT_STRING: .string
      case JSON_EVENT_KEY: .key
      case JSON_EVENT_LIST: .list
      case JSON_EVENT_LIST_END: .listEnd
      case JSON_EVENT_OBJECT: .object
      case JSON_EVENT_OBJECT_END: .objectEnd
      default: .null
      }
    unsafe bytes = UnsafeBufferPointer(start: event.bytes, count: event.byte_count)
    place = unsafe event.start..<event.end
  }

  /// Bytes of a number, a string or a name without escapes.
  var byteCount: Int { unsafe bytes.count }

  /// Returns a number as it is written, or a string or name without escapes, cut off after
  /// `byteCountLimit` bytes.
  func text(byteCountLimit: Int) -> String {
    unsafe String(decoding: bytes.prefix(byteCountLimit), as: UTF8.self)
  }
}

/// Reader of the events of one JSON text.
protocol JSONEventReader: AnyObject {
  /// Takes the next event; throwing ends the pass.
  func take(_ event: JSONEvent) throws(Problem)
}

/// Passes over a JSON text that hold nothing of it.
enum JSONEvents {
  /// Bytes that the parser holds at once for a text without escapes.
  static let scratchByteCount = 64 << 10

  /// What the passes have for a reader, and what it threw.
  private final class Handler {
    let reader: any JSONEventReader
    var problem: Problem?

    init(_ reader: any JSONEventReader) { self.reader = reader }
  }

  /// Hands the events of the body's first `end` bytes over.
  ///
  /// - Parameters:
  ///   - scratchByteCount: Bytes that the parser may hold at once: it copies a string with escapes,
  ///     to the next power of two.
  ///   - expected: What the text should have been, for its faults.
  static func read(
    _ body: [UInt8], upTo end: Int, scratchByteCount: Int, expected: String,
    into reader: any JSONEventReader
  ) throws(Problem) {
    let handler = Handler(reader)
    var found = json_events_end()
    var status = JSON_EVENTS_OK
    unsafe body.withUnsafeBufferPointer { bytes in
      precondition(end <= bytes.count, "the text must lie in the body")
      guard let start = bytes.baseAddress else { return }
      // SAFETY: the bytes stay in place and the handler lives during the call.
      status = unsafe json_events_read(
        start, end, scratchByteCount,
        { context, event in
          let handler = unsafe Unmanaged<Handler>.fromOpaque(context).takeUnretainedValue()
          do throws(Problem) {
            try unsafe handler.reader.take(JSONEvent(event.pointee))
            return true
          } catch {
            handler.problem = error
            return false
          }
        }, Unmanaged.passUnretained(handler).toOpaque(), &found)
    }
    if let problem = handler.problem { throw problem }
    switch status {
    case JSON_EVENTS_OK: return
    case JSON_EVENTS_MALFORMED:
      let fault = JSONFault(message(found), in: body, at: min(found.offset, end))
      throw .body(fault.sentence(expected: expected))
    default:
      // Without escapes the parser copies only a string or number that is cut off by the end.
      guard scratchByteCount > Self.scratchByteCount else {
        throw .body("the JSON breaks off inside a string or a number; \(expected)")
      }
      throw .overloaded
    }
  }

  /// Returns the parser's explanation of a text that is not JSON.
  static func message(_ found: json_events_end) -> String {
    unsafe withUnsafeBytes(of: found.message) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// Reads numbers of a list that a pass has accepted, from an offset on, and returns the offset
  /// after the last; nil if there are fewer before `end`.
  static func numbers(
    _ body: [UInt8], from start: Int, to end: Int, into numbers: inout [Float]
  ) -> Int? {
    precondition(0 <= start && start <= end && end < body.count, "a list must end with its bracket")
    let count = numbers.count
    let next = unsafe body.withUnsafeBufferPointer { bytes in
      unsafe numbers.withUnsafeMutableBufferPointer { target -> Int in
        guard let text = bytes.baseAddress, let place = target.baseAddress else { return start }
        // SAFETY: there is room for `count` numbers, and a bracket at `end` ends the last one.
        return unsafe json_numbers_read(text, start, end, place, count)
      }
    }
    return next == 0 ? nil : next
  }
}
