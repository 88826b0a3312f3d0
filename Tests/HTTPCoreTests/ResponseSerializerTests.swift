import HTTPCore
import Testing

struct ResponseSerializerTests {
  private static func text(
    _ response: Response, toHead: Bool = false, closing: Bool = false, http10: Bool = false
  ) -> String {
    String(
      decoding: ResponseSerializer.bytes(
        response, date: "D", toHead: toHead, closing: closing, keepAliveToHTTP10: http10),
      as: UTF8.self)
  }

  private static let response = Response(status: 200, contentType: "text/plain", text: "hello")
  private static let start = "HTTP/1.1 200 OK\r\nDate: D\r\nContent-Type: text/plain\r\n"

  @Test("An answer has its date, its fields, its length and its body")
  func whole() {
    #expect(Self.text(Self.response) == Self.start + "Content-Length: 5\r\n\r\nhello")
  }

  @Test("An answer to HEAD has the body's length but not the body")
  func head() {
    #expect(
      Self.text(Self.response, toHead: true) == Self.start + "Content-Length: 5\r\n\r\n")
  }

  @Test("Connection says whether the connection stays where that is not understood")
  func connection() {
    #expect(Self.text(Self.response, closing: true).contains("\r\nConnection: close\r\n"))
    #expect(Self.text(Self.response, http10: true).contains("\r\nConnection: keep-alive\r\n"))
    #expect(
      Self.text(Self.response, closing: true, http10: true).contains("\r\nConnection: close\r\n"))
  }

  @Test("An answer that never has a body has no length", arguments: [204, 304])
  func bodyless(status: Int) {
    let text = Self.text(Response(status: status, body: [1]))
    #expect(!text.contains("Content-Length"))
    #expect(text.hasSuffix("\r\n\r\n"))
  }

  @Test("A value cannot end its line")
  func injection() {
    let fields = HeaderFields([("X", "a\r\nSet-Cookie: b\u{0}")])
    #expect(
      Self.text(Response(status: 204, fields: fields)).contains("\r\nX: a  Set-Cookie: b \r\n"))
  }
}
