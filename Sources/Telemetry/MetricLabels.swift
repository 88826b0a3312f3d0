/// Names of labels with their values.
package typealias MetricLabelPairs = [(name: String, value: String)]

/// One of a closed list of label sets: what is not on the list cannot be counted, so no client can make more.
package protocol MetricLabels: Sendable {
  /// Every one, each at its index.
  static var all: [Self] { get }
  var index: Int { get }
  var pairs: MetricLabelPairs { get }
}

/// Of a metric with one series.
package struct NoLabels: MetricLabels {
  package static let all = [NoLabels()]

  package var index: Int { 0 }
  package var pairs: MetricLabelPairs { [] }

  package init() {}
}
