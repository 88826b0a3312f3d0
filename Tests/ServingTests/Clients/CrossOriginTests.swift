import HTTPCore
import Serving
import Telemetry
import Testing

@Suite struct CrossOriginTests {
  private static let page = "https://example.org"

  private func service(_ origins: String) throws -> Service {
    Service(
      limits: ServingLimits(), metrics: ServingMetrics(),
      crossOrigin: try #require(CrossOriginRule(origins)),
      accessLog: AccessLog(Log(format: .json, descriptor: -1)))
  }

  @Test("Origins are read as browsers write them")
  func origins() throws {
    #expect(CrossOriginRule("https://Example.org:443")?.list == ["https://Example.org:443"])
    for text in [
      "", "example.org", "https://", "https://a/", "https://a,", "null", "ftp://a", "https://a b",
      "https://u@a", "https://*.a",
    ] {
      #expect(CrossOriginRule(text) == nil, "\(text)")
    }
  }

  @Test("A page that may read answers may read errors too; others get nothing")
  func answers() async throws {
    let service = try service("http://localhost:3000,https://example.org:443")
    for target in ["/livez", "/readyz", "/nothing", "/v2/models/m"] {
      let allowed = await answerOf(service, to: try Request("GET", target, [("Origin", Self.page)]))
      #expect(allowed.fields["Access-Control-Allow-Origin"] == Self.page)
      #expect(allowed.fields["Access-Control-Expose-Headers"]?.contains("X-Request-Id") == true)
      for fields in [[("Origin", "https://example.com")], [("Origin", "null")], []] {
        let other = await answerOf(service, to: try Request("GET", target, fields))
        #expect(other.fields["Access-Control-Allow-Origin"] == nil)
        #expect(other.fields["Vary"] == "Origin")
      }
    }
    let malformed = service.answer(
      ParseFailure(status: 400, kind: .malformedRequest, detail: "x"),
      fields: HeaderFields([("Origin", Self.page)]))
    #expect(malformed.fields["Access-Control-Allow-Origin"] == Self.page)
  }

  @Test("A preflight is told methods, fields and for how long")
  func preflight() async throws {
    let asked = [
      ("Access-Control-Request-Method", "POST"),
      ("Access-Control-Request-Headers", "content-type,X-Priority"),
    ]
    let request = try Request("OPTIONS", "/classify", [("Origin", Self.page)] + asked)
    for rule in [Self.page, "*"] {
      let answer = await answerOf(try service(rule), to: request)
      #expect(answer.status == 204)
      #expect(answer.fields["Access-Control-Allow-Origin"] == rule)
      #expect(answer.fields["Access-Control-Allow-Methods"] == "POST, PUT")
      #expect(answer.fields["Access-Control-Allow-Headers"] == "content-type, x-priority")
      #expect(answer.fields["Access-Control-Max-Age"] == "7200")
      #expect((answer.fields.values(of: "Vary").contains("Origin")) == (rule != "*"))
    }
    let foreign = await answerOf(try service("https://a"), to: request)
    #expect(foreign.status == 204)
    #expect(foreign.fields["Access-Control-Allow-Methods"] == nil)
  }

  @Test("Nothing is said of origins unless it is asked for")
  func off() async throws {
    let answer = await (try TestService()).answer(
      try Request("GET", "/livez", [("Origin", Self.page)]))
    #expect(answer.fields["Access-Control-Allow-Origin"] == nil && answer.fields["Vary"] == nil)
  }
}
