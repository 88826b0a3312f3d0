import HTTPCore
import Testing

struct NetworkAddressTests {
  @Test(
    "Addresses are read as they are written, with and without a port",
    arguments: [
      ("127.0.0.1", "::ffff:127.0.0.1"), ("127.0.0.1:80", "127.0.0.1"),
      ("2001:DB8:0::1", "2001:db8::1"), ("[2001:db8::1]:80", "2001:db8::1"), ("[::1]", "::1"),
    ])
  func same(a: String, b: String) throws {
    #expect(try #require(NetworkAddress(withPort: a)) == #require(NetworkAddress(b)))
  }

  @Test(
    "An address is shown in the usual form of its family",
    arguments: [
      ("127.0.0.1", "127.0.0.1"), ("::ffff:192.0.2.7", "192.0.2.7"),
      ("2001:DB8:0:0::1", "2001:db8::1"), ("::", "::"),
    ])
  func text(address: String, text: String) throws {
    #expect(try #require(NetworkAddress(address)).text == text)
  }

  @Test(
    "A string that is not an address is refused",
    arguments: ["", "a", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1", "::g", "unix:uid=0"])
  func invalid(text: String) { #expect(NetworkAddress(withPort: text) == nil) }

  @Test(
    "A prefix contains the addresses that begin like it",
    arguments: [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false),
      ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false),
      ("0.0.0.0/0", "9.9.9.9", true),
      ("0.0.0.0/0", "::1", false), ("::/0", "9.9.9.9", true),
      ("2001:db8::/32", "2001:db8:9::1", true),
      ("2001:db8::/32", "2001:db9::", false), ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
      ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
    ])
  func contains(prefix: String, address: String, isContained: Bool) throws {
    let prefix = try #require(NetworkPrefix(prefix))
    #expect(prefix.contains(try #require(NetworkAddress(address))) == isContained)
  }

  @Test(
    "A string that is not a prefix is refused",
    arguments: [
      "", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.1/8", "::1/64", "a/8",
      "10.0.0.0/8/8",
    ])
  func invalidPrefix(text: String) { #expect(NetworkPrefix(text) == nil) }

  @Test("A client of IPv6 is its network, one of IPv4 its address")
  func client() throws {
    let addresses = try ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "1.1.1.1", "1.1.1.2"].map
    {
      try #require(NetworkAddress($0)).client
    }
    #expect(addresses[0] == addresses[1])
    #expect(Set(addresses).count == 4)
  }
}
