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

  @Test(
    "A traceparent is passed on only in the form of Trace Context, section 3.2",
    arguments: [
      ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
      ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true),
      ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false),
      ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
      ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
      ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
      ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
      ("00-4bf92f3577b34da6a3ce929d0e0e4736", false), ("", false),
    ])
  func traceparents(text: String, isPassedOn: Bool) {
    let fields = RequestIdentity(HeaderFields([("traceparent", text)]))
      .marking(Response(status: 200)).fields
    #expect(fields["traceparent"] == (isPassedOn ? text : nil))
    #expect(fields["X-Request-Id"]?.isEmpty == false)
  }
}
