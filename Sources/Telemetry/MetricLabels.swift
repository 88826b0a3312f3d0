/// Names of labels with their values.
package typealias MetricLabelPairs = [(name: String, value: String)]

/// One of a closed list of label sets: others cannot be counted, so no client can make more.
package protocol MetricLabels: Sendable {
  /// All label sets, each at its index.
  static var all: [Self] { get }
  var index: Int { get }
  var pairs: MetricLabelPairs { get }
}

/// One label, whose values are the names of an enumeration's cases.
package protocol MetricLabel: MetricLabels, CaseIterable, Equatable, RawRepresentable<String> {
  static var labelName: String { get }
}

extension MetricLabel {
  package static var all: [Self] { Array(allCases) }
  package var index: Int { Self.allCases.enumerated().first { $0.element == self }?.offset ?? 0 }
  package var pairs: MetricLabelPairs { [(Self.labelName, rawValue)] }
}

/// Labels of a metric with one series: none.
package struct NoLabels: MetricLabels {
  package static let all = [NoLabels()]

  package var index: Int { 0 }
  package var pairs: MetricLabelPairs { [] }

  package init() {}
}
