package import Engine
import Inference
package import ResNet
import Synchronization

/// Network, or a part of one, whose parameters stay as they are: the frozen layers before those that
/// are trained, or a network that is judged. The serving engine runs it.
package final class FixedNetwork: Sendable {
  /// Images that a thread computes at once.
  package static let batchSize = 8

  /// One thread's means, used by one at a time.
  private final class Context: Sendable {
    let context: Mutex<ExecutionContext>

    init(_ network: CompiledNetwork) throws(EngineError) {
      context = Mutex(try ExecutionContext(network))
    }
  }

  /// Shape of what it gives for an image.
  package let outputShape: FeatureShape
  private let network: CompiledNetwork
  private let contexts: [Context]

  /// - Parameter precision: Of its computation, fp32 or bf16.
  package init(
    _ graph: Graph, _ weights: Weights, precision: Precision = .fp32, threads: Int
  ) throws(EngineError) {
    do { outputShape = try graph.outputShape } catch { throw .graph(error) }
    var options = CompilationOptions()
    options.batchSizes = [Self.batchSize]
    options.precision = precision
    options.taps = [graph.nodes[graph.output].name]
    network = try CompiledNetwork(graph, weights, options: options)
    var contexts: [Context] = []
    for _ in 0..<max(1, threads) { contexts.append(try Context(network)) }
    self.contexts = contexts
  }

  /// Makes a runner for a thread of the caller's own.
  package func makeRunner() throws(EngineError) -> Runner { try Runner(self, network) }

  /// One thread's means to run the network.
  package struct Runner {
    private let owner: FixedNetwork
    private let context: ExecutionContext

    fileprivate init(_ owner: FixedNetwork, _ network: CompiledNetwork) throws(EngineError) {
      self.owner = owner
      context = try ExecutionContext(network)
    }

    /// Returns what `FixedNetwork.outputs` does.
    package func outputs(_ images: [Float]) throws(EngineError) -> [Float] {
      let count = images.count / owner.network.inputShape.elementCount
      var all: [Float] = []
      all.reserveCapacity(count * owner.outputShape.elementCount)
      for first in stride(from: 0, to: count, by: batchSize) {
        let range = first..<min(first + batchSize, count)
        all += try owner.run(context, images, range).get()
      }
      return all
    }
  }

  /// Returns `[N, C, H, W]` for images `[N, C, H, W]`. An image's numbers do not depend on its
  /// neighbours.
  package func outputs(_ images: [Float]) throws(EngineError) -> [Float] {
    let count = images.count / network.inputShape.elementCount
    let partCount = (count + Self.batchSize - 1) / Self.batchSize
    let results = WorkerThread.parts(partCount, threads: contexts.count) { [self] part, thread in
      let range = part * Self.batchSize..<min(count, (part + 1) * Self.batchSize)
      return contexts[thread].context.withLock { run($0, images, range) }
    }
    var all: [Float] = []
    all.reserveCapacity(count * outputShape.elementCount)
    for result in results { all += try result.get() }
    return all
  }

  private func run(
    _ context: ExecutionContext, _ images: [Float], _ range: Range<Int>
  ) -> Result<[Float], EngineError> {
    let size = network.inputShape.elementCount
    let taps = TapOutputs()
    var unused = [Float](repeating: 0, count: range.count * network.outputCount)
    return Result { () throws(EngineError) in
      var span = unused.mutableSpan
      try context.run(
        imageCount: range.count,
        input: images.span.extracting(range.lowerBound * size..<range.upperBound * size),
        logits: &span, taps: taps)
      return taps.numbers[0]
    }
  }
}
