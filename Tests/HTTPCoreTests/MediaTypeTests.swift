import HTTPCore
import Testing

struct MediaTypeTests {
  @Test(
    "Parameters are read with and without quotes",
    arguments: [
      ("text/plain", "text/plain", [:]),
      (" Text/PLAIN ; Charset=UTF-8 ;", "text/plain", ["charset": "UTF-8"]),
      ("a/b; x=\"c;d=\\\"e\\\"\"; y=1", "a/b", ["x": "c;d=\"e\"", "y": "1"]),
      ("a/b; x=\"\"", "a/b", ["x": ""]),
      ("a/b;boundary=--=_Part/1:2", "a/b", ["boundary": "--=_Part/1:2"]),
    ] as [(String, String, [String: String])])
  func valid(text: String, essence: String, parameters: [String: String]) throws {
    let type = try #require(MediaType(text))
    #expect(type.essence == essence)
    #expect(type.parameters == parameters)
  }

  @Test(
    "A string that is not a media type is refused",
    arguments: [
      "", "text", "/", "a/", "/b", "a/b/c", "a b/c", "a/b; x", "a/b; =1", "a/b; x=\"y",
      "a/b; x=y\"", "a/b; x=\"y\"z", "a/b; x=\"y\\",
    ])
  func invalid(text: String) {
    #expect(MediaType(text) == nil)
  }
}
