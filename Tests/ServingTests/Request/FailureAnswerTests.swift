import HTTPCore
import HTTPServer
import Serving
import Telemetry
import Testing

/// The handlers' words for requests that the server refuses itself, and for those that it must not
/// refuse.
struct FailureAnswerTests {
  private static let lines = Log(format: .json, descriptor: -1)
  private static let log = AccessLog(lines, isOn: false)
  private static let handlers: [any RequestHandler] = [
    Service(limits: ServingLimits(), metrics: ServingMetrics(), accessLog: log),
    MetricsService(ServingMetrics(), accessLog: log),
    AdminService(token: nil, options: [], accessLog: log, log: lines),
  ]

  @Test(
    "A failure's answer keeps the client's identity and says when to come back", arguments: 0..<3)
  func identity(handler: Int) {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let response = Self.handlers[handler].answer(
      ParseFailure(status: 503, kind: .overloaded, detail: "full", retryAfterSeconds: 3),
      fields: HeaderFields([("X-Request-Id", "mine"), ("traceparent", trace)]))
    #expect(response.status == 503)
    #expect(response.fields["X-Request-Id"] == "mine")
    #expect(response.fields["traceparent"]?.contains("0af7651916cd43dd8448eb211c80319c") == true)
    #expect(response.fields["Retry-After"] == "3")
  }

  @Test(
    "Probes and metrics are essential, classification and the page are not",
    arguments: [
      ("/livez", true), ("/readyz", true), ("/healthz", true), ("/startupz", true),
      ("/metrics", true), ("/classify", false), ("/", false), ("/other", false),
    ])
  func essential(path: String, isEssential: Bool) throws {
    let head = RequestHead(method: "GET", target: try #require(RequestTarget(path)))
    #expect(Self.handlers[0].isEssential(head) == isEssential)
    #expect(Self.handlers[1].isEssential(head) && Self.handlers[2].isEssential(head))
  }
}
