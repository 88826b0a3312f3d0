/// The environment variables of OpenTelemetry that concern this program
/// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
///
/// A value that is not allowed counts as unset, with a warning, as the specification demands; an
/// empty one counts as unset.
package struct TracingEnvironment {
  private enum Name {
    static let disabled = "OTEL_SDK_DISABLED"
    static let exporter = "OTEL_TRACES_EXPORTER"
    static let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
    static let tracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    static let headers = "OTEL_EXPORTER_OTLP_HEADERS"
    static let tracesHeaders = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
    static let `protocol` = "OTEL_EXPORTER_OTLP_PROTOCOL"
    static let tracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    static let interval = "OTEL_BSP_SCHEDULE_DELAY"
    static let service = "OTEL_SERVICE_NAME"
    static let resource = "OTEL_RESOURCE_ATTRIBUTES"
    static let sampler = "OTEL_TRACES_SAMPLER"
    static let samplerArgument = "OTEL_TRACES_SAMPLER_ARG"
  }

  /// The only encoding that is spoken here.
  private static let spokenProtocol = "http/json"
  /// Milliseconds between two batches.
  private static let intervals = 1...3_600_000
  /// Bytes of a header line, name and value.
  private static let headerByteLimit = 4096

  /// Nil where no spans are wanted.
  package private(set) var options: TracingOptions?
  /// Warnings for the log; no value of a header is in them.
  package private(set) var warnings: [String] = []

  private let values: [String: String]

  /// - Parameters:
  ///   - endpoint: Address of a collector that wins over those of the environment; nil for none.
  ///   - program: Name and version of this program.
  package init(
    _ environment: [String: String], endpoint: String?, program: (name: String, version: String)
  ) {
    values = environment.filter { $0.key.hasPrefix("OTEL_") && !$0.value.isEmpty }
    guard let url = url(endpoint) else { return }
    guard isWanted(isAsked: endpoint != nil) else { return }
    var options = TracingOptions(url: url, resource: resource(program))
    options.headers = headers()
    options.sampler = sampler()
    options.interval = interval()
    if let name = [Name.tracesProtocol, Name.protocol].first(where: { values[$0] != nil }),
      let found = values[name], found != Self.spokenProtocol
    {
      warn(
        name,
        "names \(quoted(found)), and spans are sent as \(Self.spokenProtocol) alone, which collectors "
          + "take at port 4318")
    }
    self.options = options
  }

  /// Returns the address, or nil where none is given.
  private mutating func url(_ endpoint: String?) -> String? {
    if let endpoint { return TracingOptions.url(below: endpoint) }
    if let url = values[Name.tracesEndpoint] { return url }
    guard let base = values[Name.endpoint] else { return nil }
    let url = TracingOptions.url(below: base)
    if url == nil {
      warn(Name.endpoint, "has a query, a fragment or no host, so that no spans are sent")
    }
    return url
  }

  private mutating func isWanted(isAsked: Bool) -> Bool {
    if let disabled = values[Name.disabled]?.lowercased(), disabled != "false" {
      if disabled == "true" {
        if isAsked { warn(Name.disabled, "is true, so that no spans are sent") }
        return false
      }
      warn(Name.disabled, "is true or false, not \(quoted(disabled)), and counts as false")
    }
    guard let exporter = values[Name.exporter] else { return true }
    if exporter == "none" {
      if isAsked { warn(Name.exporter, "is none, so that no spans are sent") }
      return false
    }
    if exporter != "otlp" {
      warn(Name.exporter, "is otlp or none, not \(quoted(exporter)), and counts as otlp")
    }
    return true
  }

  private mutating func headers() -> [KeyValueList.Member] {
    let names = [Name.tracesHeaders, Name.headers]
    guard let name = names.first(where: { values[$0] != nil }), let text = values[name] else {
      return []
    }
    guard let members = KeyValueList.members(text), members.allSatisfy(Self.isHeader) else {
      warn(
        name,
        "is a list name=value,name=value of header fields, with escapes as in a URL; it counts as "
          + "unset")
      return []
    }
    return members
  }

  /// Returns whether it is a field of one line (RFC 9110, section 5).
  private static func isHeader(_ member: KeyValueList.Member) -> Bool {
    member.name.utf8.count + member.value.utf8.count <= headerByteLimit
      && member.name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"):
          true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
      && member.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
  }

  /// Returns the variable's attributes, and the program's where it has none of that name.
  private mutating func resource(_ program: (name: String, version: String)) -> [SpanAttribute] {
    var attributes: [SpanAttribute] = []
    if let service = values[Name.service] {
      attributes.append(SpanAttribute("service.name", service))
    }
    var given: [KeyValueList.Member] = []
    if let text = values[Name.resource] {
      if let members = KeyValueList.members(text) {
        given = members
      } else {
        warn(
          Name.resource,
          "is a list name=value,name=value, with escapes as in a URL, not \(quoted(text)); it counts "
            + "as unset")
      }
    }
    let own = [("service.name", program.name), ("service.version", program.version)]
    for (name, value) in given.map({ ($0.name, $0.value) }) + own
    where !attributes.contains(where: { $0.name == name }) {
      attributes.append(SpanAttribute(name, value))
    }
    return attributes
  }

  private mutating func sampler() -> Sampler {
    guard let name = values[Name.sampler] else { return .usual }
    var ratio = 1.0
    if name.hasSuffix("traceidratio"), let text = values[Name.samplerArgument] {
      if let number = Double(text), 0...1 ~= number {
        ratio = number
      } else {
        warn(
          Name.samplerArgument,
          "is a number from 0 to 1, not \(quoted(text)), and counts as unset: 1")
      }
    }
    if let sampler = Sampler(name: name, ratio: ratio) { return sampler }
    warn(
      Name.sampler,
      "is one of \(Sampler.names.joined(separator: ", ")), not \(quoted(name)), and counts as "
        + "unset: parentbased_always_on")
    return .usual
  }

  private mutating func interval() -> Duration {
    guard let text = values[Name.interval] else { return SpanQueue.usualInterval }
    if let milliseconds = Int(text), Self.intervals ~= milliseconds {
      return .milliseconds(milliseconds)
    }
    warn(
      Name.interval,
      "is a whole number of milliseconds from 1 to \(Self.intervals.upperBound), not "
        + "\(quoted(text)), and counts as unset: 5000")
    return SpanQueue.usualInterval
  }

  private mutating func warn(_ name: String, _ sentence: String) {
    warnings.append("the variable \(name) \(sentence)")
  }

  /// Bytes of a quotation, 64.
  private static let quotedByteLimit = 64

  private func quoted(_ text: String) -> String {
    "\"\(String(decoding: text.utf8.prefix(Self.quotedByteLimit), as: UTF8.self))\""
  }
}
