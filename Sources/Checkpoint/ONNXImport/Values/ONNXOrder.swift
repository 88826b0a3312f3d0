import ResNet

/// Layout of a node's output `[C, H, W]` in a tensor of the file.
enum ONNXOrder {
  /// `[N, C, H, W]`.
  case channelsFirst
  /// `[N, H, W, C]`.
  case channelsLast
  /// `[N, C * H * W]`.
  case flat
  /// `[N, C, H * W]`.
  case sequence
  /// `[N, 1, C]`, of one pixel.
  case row

  func value(_ id: Graph.NodeID) -> ONNXImportedValue {
    switch self {
    case .channelsFirst: .features(id)
    case .channelsLast: .channelsLast(id)
    case .flat: .flat(id)
    case .sequence: .sequence(id)
    case .row: .row(id)
    }
  }

  /// The tensor's dimensions.
  func dimensions(_ shape: FeatureShape, batch: Int) -> [Int] {
    switch self {
    case .channelsFirst: [batch, shape.channels, shape.height, shape.width]
    case .channelsLast: [batch, shape.height, shape.width, shape.channels]
    case .flat: [batch, shape.elementCount]
    case .sequence: [batch, shape.channels, shape.pixelCount]
    case .row: [batch, 1, shape.elementCount]
    }
  }

  /// Index of the dimension of the channels.
  var channelAxis: Int {
    switch self {
    case .channelsFirst, .sequence: 1
    case .channelsLast, .flat, .row: rank - 1
    }
  }

  /// Whether the channels have an axis of their own, whatever the number of pixels.
  var separatesChannels: Bool { self != .flat }

  /// Whether numbers lie as in the node's own output.
  var isPlanar: Bool { self != .channelsLast && self != .row }

  var rank: Int {
    switch self {
    case .channelsFirst, .channelsLast: 4
    case .flat: 2
    case .sequence, .row: 3
    }
  }

  /// Indices of the dimensions of height and width, or of their product, if there are any.
  var pixelAxes: [Int] {
    switch self {
    case .channelsFirst: [2, 3]
    case .channelsLast: [1, 2]
    case .sequence: [2]
    case .flat, .row: []
    }
  }
}
