/// Metrics as Prometheus reads them, in its text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats).
package struct Exposition {
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  package private(set) var text = ""
  private var names: Set<String> = []
  private var current: MetricDescription?
  private var isHeadWritten = false

  package init() {}

  /// Samples belong to this metric from now on; one without any is left out. Each name may come once.
  package mutating func begin(_ description: MetricDescription) {
    precondition(names.insert(description.name).inserted, "a metric's samples stand together")
    current = description
    isHeadWritten = false
  }

  /// A metric of one sample, where there is a value.
  package mutating func single(
    _ description: MetricDescription, _ value: Int?, decimals: Int = 0
  ) {
    begin(description)
    if let value { sample([], value, decimals: decimals) }
  }

  /// The value has so many digits behind the point; `suffix` is what a histogram's parts append to its name.
  package mutating func sample(
    _ labels: MetricLabelPairs, _ value: Int, decimals: Int = 0, suffix: String = ""
  ) {
    guard let current else { preconditionFailure("a sample belongs to a metric") }
    if !isHeadWritten {
      text += "# HELP \(current.name) \(Self.escaped(current.help, quotes: false))\n"
      text += "# TYPE \(current.name) \(current.kind.rawValue)\n"
      isHeadWritten = true
    }
    text += current.name
    text += suffix
    for (index, label) in labels.enumerated() {
      text += index == 0 ? "{" : ","
      text += "\(label.name)=\"\(Self.escaped(label.value, quotes: true))\""
    }
    text += labels.isEmpty ? " " : "} "
    text += Self.decimal(value, decimals: decimals)
    text += "\n"
  }

  /// A whole number with the point moved to the left, without zeros at the end: exact, as no binary fraction is.
  static func decimal(_ value: Int, decimals: Int) -> String {
    guard decimals > 0 else { return String(value) }
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.utf8.count)) + digits
    var fraction = padded.suffix(decimals)
    while fraction.last == "0" { fraction.removeLast() }
    let whole = (value < 0 ? "-" : "") + padded.dropLast(decimals)
    return fraction.isEmpty ? whole : "\(whole).\(fraction)"
  }

  /// Line ends and backslashes, and in labels the quote, would end a value early.
  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
