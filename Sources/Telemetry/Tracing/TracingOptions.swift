/// Where spans are sent, which, and as whose.
package struct TracingOptions: Sendable, Hashable {
  /// Address that batches are sent to; whether it is one is not known here.
  package let url: String
  /// Header fields of each request, which may be secret.
  package var headers: [KeyValueList.Member] = []
  /// Facts about this process, `service.name` among them.
  package var resource: [SpanAttribute]
  package var sampler = Sampler.usual
  /// Time that spans wait for others at most.
  package var interval = SpanQueue.usualInterval

  /// Address for people, without a query, which may be secret.
  package var place: String {
    String(decoding: url.utf8.prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
  }

  /// Path of traces below an address of a collector.
  private static let tracesPath = "v1/traces"

  /// Completes the address of a collector; nil for one that a path cannot be added to.
  ///
  /// The path is added as OpenTelemetry's "Endpoint URLs for OTLP/HTTP" has it.
  package static func url(below base: String) -> String? {
    if base.utf8.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
      return nil
    }
    // The path would become the host.
    let place = base.drop { $0 != "/" }
    if ["http:", "https:"].contains(base.lowercased().prefix { $0 != "/" }),
      !place.hasPrefix("//") || place.count == 2 || place.hasPrefix("///")
    {
      return nil
    }
    return base + (base.hasSuffix("/") ? "" : "/") + tracesPath
  }
}
