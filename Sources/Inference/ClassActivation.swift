import Checkpoint
import ResNet

/// Class activation maps of a model (Zhou et al. 2016): where in the image each class was seen.
///
/// A class's map is the last linear layer applied to each pixel of the last map, without the bias. Its
/// mean and the bias are the class's output, so the numbers are shares of the output: positive where
/// the image speaks for the class, negative where it speaks against it.
package struct ClassActivation: Sendable {
  /// Size of the maps, which cover the network's input.
  package let height: Int
  package let width: Int
  private let channels: Int
  private let labelCount: Int
  /// Row-major `[outputs, channels]`.
  private let weights: [Float]

  /// Returns nil if the layer's weights are not where those of a linear layer are.
  init?(_ source: ClassActivationSource, _ weights: Weights, labelCount: Int) {
    guard let matrix = weights[source.layer + ".weight"], let outputCount = matrix.shape.first,
      matrix.elementCount == outputCount * source.shape.channels
    else { return nil }
    (height, width) = (source.shape.height, source.shape.width)
    channels = source.shape.channels
    self.labelCount = labelCount
    self.weights = Array(matrix.values)
  }

  package var pixelCount: Int { height * width }

  /// Returns a class's map, row-major `[height, width]`.
  ///
  /// - Parameter map: The last map of one image, `[channels, height, width]`.
  package func map(of label: Int, from map: [Float]) -> [Float] {
    precondition(map.count == channels * pixelCount, "the map must be the last one")
    // A single output is the second of two labels, and speaks for the first where it is negative.
    let isSingle = weights.count == channels && labelCount == 2
    let row = isSingle ? 0 : label
    let sign: Float = isSingle && label == 0 ? -1 : 1
    var sums = [Float](repeating: 0, count: pixelCount)
    for channel in 0..<channels {
      let weight = sign * weights[row * channels + channel]
      for pixel in 0..<pixelCount { sums[pixel] += weight * map[channel * pixelCount + pixel] }
    }
    return sums
  }

  /// Bytes that the weights take.
  static func byteCount(for graph: Graph) -> Int {
    guard let source = try? graph.classActivationSource(),
      let shape = try? graph.parameterShapes()[source.layer + ".weight"]
    else { return 0 }
    return shape.reduce(MemoryLayout<Float>.stride, *)
  }
}
