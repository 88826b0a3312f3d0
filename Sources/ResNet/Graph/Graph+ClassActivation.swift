/// Reason why a network has no class activation maps.
package enum ClassActivationFault: Error, Hashable, CustomStringConvertible {
  case features(FeatureFault)
  /// Something other than the average over a map stands before the last linear layer.
  case noAverage(node: String)
  /// Something follows the last linear layer.
  case laterLayers(node: String)
  /// The last layer's weights are no matrix from channels to classes.
  case noMatrix(node: String)
  /// The map that is averaged is a single pixel.
  case onePixel

  package var description: String {
    switch self {
    case .features(let fault): fault.description
    case .noAverage(let node):
      "the model has no class activation maps: its last layer reads \(node.prefix(Self.nameLimit)), "
        + "not the average over a map"
    case .laterLayers(let node):
      "the model has no class activation maps: \(node.prefix(Self.nameLimit)) follows its last "
        + "linear layer"
    case .noMatrix(let node):
      "the model has no class activation maps: the weights of \(node.prefix(Self.nameLimit)), its "
        + "last layer, are not one for each channel and class"
    case .onePixel:
      "the model has no class activation maps: its last map is one pixel, which shows no place"
    }
  }

  /// Characters of a node's name that are shown.
  private static let nameLimit = 80
}

/// Parts of a network that its class activation maps are made of.
package struct ClassActivationSource: Sendable, Hashable {
  /// Node of the last map, `[C, H, W]`, over whose pixels the average is taken.
  package let map: Graph.NodeID
  package let shape: FeatureShape
  /// Name of the linear layer on the average, whose weights are `[classes, C]`.
  package let layer: String
}

extension Graph {
  /// Finds what class activation maps are made of (Zhou et al. 2016, section 2): a linear layer on the
  /// average over a map gives the average over what it would give for each pixel, so that the latter
  /// tells where a class was seen.
  package func classActivationSource() throws(ClassActivationFault) -> ClassActivationSource {
    let (feature, head): (NodeID, NodeID)
    do throws(FeatureFault) { (feature, head) = (try featureNode(), try headNode()) } catch {
      throw .features(error)
    }
    guard head == output else { throw .laterLayers(node: nodes[output].name) }
    if case .convolution(let convolution) = nodes[head].operation,
      convolution.kernel != Extent(1) || convolution.groups != 1
    {
      throw .noMatrix(node: nodes[head].name)
    }
    guard let shapes = try? shapes() else { throw .noAverage(node: nodes[feature].name) }
    // Bounds of the average, as quantised files have them, leave it one.
    var average = feature
    while case .elementwise(.clip) = nodes[average].operation { average = nodes[average].inputs[0] }
    guard average > 0 else { throw .noAverage(node: nodes[feature].name) }
    let node = nodes[average]
    let map = node.inputs[0]
    switch node.operation {
    case .globalAveragePool: break
    case .averagePool(let pooling)
    where shapes[average].pixelCount == 1 && pooling.padding == Padding(0)
      && pooling.window == Extent(height: shapes[map].height, width: shapes[map].width):
      break
    default: throw .noAverage(node: node.name)
    }
    guard map > 0 else { throw .noAverage(node: nodes[map].name) }
    guard shapes[map].pixelCount > 1 else { throw .onePixel }
    return ClassActivationSource(map: map, shape: shapes[map], layer: nodes[head].name)
  }
}
