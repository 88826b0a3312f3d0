import ResNet

/// How a node's output `[C, H, W]` lies in a tensor of the file.
enum ONNXOrder {
  /// `[N, C, H, W]`.
  case channelsFirst
  /// `[N, H, W, C]`.
  case channelsLast
  /// `[N, C * H * W]`.
  case flat

  func value(_ id: Graph.NodeID) -> ONNXImportedValue {
    switch self {
    case .channelsFirst: .features(id)
    case .channelsLast: .channelsLast(id)
    case .flat: .flat(id)
    }
  }

  /// The tensor's dimensions.
  func dimensions(_ shape: FeatureShape, batch: Int) -> [Int] {
    switch self {
    case .channelsFirst: [batch, shape.channels, shape.height, shape.width]
    case .channelsLast: [batch, shape.height, shape.width, shape.channels]
    case .flat: [batch, shape.elementCount]
    }
  }

  /// Where the channels stand among the dimensions.
  var channelAxis: Int { self == .channelsLast ? 3 : 1 }

  var rank: Int { self == .flat ? 2 : 4 }

  /// Where height and width stand; a flat tensor has none.
  var pixelAxes: [Int] {
    switch self {
    case .channelsFirst: [2, 3]
    case .channelsLast: [1, 2]
    case .flat: []
    }
  }
}
