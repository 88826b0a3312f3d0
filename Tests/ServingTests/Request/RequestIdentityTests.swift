import HTTPCore
import Serving
import Testing

@Suite struct RequestIdentityTests {
  @Test("A well-formed id is the client's, else it is made here")
  func ids() {
    #expect(RequestIdentity(HeaderFields([("X-Request-Id", "a-B_c.9")])).id == "a-B_c.9")
    let long = String(repeating: "x", count: RequestIdentity.idByteCountLimit + 1)
    for bad in ["", "a b", "a\"b", "é", "a\u{1b}", long] {
      let id = RequestIdentity(HeaderFields([("X-Request-Id", bad)])).id
      #expect(id != bad && id.utf8.count == 16)
    }
    #expect(RequestIdentity(nil).id != RequestIdentity(nil).id)
  }

  @Test("The answer carries the id, and the trace context where there is one")
  func marking() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    let traced = RequestIdentity(HeaderFields([("traceparent", parent), ("tracestate", "a=b")]))
      .marking(Response(status: 200)).fields
    #expect(traced["traceparent"] == parent)
    #expect(traced["tracestate"] == "a=b")
    #expect(traced["X-Request-Id"]?.isEmpty == false)
    let plain = RequestIdentity(HeaderFields([("tracestate", "a=b")]))
      .marking(Response(status: 200)).fields
    #expect(plain.fields.map(\.name) == ["X-Request-Id", "Cache-Control"])
  }
}
