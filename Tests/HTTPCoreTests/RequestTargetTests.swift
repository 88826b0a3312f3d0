import HTTPCore
import Testing

struct RequestTargetTests {
  @Test(
    "Paths are decoded, whatever the form",
    arguments: [
      ("/", "/"), ("/a%20b", "/a b"), ("/a+b", "/a+b"), ("/%e2%82%ac", "/€"), ("*", "*"),
      ("http://a", "/"), ("HTTP://a/b", "/b"), ("https://a:8443?x", "/"),
      ("http://[::1]:80/b?c", "/b"), ("//a/b", "//a/b"), ("/a%2fb%2Fc", "/a%2Fb%2Fc"),
    ])
  func paths(raw: String, path: String) throws {
    #expect(try #require(RequestTarget(raw)).path == path)
  }

  @Test("Query items keep their order; a plus sign is a blank")
  func query() throws {
    let target = try #require(RequestTarget("/?a=1&b&a=x+y%2Bz&&=v&c=d=e"))
    #expect(
      target.query.map { [$0.name, $0.value] }
        == [["a", "1"], ["b", ""], ["a", "x y+z"], ["", "v"], ["c", "d=e"]])
  }

  @Test(
    "A string that is not a target is refused",
    arguments: ["", "a", "a:80", "http://", "http://?a", "/%"])
  func invalid(raw: String) {
    #expect(RequestTarget(raw) == nil)
  }
}
