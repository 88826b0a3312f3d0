import Foundation
import Telemetry
import Testing

@Suite struct SpanDocumentTests {
  private static let trace = TraceID("5b8efff798038103d269b633813fc60c")!
  private static let id = SpanID("eee19b7ec3c1b174")!
  private static let parent = SpanID("eee19b7ec3c1b173")!

  private func text(_ spans: [TraceSpan]) -> String {
    let document = SpanDocument(
      resource: [SpanAttribute("service.name", "my.service")],
      scope: (name: "my.library", version: "1.0.0"))
    return String(decoding: document.bytes(spans), as: UTF8.self)
  }

  @Test("A span is written as the example of the protocol has it")
  func example() {
    let span = TraceSpan(
      "I'm a server span", .server, trace: Self.trace, id: Self.id,
      parent: TraceSpan.Parent(Self.parent, isRemote: true), start: 1_544_712_660_000_000_000,
      end: 1_544_712_661_000_000_000, attributes: [SpanAttribute("my.span.attr", "some value")])
    #expect(
      text([span])
        == #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","#
        + #""value":{"stringValue":"my.service"}}]},"#
        + #""scopeSpans":[{"scope":{"name":"my.library","version":"1.0.0"},"spans":["#
        + #"{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","#
        + #""parentSpanId":"eee19b7ec3c1b173","flags":769,"name":"I'm a server span","kind":2,"#
        + #""startTimeUnixNano":"1544712660000000000","endTimeUnixNano":"1544712661000000000","#
        + #""attributes":[{"key":"my.span.attr","value":{"stringValue":"some value"}}]}]}]}]}"#)
  }

  @Test("Integers are strings, failures have a status, and several spans are one document")
  func values() throws {
    let first = TraceSpan(
      "a\"b\n", .server, trace: Self.trace, id: Self.id, state: "a=1,b=2", start: 1, end: 2,
      attributes: [SpanAttribute("code", 503), SpanAttribute("time", 0.5)], isError: true)
    let second = TraceSpan(
      "part", .internal, trace: Self.trace, parent: TraceSpan.Parent(Self.id, isRemote: false),
      start: 1, end: 2)
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(text([first, second]).utf8)) as? [String: Any])
    let resources = try #require(document["resourceSpans"] as? [[String: Any]])
    let scopes = try #require(resources.first?["scopeSpans"] as? [[String: Any]])
    let spans = try #require(scopes.first?["spans"] as? [[String: Any]])
    #expect(spans.count == 2)
    #expect(spans[0]["name"] as? String == "a\"b\n")
    #expect(spans[0]["traceState"] as? String == "a=1,b=2")
    #expect(spans[0]["parentSpanId"] == nil && spans[0]["flags"] as? Int == 0x101)
    #expect((spans[0]["status"] as? [String: Int]) == ["code": 2])
    let attributes = try #require(spans[0]["attributes"] as? [[String: Any]])
    #expect((attributes[0]["value"] as? [String: String]) == ["intValue": "503"])
    #expect((attributes[1]["value"] as? [String: Double]) == ["doubleValue": 0.5])
    #expect(spans[1]["parentSpanId"] as? String == "eee19b7ec3c1b174")
    #expect(spans[1]["kind"] as? Int == 1 && spans[1]["flags"] as? Int == 0x101)
    #expect(spans[1]["status"] == nil)
  }

  @Test("Ids are read and written with all their digits, and zero is none")
  func ids() {
    #expect(TraceID("0000000000000000000000000000000a")?.text == "0000000000000000000000000000000a")
    #expect(SpanID("00f067aa0ba902b7")?.text == "00f067aa0ba902b7")
    for bad in ["", "0", "0000000000000000000000000000000G", String(repeating: "0", count: 32)] {
      #expect(TraceID(bad) == nil)
    }
    for bad in ["00F067AA0BA902B7", "0000000000000000", "+0f067aa0ba902b7", "00f067aa0ba902b"] {
      #expect(SpanID(bad) == nil)
    }
    #expect(TraceID() != TraceID() && SpanID() != SpanID())
  }

  @Test("A long text is cut")
  func long() {
    let limit = SpanAttribute.textByteLimit
    let attribute = SpanAttribute("a", String(repeating: "x", count: limit + 1))
    #expect(attribute.value == .text(String(repeating: "x", count: limit)))
  }
}
