/// Heading of a metric's samples: its name, its kind and what it means.
package struct MetricDescription: Sendable, Hashable {
  package enum Kind: String, Sendable {
    case counter, gauge, histogram
  }

  package let name: String
  package let kind: Kind
  package let help: String

  /// Names are lower-case words with base units; those of counters, and only those, end in `_total`
  /// (https://prometheus.io/docs/practices/naming).
  package init(_ kind: Kind, _ name: String, _ help: String) {
    precondition(Self.isName(name), "name must be of a-z, 0-9 and _, and not begin with a digit")
    precondition(
      name.hasSuffix("_total") == (kind == .counter), "counters, and only they, must end in _total")
    self.name = name
    self.kind = kind
    self.help = help
  }

  static func isName(_ name: String) -> Bool {
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
    return isPlain && name.utf8.first.map { $0 > UInt8(ascii: "9") } == true
  }
}
