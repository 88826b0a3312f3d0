/// Member of the residual family by its numbers, as in Table 1 of He et al. 2015 and as a model
/// file records it.
package struct Architecture: Sendable, Hashable, Codable {
  /// Layers before the first stage.
  package enum Stem: String, Sendable, Codable {
    /// 7x7 convolution of stride 2 with 64 channels, then 3x3 max pooling of stride 2.
    case imageNet = "imagenet"
    /// 3x3 convolution of stride 1 with as many channels as the first stage (section 4.2).
    case cifar
    /// 3x3 convolution of stride 2 with as many channels as the first stage, for images of 64x64.
    case strided
  }

  package enum Block: String, Sendable, Codable {
    /// Two 3x3 convolutions.
    case basic
    /// Convolutions of 1x1, 3x3, and 1x1 to four times the width.
    case bottleneck

    package var expansion: Int { self == .basic ? 1 : 4 }
  }

  /// Shortcut option of section 3.3: A pads with zeros, B projects where the shape changes, C
  /// projects everywhere.
  package enum Shortcut: String, Sendable, Codable {
    case a = "A"
    case b = "B"
    case c = "C"
  }

  /// Convolution in which a downsampling bottleneck strides: its first 1x1 (the paper, "v1") or its
  /// 3x3 ("v1.5").
  package enum StridePlacement: String, Sendable, Codable, CaseIterable {
    case in1x1 = "v1"
    case in3x3 = "v1.5"
  }

  /// Place of option A's zero channels: after the input's, or half of them on either side.
  package enum ZeroChannels: String, Sendable, Codable { case trailing, centered }

  package struct Stage: Sendable, Hashable, Codable {
    package var blocks: Int
    /// Channels of the block's inner convolutions at group width 64 (64 for `conv2_x`).
    package var width: Int

    package init(blocks: Int, width: Int) {
      self.blocks = blocks
      self.width = width
    }
  }

  package var stem: Stem
  package var block: Block
  package var stages: [Stage]
  package var shortcut: Shortcut
  package var stridePlacement: StridePlacement
  package var zeroChannels = ZeroChannels.trailing
  /// Groups of the 3x3 convolution (ResNeXt's cardinality) and channels per group at width 64.
  package var groups = 1
  package var widthPerGroup = 64
  package var classCount: Int
  /// Side of the square input in pixels.
  package var inputSize: Int
  package var normalizationEpsilon: Float = 1e-5

  package init(
    stem: Stem, block: Block, stages: [Stage], shortcut: Shortcut,
    stridePlacement: StridePlacement = .in3x3, classCount: Int, inputSize: Int
  ) {
    self.stem = stem
    self.block = block
    self.stages = stages
    self.shortcut = shortcut
    self.stridePlacement = stridePlacement
    self.classCount = classCount
    self.inputSize = inputSize
  }
}
