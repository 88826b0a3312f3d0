/// Shape of one image's feature map, `[C, H, W]`; the batch dimension N is not part of a graph.
package struct FeatureShape: Sendable, Hashable, Codable, CustomStringConvertible {
  package var channels: Int
  package var height: Int
  package var width: Int

  package init(channels: Int, height: Int, width: Int) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  package var elementCount: Int { channels * height * width }
  package var pixelCount: Int { height * width }
  package var description: String { "\(channels)x\(height)x\(width)" }
}

/// Pair of numbers for the two spatial axes.
package struct Extent: Sendable, Hashable, Codable {
  package var height: Int
  package var width: Int

  package init(height: Int, width: Int) {
    self.height = height
    self.width = width
  }

  package init(_ both: Int) { self.init(height: both, width: both) }
}
