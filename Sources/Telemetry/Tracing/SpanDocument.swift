import JSON

/// Spans as a request of OTLP/HTTP carries them: an `ExportTraceServiceRequest` in JSON
/// (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding).
///
///     {"resourceSpans":[{"resource":{"attributes":[…]},
///       "scopeSpans":[{"scope":{"name":"resnetd","version":…},"spans":[
///         {"traceId":"5b8e…","spanId":"eee1…","kind":2,"startTimeUnixNano":"1544712660000000000",…},
///         …]}]}]}
///
/// Ids are hexadecimal digits there, integers of 64 bits are strings, and values of enumerations are
/// numbers.
package struct SpanDocument: Sendable {
  package static let contentType = "application/json"

  private enum Flags {
    /// W3C's flag of a trace that is recorded, which all spans have that are sent.
    static let sampled = 0x01
    /// Whether the next flag means anything (`SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK`).
    static let knowsRemote = 0x100
    static let isRemote = 0x200
  }

  /// Number of the status of a failure in the protocol; without a failure the status stays unset.
  private static let errorCode = 2

  /// All bytes before the first span.
  private let head: [UInt8]
  private static let tail = Array("]}]}]}".utf8)

  /// - Parameters:
  ///   - resource: Facts about this process, `service.name` among them.
  ///   - scope: Name and version of the program that records spans.
  package init(resource: [SpanAttribute], scope: (name: String, version: String)) {
    let resource: JSONValue = ["attributes": Self.value(resource)]
    let scope: JSONValue = ["name": .string(scope.name), "version": .string(scope.version)]
    var head = Array(#"{"resourceSpans":[{"resource":"#.utf8)
    head += resource.bytes
    head += #","scopeSpans":[{"scope":"#.utf8
    head += scope.bytes
    head += #","spans":["#.utf8
    self.head = head
  }

  /// Returns the body for these spans, which are one or more.
  package func bytes(_ spans: [TraceSpan]) -> [UInt8] {
    precondition(!spans.isEmpty, "a request without spans must not be sent")
    var bytes = head
    for (index, span) in spans.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      bytes += JSONValue.object(Self.object(span)).bytes
    }
    return bytes + Self.tail
  }

  private static func object(_ span: TraceSpan) -> JSONObject {
    var object: JSONObject = [
      "traceId": .string(span.trace.text), "spanId": .string(span.id.text),
    ]
    if let state = span.state { object.append("traceState", .string(state)) }
    if let parent = span.parent { object.append("parentSpanId", .string(parent.id.text)) }
    let remote = span.parent?.isRemote == true ? Flags.isRemote : 0
    object += [
      "flags": .integer(Flags.sampled | Flags.knowsRemote | remote), "name": .string(span.name),
      "kind": .integer(span.kind.rawValue), "startTimeUnixNano": .string(String(span.start)),
      "endTimeUnixNano": .string(String(span.end)), "attributes": value(span.attributes),
    ]
    if span.isError { object.append("status", ["code": .integer(errorCode)]) }
    return object
  }

  private static func value(_ attributes: [SpanAttribute]) -> JSONValue {
    .array(
      attributes.map { attribute in
        let value: JSONObject =
          switch attribute.value {
          case .text(let text): ["stringValue": .string(text)]
          case .integer(let integer): ["intValue": .string(String(integer))]
          case .number(let number): ["doubleValue": .double(number)]
          }
        return ["key": .string(attribute.name), "value": .object(value)]
      })
  }
}
