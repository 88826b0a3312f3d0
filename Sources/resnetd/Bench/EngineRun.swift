import Checkpoint
import Engine
import Inference
import ONNX
import ResNet
import Serving

/// A model's network, compiled as for `serve`, on images that are already prepared.
struct EngineRun {
  private let network: CompiledNetwork

  /// Compiles for one thread and the batch sizes of one worker.
  init(_ model: Model, precision: Precision) throws(Failure) {
    var options = CompilationOptions()
    options.precision = precision
    options.calibration = model.calibration
    options.batchSizes = CPUPlan.Settings().plan(cores: 1, for: model.graph).batchSizes
    do throws(EngineError) {
      network = try CompiledNetwork(model.graph, model.weights, options: options)
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
  }

  /// Logits `[N, classes]` of images `[N, C, H, W]`.
  func logits(of images: DenseTensor) throws(Failure) -> DenseTensor {
    let shape = network.inputShape
    let wanted = [shape.channels, shape.height, shape.width]
    guard case .floating(let numbers) = images.numbers, images.shape.count == 4,
      Array(images.shape.dropFirst()) == wanted, images.count > 0
    else {
      throw Failure(
        "an array of \(images.elementType) \(images.shape), the network takes floating-point "
          + "numbers [N, \(wanted.map(String.init).joined(separator: ", "))]")
    }
    let count = images.shape[0]
    let input = numbers.map { Float($0) }
    var logits = [Float](repeating: 0, count: count * network.outputCount)
    do throws(EngineError) {
      let context = try ExecutionContext(network)
      var output = logits.mutableSpan
      try context.run(imageCount: count, input: input.span, logits: &output)
    } catch {
      throw Failure("the network does not run: \(error)")
    }
    return DenseTensor(.float, [count, network.outputCount], logits.map(Double.init))
  }
}
