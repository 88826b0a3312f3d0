import Glibc
import HTTPCore
import HTTPServer
package import Telemetry
import Time

/// Makes the spans of requests that have been answered: one of the server, and below it one for each
/// stage.
///
/// ```
/// POST /classify   ├──────────────────────────────┤
///   read           ├────┤
///   queue               ├──┤
///   decode                 ├───────┤
///   inference                      ├──────────┤
/// ```
///
/// Names and attributes are those of OpenTelemetry's conventions for servers
/// (https://opentelemetry.io/docs/specs/semconv/http/http-spans).
package struct RequestTracer: Sendable {
  /// Methods that the conventions know; any other is `_OTHER`, so that clients cannot invent names.
  private static let methods: Set = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
  ]

  private let queue: SpanQueue
  private let sampler: Sampler
  /// `http` or `https`.
  private let scheme: String

  package init(_ queue: SpanQueue, _ sampler: Sampler, scheme: String) {
    (self.queue, self.sampler, self.scheme) = (queue, sampler, scheme)
  }

  /// Records the spans of a request; returns the trace that they belong to, or nil if there are none.
  ///
  /// Probes and scrapes come by themselves, again and again: they are recorded only in a trace of
  /// their client's.
  func record(_ record: ExchangeRecord, _ route: Route?) -> TraceID? {
    guard let head = record.head else { return nil }
    let context = TraceContext(head.fields)
    guard context != nil || route?.isEssential != true else { return nil }
    let trace = context.flatMap { TraceID($0.traceID) } ?? TraceID()
    guard sampler.samples(trace, isParentSampled: context?.isSampled) else { return nil }
    let clock = WallClock()
    let parent = context.flatMap { SpanID($0.parentID) }.map {
      TraceSpan.Parent($0, isRemote: true)
    }
    let server = TraceSpan(
      name(head, route), .server, trace: trace, parent: parent, state: context?.tracestate,
      start: clock.nanoseconds(record.receivedAt),
      end: clock.nanoseconds(record.receivedAt + record.duration),
      attributes: attributes(record, head, route), isError: record.status >= 500)
    let stages = record.stages.map { stage in
      TraceSpan(
        stage.name, .internal, trace: trace, parent: TraceSpan.Parent(server.id, isRemote: false),
        state: context?.tracestate, start: clock.nanoseconds(stage.start),
        end: clock.nanoseconds(stage.end),
        attributes: [
          SpanAttribute("resnetd.busy_seconds", Double(stage.busy.nanoseconds) / 1e9)
        ])
    }
    queue.add([server] + stages)
    return trace
  }

  private func name(_ head: RequestHead, _ route: Route?) -> String {
    let method = Self.methods.contains(head.method) ? head.method : "HTTP"
    return route.map { "\(method) \($0.path)" } ?? method
  }

  private func attributes(
    _ record: ExchangeRecord, _ head: RequestHead, _ route: Route?
  ) -> [SpanAttribute] {
    let isKnown = Self.methods.contains(head.method)
    let target = head.target.raw
    let mark = target.firstIndex(of: "?") ?? target.endIndex
    var attributes = [
      SpanAttribute("http.request.method", isKnown ? head.method : "_OTHER"),
      SpanAttribute("url.scheme", scheme),
      // Of a target in absolute form only the decoded path is known.
      SpanAttribute("url.path", target.hasPrefix("/") ? String(target[..<mark]) : head.target.path),
      SpanAttribute("http.response.status_code", record.status),
      SpanAttribute("network.protocol.version", head.version == .http11 ? "1.1" : "1.0"),
    ]
    if !isKnown { attributes.append(SpanAttribute("http.request.method_original", head.method)) }
    if let route { attributes.append(SpanAttribute("http.route", route.path)) }
    if mark != target.endIndex {
      attributes.append(SpanAttribute("url.query", String(target[mark...].dropFirst())))
    }
    let peer = NetworkAddress(withPort: record.remoteAddress)?.text ?? record.remoteAddress
    attributes.append(SpanAttribute("network.peer.address", peer))
    attributes.append(SpanAttribute("client.address", record.forwardedAddress?.text ?? peer))
    if let agent = head.fields["User-Agent"] {
      attributes.append(SpanAttribute("user_agent.original", agent))
    }
    if record.status >= 500 {
      attributes.append(SpanAttribute("error.type", String(record.status)))
    }
    return attributes
  }
}

/// Times of the clock that only runs forward, as those of the wall's clock at this moment.
private struct WallClock {
  private let now = ContinuousClock.now
  /// Nanoseconds since 1970-01-01 UTC.
  private let nowNanoseconds: Int

  init() {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    nowNanoseconds = time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  func nanoseconds(_ instant: ContinuousClock.Instant) -> Int {
    nowNanoseconds - (now - instant).nanoseconds
  }
}
