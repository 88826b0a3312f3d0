import Checkpoint
import Engine
import Inference
import ONNX
import ResNet
import Serving

/// A model's network, compiled as for `serve`, on images that are already prepared.
struct EngineRun {
  /// Numbers of one output, row-major.
  struct Output {
    /// `[N, C, H, W]`, or `[N, C]` if that is all there is of one pixel.
    let shape: [Int]
    let numbers: [Float]
  }

  private let network: CompiledNetwork

  /// Numbers of one output, which a file of 2 GiB holds.
  private static let numberCountLimit = Int(Int32.max) / MemoryLayout<Float>.size

  /// Compiles for one thread and the batch sizes of one worker.
  ///
  /// - Parameters:
  ///   - nodes: Names of nodes whose outputs are wanted too.
  ///   - isForOne: Whether only one image will be run, so that fewer sizes are compiled.
  init(
    _ model: Model, precision: Precision, nodes: [String] = [], isForOne: Bool = false
  ) throws(Failure) {
    var options = CompilationOptions()
    options.precision = precision
    options.calibration = model.calibration
    options.batchSizes =
      isForOne ? [1] : CPUPlan.Settings().plan(cores: 1, for: model.graph).batchSizes
    options.taps = nodes
    do throws(EngineError) {
      network = try CompiledNetwork(model.graph, model.weights, options: options)
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
  }

  /// Runs images `[N, C, H, W]`, and returns their logits `[N, classes]`.
  func logits(of images: DenseTensor) throws(Failure) -> DenseTensor {
    let logits = try outputs(of: images).logits
    return DenseTensor(.float, logits.shape, logits.numbers.map(Double.init))
  }

  /// Runs images `[N, C, H, W]`, and returns their logits `[N, classes]` and the nodes' outputs.
  func outputs(of images: DenseTensor) throws(Failure) -> (logits: Output, nodes: [Output]) {
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
    for shape in network.tapShapes where count > Self.numberCountLimit / shape.elementCount {
      throw Failure(
        "an output of \(count) images of \(shape) numbers, a file holds "
          + "\(Self.numberCountLimit); give fewer images at once")
    }
    let input = numbers.map { Float($0) }
    var logits = [Float](repeating: 0, count: count * network.outputCount)
    let taps = TapOutputs()
    do throws(EngineError) {
      let context = try ExecutionContext(network)
      var output = logits.mutableSpan
      try context.run(imageCount: count, input: input.span, logits: &output, taps: taps)
    } catch {
      throw Failure("the network does not run: \(error)")
    }
    let nodes = zip(taps.shapes, taps.numbers).map { shape, numbers in
      let pixels = shape.pixelCount == 1 ? [] : [shape.height, shape.width]
      return Output(shape: [count, shape.channels] + pixels, numbers: numbers)
    }
    return (Output(shape: [count, network.outputCount], numbers: logits), nodes)
  }
}
