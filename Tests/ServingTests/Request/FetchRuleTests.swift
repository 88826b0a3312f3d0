import Serving
import Testing

/// Servers that images are fetched from.
@Suite struct FetchRuleTests {
  private func permission(
    _ list: String, _ host: String, port: Int = 443, isEncrypted: Bool = true
  ) -> FetchRule.Permission? {
    FetchRule(list)?.permission(
      for: ImageOrigin(isEncrypted: isEncrypted, host: host, port: port))
  }

  @Test("A server is asked if it is named with its scheme and port")
  func named() {
    let list = "images.example.org,*.example.net:8443,http://plain.example.com"
    #expect(permission(list, "images.example.org") == .publicNetwork)
    #expect(permission(list, "images.example.org", port: 8443) == .refused)
    #expect(permission(list, "images.example.org", port: 80, isEncrypted: false) == .refused)
    #expect(permission(list, "sub.images.example.org") == .refused)
    #expect(permission(list, "a.example.net", port: 8443) == .publicNetwork)
    #expect(permission(list, "a.b.example.net", port: 8443) == .publicNetwork)
    #expect(permission(list, "example.net", port: 8443) == .refused)
    #expect(permission(list, "badexample.net", port: 8443) == .refused)
    #expect(
      permission(list, "plain.example.com", port: 80, isEncrypted: false) == .publicNetwork)
    #expect(permission(list, "plain.example.com") == .refused)
  }

  @Test("An address is asked wherever it is, if it is named as one")
  func addresses() {
    let list = "http://10.1.2.3:9000,https://[2001:DB8:0:0::7]"
    #expect(permission(list, "10.1.2.3", port: 9000, isEncrypted: false) == .anywhere)
    #expect(permission(list, "2001:db8::7") == .anywhere)
    #expect(permission(list, "2001:db8::8") == .refused)
  }

  @Test(
    "What names no servers is refused",
    arguments: [
      "", ",", "a.example,,b.example", "*", "*.", "a.*.example", "ftp://a.example", "a.example/x",
      "a.example:0", "a.example:65536", "a.example:x", "user@a.example", "*.10.0.0.1", " a.example",
    ])
  func refusals(_ list: String) { #expect(FetchRule(list) == nil) }

  @Test("Nothing is asked without the option")
  func off() {
    #expect(FetchRule.off.isOff)
    let origin = ImageOrigin(isEncrypted: true, host: "a.example", port: 443)
    #expect(FetchRule.off.permission(for: origin) == .refused)
  }
}
