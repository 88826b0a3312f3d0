import ResNet

/// How a node's output `[C, H, W]` lies in a tensor of the file.
enum ONNXOrder {
  /// `[N, C, H, W]`.
  case channelsFirst
  /// `[N, H, W, C]`.
  case channelsLast
  /// `[N, C * H * W]`.
  case flat
  /// `[N, 1, C]`, of one pixel.
  case row

  func value(_ id: Graph.NodeID) -> ONNXImportedValue {
    switch self {
    case .channelsFirst: .features(id)
    case .channelsLast: .channelsLast(id)
    case .flat: .flat(id)
    case .row: .row(id)
    }
  }

  /// The tensor's dimensions.
  func dimensions(_ shape: FeatureShape, batch: Int) -> [Int] {
    switch self {
    case .channelsFirst: [batch, shape.channels, shape.height, shape.width]
    case .channelsLast: [batch, shape.height, shape.width, shape.channels]
    case .flat: [batch, shape.elementCount]
    case .row: [batch, 1, shape.elementCount]
    }
  }

  /// Where the channels stand among the dimensions.
  var channelAxis: Int { rank == 4 && self != .channelsLast ? 1 : rank - 1 }

  var rank: Int {
    switch self {
    case .channelsFirst, .channelsLast: 4
    case .flat: 2
    case .row: 3
    }
  }

  /// Where height and width stand, if they do.
  var pixelAxes: [Int] {
    switch self {
    case .channelsFirst: [2, 3]
    case .channelsLast: [1, 2]
    case .flat, .row: []
    }
  }
}
