import ResNet

/// Filters before strides (Zhang 2019).
///
///     timm               conv2, bn2, act2, aa             conv2 does not stride, aa may have a buffer
///     antialiased-cnns   conv2, bn2, conv3.0, conv3.1     the filter is a module of the next convolution
extension NetworkBuilder {
  /// Whether a filter stands for the first convolution's stride too.
  var filtersStem: Bool { tensors.shape("maxpool.0.filt") != nil }

  /// What stands before strides; buffers of filters say it too.
  var antiAliasing: NetworkVariant.AntiAliasing {
    if let stated = variant.antiAliasing { return stated }
    return parts.hasFilters ? .blur : .nothing
  }

  /// Appends the filter that stands for a stride.
  mutating func appendFilter(_ name: String, stride: Int) throws(CheckpointError) {
    switch antiAliasing {
    case .nothing: return
    case .average:
      guard stride > 1 else { return }
      try append(name, .averagePool(Pooling(window: Extent(stride), stride: Extent(stride))))
    case .blur:
      try append("\(name).pad", .border(Padding(1), .reflect))
      var filter = Convolution(outputChannels: outputShape.channels, kernel: Extent(3))
      filter.stride = Extent(stride)
      filter.groups = outputShape.channels
      try append(name, .convolution(filter))
      let stored = "\(name).filt"
      take("\(name).weight", from: tensors.shape(stored) != nil ? .stored(stored) : .binomial)
    }
  }

  /// Rows of a filter; the package has up to 7.
  private static let filterSideLimit = 16

  /// Appends a filter by the file's own numbers, which may be of any size.
  mutating func appendStoredFilter(
    _ name: String, stride: Int, from input: Graph.NodeID
  ) throws(CheckpointError) -> Graph.NodeID {
    guard let entry = tensors.parameters["\(name).filt"] else {
      throw .unsupported("no tensor \(name).filt, as other filters have")
    }
    let channels = shapes[input].channels
    guard entry.shape.count == 4, entry.shape[0] == channels, entry.shape[2] == entry.shape[3],
      1...Self.filterSideLimit ~= entry.shape[2]
    else {
      throw .tensor(
        name: entry.name, offset: entry.offset,
        reason: "shape \(entry.shape) is not that of a filter of at most \(Self.filterSideLimit) "
          + "rows and columns for each of \(channels) channels")
    }
    let side = entry.shape[2]
    if side == 1 {
      // The package picks pixels then, and does not read the number.
      passedOver.insert("\(name).filt")
      return try append(
        name, .maxPool(Pooling(window: Extent(1), stride: Extent(stride))), [input])
    }
    assume("edges are reflected for filters before strides, as antialiased-cnns does by default")
    let padding = Padding(before: Extent((side - 1) / 2), after: Extent(side / 2))
    let map = try append("\(name).pad", .border(padding, .reflect), [input])
    var filter = Convolution(outputChannels: channels, kernel: Extent(side))
    filter.stride = Extent(stride)
    filter.groups = channels
    take("\(name).weight", from: .stored("\(name).filt"))
    return try append(name, .convolution(filter), [map])
  }

  /// Appends a stem's pooling as antialiased-cnns has it: the maximum of 2x2 pixels, and filters.
  mutating func appendFilteredPooling() throws(CheckpointError) {
    if filtersStem { _ = try appendStoredFilter("maxpool.0", stride: 2, from: output) }
    try append("maxpool.max", .maxPool(Pooling(window: Extent(2), stride: Extent(1))))
    _ = try appendStoredFilter(filtersStem ? "maxpool.2" : "maxpool.1", stride: 2, from: output)
  }
}
