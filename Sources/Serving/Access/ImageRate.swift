import HTTPServer

/// Images that a key may send in a time.
package struct ImageRate: Sendable, Hashable {
  package enum Unit: String, Sendable, CaseIterable {
    case second = "s"
    case minute = "min"
    case hour = "h"

    var duration: Duration {
      switch self {
      case .second: .seconds(1)
      case .minute: .seconds(60)
      case .hour: .seconds(3600)
      }
    }
  }

  /// Allowed numbers of images, of a rate and of a burst.
  package static let counts = 1...1_000_000
  package static let expected =
    "a whole number from \(counts.lowerBound) to \(counts.upperBound) with /s, /min or /h"
  static let expectedBurst =
    "a whole number of images from \(counts.lowerBound) to \(counts.upperBound)"

  package let count: Int
  package let unit: Unit
  /// Images that may come at once after a pause; as many as in one unit of time by default.
  package var burst: Int

  /// Reads `10/s`, `100/min` or `1000/h`; nil for anything else.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let count = NumberText.wholeNumber(parts[0]),
      Self.counts.contains(count), let unit = Unit(rawValue: String(parts[1]))
    else { return nil }
    (self.count, self.unit, burst) = (count, unit, count)
  }

  /// The rate as it is read.
  package var text: String { "\(count)/\(unit.rawValue)" }

  /// The words of a line in a file of keys.
  package var words: String { "rate=\(text)" + (burst == count ? "" : " burst=\(burst)") }

  var steady: SteadyRate { SteadyRate(count, per: unit.duration, burst: burst) }
}
