import Dispatch
import Engine
import Numbers
import ResNet
import Testing

/// Networks that several threads compile at once, in two precisions, which oneDNN 2.6 by itself
/// does not support.
@Suite struct SideBySideTests {
  /// Network of other sizes each time, so that the library cannot reuse an earlier one's
  /// primitives.
  private static func graph(_ index: Int) -> Graph {
    var graph = Graph(
      input: FeatureShape(channels: 3, height: 5 + index % 7, width: 4 + index / 7 % 9))
    var convolution = Convolution(outputChannels: 1 + index % 37, kernel: Extent(3))
    convolution.padding = Padding(1)
    convolution.hasBias = true
    let stem = graph.append("stem", .convolution(convolution), 0)
    let main = graph.append("conv", .convolution(convolution), stem)
    let sum = graph.append("add", .add, main, stem)
    let pooled = graph.append("pool", .globalAveragePool, sum)
    graph.append("fc", .linear(Linear(outputs: 9)), pooled)
    return graph
  }

  private static func largestDifference(_ graph: Graph, _ precision: Precision) throws -> Double {
    let weights = try Weights.random(for: graph)
    var options = CompilationOptions()
    options.precision = precision
    options.batchSizes = [1, 2]
    let context = try ExecutionContext(CompiledNetwork(graph, weights, options: options))
    let images = ReproducibleNumbers("images").values(
      count: context.network.inputShape.elementCount, from: -2, to: 2)
    let logits = try context.logits(of: images, count: 1)
    let expected = try ReferenceInterpreter(graph, weights).run(images.map(Double.init))
    let largest = expected.map(abs).max() ?? 0
    return zip(logits, expected).map {
      $0.isFinite ? abs(Double($0) - $1) / largest : .infinity
    }.max() ?? .infinity
  }

  @Test("Networks that are compiled at the same time give the reference's logits")
  func compilation() {
    DispatchQueue.concurrentPerform(iterations: 1500) { index in
      do {
        let precision: Precision =
          index % 2 == 1 && Precision.bf16.isSupported ? .bf16 : .fp32
        let difference = try Self.largestDifference(Self.graph(index), precision)
        #expect(difference <= (precision == .fp32 ? 1e-5 : 0.05), "network \(index)")
      } catch {
        Issue.record(error)
      }
    }
  }
}
