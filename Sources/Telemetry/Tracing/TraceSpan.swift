/// One step of a trace that is over: a request, or a stage of it
/// (opentelemetry-proto, trace/v1, `Span`). `Span` itself is the standard library's.
package struct TraceSpan: Sendable, Hashable {
  /// Relation to other spans, with its number in the protocol.
  package enum Kind: Int, Sendable {
    case `internal` = 1
    case server = 2
  }

  /// Span that this one is a part of.
  package struct Parent: Sendable, Hashable {
    package let id: SpanID
    /// Whether another process has recorded it.
    package let isRemote: Bool

    package init(_ id: SpanID, isRemote: Bool) { (self.id, self.isRemote) = (id, isRemote) }
  }

  package let trace: TraceID
  package let id: SpanID
  /// Nil for the first span of a trace.
  package let parent: Parent?
  /// The trace's `tracestate` as it came; nil for none.
  package let state: String?
  package let name: String
  package let kind: Kind
  /// Nanoseconds since 1970-01-01 UTC.
  package let start: Int
  package let end: Int
  package let attributes: [SpanAttribute]
  /// Whether what it stands for has failed.
  package let isError: Bool

  package init(
    _ name: String, _ kind: Kind, trace: TraceID, id: SpanID = SpanID(), parent: Parent? = nil,
    state: String? = nil, start: Int, end: Int, attributes: [SpanAttribute] = [],
    isError: Bool = false
  ) {
    (self.name, self.kind, self.trace, self.id) = (name, kind, trace, id)
    (self.parent, self.state, self.start, self.end) = (parent, state, start, end)
    (self.attributes, self.isError) = (attributes, isError)
  }

  /// Bytes of a span beside its strings, with the buffers that these are in.
  private static let ownByteCount = 256

  /// Memory that it takes, approximately.
  var byteCount: Int {
    attributes.reduce(Self.ownByteCount + name.utf8.count + (state?.utf8.count ?? 0)) {
      $0 + $1.byteCount
    }
  }
}

/// Name and value of a fact about a span, or about the process.
package struct SpanAttribute: Sendable, Hashable {
  package enum Value: Sendable, Hashable {
    case text(String)
    case integer(Int)
    case number(Double)
  }

  /// Bytes of a text, 1 KiB; the rest of a longer one is left out.
  package static let textByteLimit = 1024
  /// Bytes of an attribute beside its strings.
  private static let ownByteCount = 64

  package let name: String
  package let value: Value

  package init(_ name: String, _ text: String) {
    self.name = name
    value = .text(
      text.utf8.count <= Self.textByteLimit
        ? text : String(decoding: text.utf8.prefix(Self.textByteLimit), as: UTF8.self))
  }

  package init(_ name: String, _ integer: Int) { (self.name, value) = (name, .integer(integer)) }

  package init(_ name: String, _ number: Double) { (self.name, value) = (name, .number(number)) }

  fileprivate var byteCount: Int {
    let textByteCount = if case .text(let text) = value { text.utf8.count } else { 0 }
    return Self.ownByteCount + name.utf8.count + textByteCount
  }
}
