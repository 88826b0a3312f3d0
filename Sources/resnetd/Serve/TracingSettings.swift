import CCurl
import Serving
import Telemetry

/// Settings of `resnetd serve` for the spans of its requests, beside the environment variables of
/// OpenTelemetry.
struct TracingSettings: CommandSettings {
  /// Address of a collector, without the path of traces; nil for that of the environment.
  var endpoint: String?

  static let options: [Option<TracingSettings>] = [
    .optionalText(
      "otlp-endpoint", "URL", \.endpoint,
      "collector of OpenTelemetry that is sent a span of each request, as http://localhost:4318"
    )
  ]

  /// Throws if the address is none of HTTP, or cannot have the path of traces added.
  func check() throws(UsageError) {
    guard let endpoint else { return }
    guard let url = TracingOptions.url(below: endpoint), Self.isAddress(url) else {
      throw UsageError(
        "--otlp-endpoint is an address like http://localhost:4318 or https://example.org/otlp, without "
          + "user, password, query and fragment"
          + (endpoint.contains("@") ? "" : ", not \"\(PlainText.line(endpoint))\""))
    }
  }

  var isOn: Bool { read().options != nil }

  /// Returns where spans are sent, or nil if nowhere, with warnings about the environment.
  func read() -> (options: TracingOptions?, warnings: [String]) {
    let environment = TracingEnvironment(
      ProgramEnvironment.all, endpoint: endpoint,
      program: ("resnetd", Version.number))
    guard let options = environment.options, !Self.isAddress(options.url) else {
      return (environment.options, environment.warnings)
    }
    return (
      nil,
      environment.warnings + [
        "the address of a collector in OpenTelemetry's variables is not one of http or https, without "
          + "user and password, so that no spans are sent"
      ]
    )
  }

  /// Returns what sends spans, which are counted in the metrics; nil where none are sent.
  func sender(_ metrics: ServingMetrics, _ log: Log) -> SpanSender? {
    let (options, warnings) = read()
    for warning in warnings { log.write(warning, as: .warning) }
    guard let options else { return nil }
    let counted = SpanMetrics()
    metrics.show(counted)
    log.write("sending spans", ["url": .text(options.place)])
    return SpanSender(options, counted, log)
  }

  private static func isAddress(_ url: String) -> Bool {
    var origin = remote_origin()
    // SAFETY: both outlive the call, which keeps neither.
    return unsafe !url.utf8.contains(0) && remote_read_origin(url, &origin)
  }
}
