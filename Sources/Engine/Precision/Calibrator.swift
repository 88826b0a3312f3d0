package import ResNet

/// Calibrator that measures the ranges of a network's activations on images, from which int8 takes
/// its scales.
///
/// Two passes over the same images: `observe` finds the largest magnitude of every node's output,
/// `count` fills a histogram up to it. `ranges` then cuts off the rarest magnitudes.
package final class Calibrator {
  /// Bins of a histogram; a range is exact to one part in as many.
  static let binCount = 4096

  fileprivate struct Distribution: Sendable {
    var largest: Float = 0
    var bins: [Int] = []
  }

  private let context: ExecutionContext
  private var distributions: [String: Distribution] = [:]

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

  /// Largest magnitude of every node's output over the observed images.
  package var largest: [String: Float] { distributions.mapValues(\.largest) }

  /// Takes in what others observed, so that histograms of all can be added.
  package func observe(largest others: [String: Float]) {
    for (name, value) in others {
      let own = distributions[name]?.largest ?? 0
      distributions[name, default: Distribution()].largest = max(own, value)
    }
  }

  /// Histograms of all images that one calibrator counted.
  package struct Counts: Sendable {
    fileprivate let distributions: [String: Distribution]
  }

  package var counts: Counts { Counts(distributions: distributions) }

  /// Adds the histograms of another calibrator, which knew the same largest magnitudes.
  package func add(_ counts: Counts) {
    for (name, counted) in counts.distributions where !counted.bins.isEmpty {
      guard var distribution = distributions.removeValue(forKey: name) else { continue }
      precondition(
        distribution.largest == counted.largest, "histograms must have the same upper end")
      if distribution.bins.isEmpty {
        distribution.bins = counted.bins
      } else {
        for bin in counted.bins.indices { distribution.bins[bin] += counted.bins[bin] }
      }
      distributions[name] = distribution
    }
  }

  /// Measures the largest magnitudes of one image `[3, H, W]`.
  package func observe(_ image: Span<Float>) throws(EngineError) {
    try run(image)
    context.readActivations { name, values in
      var largest = distributions[name]?.largest ?? 0
      for index in values.indices { largest = max(largest, abs(values[index])) }
      distributions[name, default: Distribution()].largest = largest
    }
  }

  /// Counts the magnitudes of one of the observed images.
  package func count(_ image: Span<Float>) throws(EngineError) {
    try run(image)
    context.readActivations { name, values in
      guard var distribution = distributions.removeValue(forKey: name) else { return }
      if distribution.bins.isEmpty { distribution.bins = [Int](repeating: 0, count: Self.binCount) }
      if distribution.largest > 0 {
        let factor = Float(Self.binCount) / distribution.largest
        for index in values.indices {
          let magnitude = abs(values[index])
          // Zeros say nothing about the range, and padding of blocked layouts is zero too.
          if magnitude > 0 {
            distribution.bins[min(Int(magnitude * factor), Self.binCount - 1)] += 1
          }
        }
      }
      distributions[name] = distribution
    }
  }

  /// Returns the magnitude that `percentile` percent of each node's non-zero numbers do not exceed;
  /// 1 for a node that is always zero.
  package func ranges(percentile: Double) -> [String: Float] {
    var ranges: [String: Float] = [:]
    for (name, distribution) in distributions {
      ranges[name] = Self.range(of: distribution, percentile: percentile)
    }
    return ranges
  }

  private static func range(of distribution: Distribution, percentile: Double) -> Float {
    guard distribution.largest > 0 else { return 1 }
    let total = distribution.bins.reduce(0, +)
    var rest = Int((Double(total) * (100 - percentile) / 100).rounded())
    for bin in distribution.bins.indices.reversed() {
      rest -= distribution.bins[bin]
      if rest < 0 { return distribution.largest * Float(bin + 1) / Float(binCount) }
    }
    return distribution.largest
  }

  private func run(_ image: Span<Float>) throws(EngineError) {
    var logits = [Float](repeating: 0, count: context.network.outputCount)
    var span = logits.mutableSpan
    try context.run(imageCount: 1, input: image, logits: &span)
  }
}
