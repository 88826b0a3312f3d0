import HTTPCore
import Serving
import Testing

@Suite struct TraceContextTests {
  private static let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
  private static let tail = "\(traceID)-00f067aa0ba902b7-01"

  @Test(
    "A traceparent of section 3.2 is passed on, of a later version as 00",
    arguments: [
      ("00-\(tail)", "00-\(tail)"), ("00-\(traceID)-00f067aa0ba902b7-ff", nil),
      ("cc-\(tail)", "00-\(tail)"), ("cc-\(tail)-what-comes-later", "00-\(tail)"),
      ("cc-\(tail)-", "00-\(tail)"),
      ("01-\(traceID)-00f067aa0ba902b7-fe", "00-\(traceID)-00f067aa0ba902b7-00"),
    ] as [(String, String?)])
  func wellFormed(text: String, passedOn: String?) {
    let context = TraceContext(HeaderFields([("Traceparent", text)]))
    #expect(context?.traceparent == passedOn ?? text)
    #expect(context?.traceID == Self.traceID && context?.parentID == "00f067aa0ba902b7")
    #expect(context?.isSampled == !text.hasSuffix("-fe"))
    #expect(context?.tracestate == nil)
  }

  @Test(
    "A malformed traceparent is dropped, and its tracestate with it",
    arguments: [
      "", "-", "00", "00-\(traceID)", "00-\(traceID)-00f067aa0ba902b7",
      "00-\(tail)-", "00-\(tail)-more", "00-\(tail)1", "00-\(tail).more", "cc-\(tail).more",
      "ff-\(tail)", "0-\(tail)", "000-\(tail)", "0X-\(tail)", "+0-\(tail)", "CC-\(tail)",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
      "00-\(traceID)-0000000000000000-01", "00-\(traceID)-00f067aa0ba902b7-0x",
      "00-\(traceID)-00f067aa0ba902b7-1", "00-\(traceID)-00f067aa0ba902b7--1",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "00-\(traceID)-00F067AA0BA902B7-01", "00-\(traceID.dropLast())-00f067aa0ba902b7-01",
      "00-\(traceID)0-00f067aa0ba902b7-01", "00-\(traceID.dropLast())g-00f067aa0ba902b7-01",
      "00-\(traceID)-00f067aa0ba902b-01", "00-\(traceID)-00f067aa0ba902b7a-01",
      "00-\(traceID.dropLast())é-00f067aa0ba902b7-01", "00_\(tail)", "00-\(tail) x",
    ])
  func malformed(text: String) {
    #expect(TraceContext(HeaderFields([("traceparent", text), ("tracestate", "a=b")])) == nil)
  }

  @Test("Several traceparents are none")
  func repeated() {
    let field = ("traceparent", "00-\(Self.tail)")
    #expect(TraceContext(HeaderFields([field, field])) == nil)
    #expect(TraceContext(HeaderFields([("tracestate", "a=b")])) == nil)
    #expect(TraceContext(nil) == nil)
  }

  @Test(
    "A tracestate of section 3.3.1 is passed on in one field, a malformed one is dropped alone",
    arguments: [
      (["a=b"], "a=b"), (["a=1,b=2", "c=3"], "a=1,b=2,c=3"), ([" a=1 ,\t, b=2,"], "a=1,b=2"),
      (["1tenant@sys=v", "a-_*/9=x y"], "1tenant@sys=v,a-_*/9=x y"), (["a=~!"], "a=~!"),
      ([""], nil), ([","], nil), (["a"], nil), (["=b"], nil), (["a="], nil), (["a=b=c"], nil),
      (["A=b"], nil), (["1a=b"], nil), (["a@=b"], nil), (["@a=b"], nil), (["a@b@c=d"], nil),
      (["a=b,a=c"], nil), (["a b=c"], nil), (["a=\u{1}"], nil), (["a=é"], nil),
      ([String(repeating: "k", count: 256) + "=v"], String(repeating: "k", count: 256) + "=v"),
      ([String(repeating: "k", count: 257) + "=v"], nil),
      (["a=" + String(repeating: "v", count: 257)], nil), (["t@abcdefghijklmno=v"], nil),
    ] as [([String], String?)])
  func states(fields: [String], passedOn: String?) {
    let context = TraceContext(
      HeaderFields([("traceparent", "00-\(Self.tail)")] + fields.map { ("tracestate", $0) }))
    #expect(context?.tracestate == passedOn)
    #expect(context?.traceparent == "00-\(Self.tail)")
  }

  @Test("A tracestate has no more members than the standard allows", arguments: [0, 1])
  func memberLimit(excess: Int) {
    let text = (0..<TraceContext.stateMemberLimit + excess).map { "k\($0)=v" }
      .joined(separator: ",")
    let context = TraceContext(
      HeaderFields([("traceparent", "00-\(Self.tail)"), ("tracestate", text)]))
    #expect(context?.tracestate == (excess == 0 ? text : nil))
  }
}
