import Telemetry
import Testing

@Suite struct TracingEnvironmentTests {
  private func read(
    _ environment: [String: String], endpoint: String? = nil
  ) -> TracingEnvironment {
    TracingEnvironment(environment, endpoint: endpoint, program: (name: "program", version: "1.2"))
  }

  private static let base = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"]

  @Test("Without an address nothing is sent, whatever else is set")
  func off() {
    for environment in [
      [:], ["OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "nonsense"],
      ["OTEL_EXPORTER_OTLP_ENDPOINT": ""],
    ] {
      #expect(read(environment).options == nil && read(environment).warnings.isEmpty)
    }
  }

  @Test(
    "The path of traces is added to a collector's address, not to that of traces",
    arguments: [
      ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318", "http://c:4318/v1/traces"),
      ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/", "http://c:4318/v1/traces"),
      ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c/otlp", "https://c/otlp/v1/traces"),
      ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318", "http://c:4318"),
      ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/t?a=b", "http://c/t?a=b"),
    ])
  func address(name: String, value: String, url: String) {
    #expect(read([name: value]).options?.url == url)
  }

  @Test("The option wins over the variable of traces, and that over the one of all signals")
  func precedence() {
    var environment = Self.base
    environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = "http://t/"
    #expect(read(environment).options?.url == "http://t/")
    #expect(read(environment, endpoint: "http://o").options?.url == "http://o/v1/traces")
  }

  @Test("An address that no path can be added to is refused, and the secret in it not told")
  func query() {
    let found = read(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c/?token=abc"])
    #expect(found.options == nil && found.warnings.count == 1)
    #expect(!found.warnings[0].contains("abc"))
    let traces = read(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c/t?token=abc"])
    #expect(traces.options?.place == "http://c/t")
  }

  @Test(
    "OpenTelemetry is switched off as its specification says",
    arguments: [
      ("OTEL_SDK_DISABLED", "true", false, 0), ("OTEL_SDK_DISABLED", "TRUE", false, 0),
      ("OTEL_SDK_DISABLED", "false", true, 0), ("OTEL_SDK_DISABLED", "1", true, 1),
      ("OTEL_TRACES_EXPORTER", "none", false, 0), ("OTEL_TRACES_EXPORTER", "otlp", true, 0),
      ("OTEL_TRACES_EXPORTER", "zipkin", true, 1),
    ])
  func disabled(name: String, value: String, isOn: Bool, warningCount: Int) {
    let found = read(Self.base.merging([name: value]) { $1 })
    #expect((found.options != nil) == isOn && found.warnings.count == warningCount)
    // Whoever gives the option is told why it has no effect.
    if !isOn { #expect(read([name: value], endpoint: "http://c").warnings.count == 1) }
  }

  @Test("Header fields are decoded; those of traces win, and malformed ones count as unset")
  func headers() {
    let name = "OTEL_EXPORTER_OTLP_HEADERS"
    let found = read(Self.base.merging([name: "Authorization=Basic%20YTpi==, x-a = b ,"]) { $1 })
    #expect(
      found.options?.headers == [
        KeyValueList.Member(name: "Authorization", value: "Basic YTpi=="),
        KeyValueList.Member(name: "x-a", value: "b"),
      ])
    let traces = read(
      Self.base.merging([name: "a=b", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "c=d"]) { $1 })
    #expect(traces.options?.headers == [KeyValueList.Member(name: "c", value: "d")])
    for bad in ["secret", "a=secret%0d%0ab", "a b=secret", "a=%zzsecret", "=secret", "a=secret%00"]
    {
      let found = read(Self.base.merging([name: bad]) { $1 })
      #expect(found.options?.headers == [] && found.warnings.count == 1)
      #expect(found.warnings.allSatisfy { !$0.contains("secret") })
    }
  }

  @Test("The name of the service is that of its variable, of the attributes, or the program's")
  func resource() {
    #expect(
      read(Self.base).options?.resource == [
        SpanAttribute("service.name", "program"), SpanAttribute("service.version", "1.2"),
      ])
    let attributes = "deployment.environment=a%2Cb,service.name=attribute,service.version=9"
    var environment = Self.base
    environment["OTEL_RESOURCE_ATTRIBUTES"] = attributes
    #expect(
      read(environment).options?.resource == [
        SpanAttribute("deployment.environment", "a,b"), SpanAttribute("service.name", "attribute"),
        SpanAttribute("service.version", "9"),
      ])
    environment["OTEL_SERVICE_NAME"] = "variable"
    #expect(read(environment).options?.resource.first == SpanAttribute("service.name", "variable"))
    #expect(read(environment).options?.resource.count == 3)
    environment["OTEL_RESOURCE_ATTRIBUTES"] = "a=b,broken"
    #expect(read(environment).options?.resource.map(\.name) == ["service.name", "service.version"])
    #expect(read(environment).warnings.count == 1)
  }

  @Test("The sampler is that of its variables; what is not allowed counts as unset")
  func sampler() {
    func sampler(_ name: String, _ ratio: String? = nil) -> TracingEnvironment {
      var environment = Self.base
      environment["OTEL_TRACES_SAMPLER"] = name
      environment["OTEL_TRACES_SAMPLER_ARG"] = ratio
      return read(environment)
    }
    #expect(read(Self.base).options?.sampler == .usual)
    for name in Sampler.names {
      let found = sampler(name, "0.25")
      #expect(found.options?.sampler == Sampler(name: name, ratio: 0.25) && found.warnings.isEmpty)
    }
    for bad in ["2", "-1", "nan", "x"] {
      let found = sampler("parentbased_traceidratio", bad)
      #expect(found.options?.sampler == Sampler(name: "parentbased_traceidratio", ratio: 1))
      #expect(found.warnings.count == 1)
    }
    let unknown = sampler("xray")
    #expect(unknown.options?.sampler == .usual && unknown.warnings.count == 1)
  }

  @Test("The interval is a number of milliseconds, and another encoding is told of")
  func others() {
    let name = "OTEL_BSP_SCHEDULE_DELAY"
    let found = read(Self.base.merging([name: "250"]) { $1 })
    #expect(found.options?.interval == .milliseconds(250) && found.warnings.isEmpty)
    for bad in ["0", "-1", "5s", "9999999999"] {
      let found = read(Self.base.merging([name: bad]) { $1 })
      #expect(found.options?.interval == .seconds(5) && found.warnings.count == 1)
    }
    for (encoding, count) in [("http/json", 0), ("grpc", 1)] {
      let found = read(Self.base.merging(["OTEL_EXPORTER_OTLP_PROTOCOL": encoding]) { $1 })
      #expect(found.options != nil && found.warnings.count == count)
    }
  }
}
