package import ResNet

/// Calibrator that measures the ranges of a network's activations on images, from which int8 takes
/// its scales: `measure` counts the magnitudes of every node's output, and `ranges` cuts off the
/// rarest.
///
/// The ranges follow from the images alone, in whatever order they were measured and by however many
/// calibrators, whose counts are added.
package final class Calibrator {
  private let context: ExecutionContext
  /// Counts of all images that were measured.
  package private(set) var counts = Counts()

  package convenience init(_ graph: Graph, _ weights: Weights) throws(EngineError) {
    try self.init(Self.network(graph, weights))
  }

  /// - Parameter network: One that `network` made; several calibrators may share it, one a thread.
  package init(_ network: CompiledNetwork) throws(EngineError) {
    context = try ExecutionContext(network)
  }

  /// Compiles a network so that all its activations can be measured.
  package static func network(
    _ graph: Graph, _ weights: Weights
  ) throws(EngineError) -> CompiledNetwork {
    var options = CompilationOptions()
    options.keepsActivations = true
    return try CompiledNetwork(graph, weights, options: options)
  }

  /// Counts the magnitudes of one image `[3, H, W]`.
  package func measure(_ image: Span<Float>) throws(EngineError) {
    var logits = [Float](repeating: 0, count: context.network.outputCount)
    var span = logits.mutableSpan
    try context.run(imageCount: 1, input: image, logits: &span)
    context.readActivations { name, values in
      counts.histograms[name, default: MagnitudeHistogram()].count(values)
    }
  }

  /// Magnitudes of the outputs of every node.
  package struct Counts: Sendable {
    fileprivate var histograms: [String: MagnitudeHistogram] = [:]

    package init() {}

    /// Adds the counts of other images.
    package mutating func add(_ others: Counts) {
      for (name, histogram) in others.histograms {
        histograms[name, default: MagnitudeHistogram()].add(histogram)
      }
    }

    /// Returns the magnitude that `percentile` percent of each node's non-zero numbers do not
    /// exceed; 1 for a node that is always zero.
    package func ranges(percentile: Double) -> [String: Float] {
      histograms.mapValues { $0.range(percentile: percentile) }
    }
  }

  package func ranges(percentile: Double) -> [String: Float] {
    counts.ranges(percentile: percentile)
  }
}
