package import ResNet

/// What tensors leave open of the network that they belong to: networks that compute differently
/// have tensors of the same names and shapes. What is nil was not stated.
package struct NetworkVariant: Sendable, Hashable {
  /// What stands before a stride, so that less of it is lost.
  package enum AntiAliasing: String, Sendable, Hashable, CaseIterable {
    case nothing = "none"
    /// The mean of 2x2 pixels (timm's `resnetaa`).
    case average
    /// A binomial filter of 3x3 pixels (Zhang 2019; timm's `resnetblur`).
    case blur
  }

  /// Pooling of 3x3 pixels with stride 2 after the first convolution.
  package enum StemPooling: String, Sendable, Hashable, CaseIterable {
    case nothing = "none"
    /// The maximum, with less than every number around the map.
    case max
    /// The maximum, with zeros around the map (BiT).
    case maxZero = "max-zero"
    /// The maximum without padding, and the last window cut where the map ends (Caffe).
    case maxCeil = "max-ceil"
  }

  /// What makes one number of each channel's pixels before the classifier.
  package enum GlobalPooling: String, Sendable, Hashable, CaseIterable {
    case avg, max
    /// Both, one after the other (timm's `catavgmax`).
    case avgMax = "avg+max"
    /// Both in fastai's order.
    case maxAvg = "max+avg"
    /// The mean of both, as timm calls it.
    case mean = "avgmax"
  }

  /// What makes one number of each channel's pixels before attention over channels.
  package enum AttentionPooling: String, Sendable, Hashable, CaseIterable {
    case avg
    /// The mean of mean and maximum (timm's `add_maxpool`).
    case mean = "avgmax"

    var pooling: GlobalPooling { self == .avg ? .avg : .mean }
  }

  /// Function whose results attention over channels multiplies by.
  package enum AttentionGate: String, Sendable, Hashable, CaseIterable {
    case sigmoid
    case hardSigmoid = "hard-sigmoid"
  }

  /// What stands beside the first and the last channel where attention has a kernel over channels: zeros,
  /// or the channels of the other end (timm's `ceca`).
  package enum AttentionPadding: String, Sendable, Hashable, CaseIterable { case zeros, circular }

  /// Which convolution strides in blocks that have two.
  package enum BasicStride: String, Sendable, Hashable, CaseIterable { case first, second }

  package var stridePlacement: Architecture.StridePlacement?
  package var basicStride: BasicStride?
  /// Quotient of the input's and the last map's sides: 32; at 16 and 8, the last stages dilate
  /// instead of striding.
  package var outputStride: Int?
  /// Numbers of the stages that dilate instead of striding, in order, counted from 1 (an element of
  /// torchvision's `replace_stride_with_dilation` each, from stage 2 on).
  package var dilatedStages: [Int]?
  package var activation: Activation?
  /// Function between a block's convolutions, if it is another one (Hugging Face's `hidden_act` does
  /// not reach there).
  package var innerActivation: Activation?
  /// Epsilon of normalisations.
  package var epsilon: Float?
  package var pooling: GlobalPooling?
  package var attentionPooling: AttentionPooling?
  package var attentionGate: AttentionGate?
  package var attentionPadding: AttentionPadding?
  package var antiAliasing: AntiAliasing?
  package var stemStride: Int?
  package var stemPooling: StemPooling?
  /// Stride of the first stage: 1 but in networks that have no other pooling there.
  package var firstStageStride: Int?
  /// Stride of the last stage: 2, or 1 where its map is to stay large (re-identification).
  package var lastStageStride: Int?
  /// Where shortcuts without weights put new channels of zeros.
  package var zeroChannels: Architecture.ZeroChannels?
  /// Whether shortcuts take the mean of 2x2 pixels where they would stride (ResNet-D).
  package var averagesShortcuts: Bool?
  /// Whether a shortcut's projection reads a block's input as it is, in ResNetV2, rather than what comes
  /// of the first normalisation and activation.
  package var projectsRawInput: Bool?
  /// Groups of group normalisation.
  package var normalizationGroups: Int?
  /// Whether convolutions' weights are normalised before use (Qiao et al. 2019).
  package var standardizesWeights: Bool?
  /// Name of the module that is the classifier, where several may be.
  package var head: String?
  /// Function between the linear layers of a classifier that has several.
  package var headActivation: Activation?
  /// What a network's name says of tensors, which a file must show.
  var named: NetworkTraits?
  /// Names of the settings that were given beside a network's name or configuration, which themselves
  /// may say what its tensors have no place for; nil where all were given.
  var given: Set<String>?

  package init() {}

  /// Variant that says nothing.
  package var isEmpty: Bool { self == NetworkVariant() }

  /// Variant of torchvision's and most other published networks.
  package static var usual: NetworkVariant {
    var variant = NetworkVariant()
    variant.stridePlacement = .in3x3
    (variant.outputStride, variant.activation, variant.epsilon) = (32, .relu, 1e-5)
    (variant.pooling, variant.antiAliasing, variant.firstStageStride) = (.avg, .nothing, 1)
    (variant.stemStride, variant.stemPooling, variant.lastStageStride) = (2, .max, 2)
    return variant
  }

  /// Takes everything that the other one states.
  mutating func take(_ other: NetworkVariant) {
    if given != nil || other.given != nil {
      given = (given ?? settingNames).union(other.given ?? other.settingNames)
    }
    // Whoever speaks of the stem does not mean that of the name.
    if other.stemStride != nil || other.stemPooling != nil { named?.stemSide = nil }
    merge(other) { $1 ?? $0 }
  }

  /// What this one states otherwise than the other one.
  func differences(from other: NetworkVariant) -> NetworkVariant {
    var result = self
    result.given = nil
    result.merge(other) { $0 == $1 ? nil : $0 }
    return result
  }

  private mutating func merge(
    _ other: NetworkVariant, by choose: (AnyHashable?, AnyHashable?) -> AnyHashable?
  ) {
    func merge<Value: Hashable>(_ key: WritableKeyPath<NetworkVariant, Value?>) {
      self[keyPath: key] = choose(self[keyPath: key], other[keyPath: key]) as? Value
    }
    merge(\.stridePlacement)
    merge(\.basicStride)
    merge(\.outputStride)
    merge(\.dilatedStages)
    merge(\.activation)
    merge(\.innerActivation)
    merge(\.epsilon)
    merge(\.pooling)
    merge(\.attentionPooling)
    merge(\.attentionGate)
    merge(\.attentionPadding)
    merge(\.antiAliasing)
    merge(\.stemStride)
    merge(\.stemPooling)
    merge(\.firstStageStride)
    merge(\.lastStageStride)
    merge(\.zeroChannels)
    merge(\.averagesShortcuts)
    merge(\.projectsRawInput)
    merge(\.normalizationGroups)
    merge(\.standardizesWeights)
    merge(\.head)
    merge(\.headActivation)
    merge(\.named)
  }
}

/// What tensors show of a network, and a name says of them.
struct NetworkTraits: Sendable, Hashable {
  /// Blocks of each stage; nil if the name does not say.
  var blockCounts: [Int]?
  var isBottleneck: Bool?
  var hasAttention = false
  var hasDeepStem = false
  var isPreActivation = false
  var hasGroupNormalization = false
  /// Whether 3x3 convolutions have groups (ResNeXt).
  var isGrouped = false
  /// Side of the first convolution; nil if the name does not say, or the stem has several.
  var stemSide: Int?

  /// Returns the name of the network of He et al. 2015 with these blocks; nil if there is none.
  private var usualName: String? {
    switch (blockCounts, isBottleneck) {
    case ([2, 2, 2, 2], false): "resnet18"
    case ([3, 4, 6, 3], false): "resnet34"
    case ([3, 4, 6, 3], true): "resnet50"
    case ([3, 4, 23, 3], true): "resnet101"
    case ([3, 8, 36, 3], true): "resnet152"
    default: nil
    }
  }

  /// Clause that says what to do with a name that is not the file's.
  private static func wayOut(_ name: String?) -> String {
    "; name the file's own network\(name.map { ", whose blocks are those of \($0)," } ?? "") or leave "
      + "the name out"
  }

  /// Throws for the first one that a file shows otherwise than this name says.
  func check(_ found: NetworkTraits) throws(CheckpointError) {
    if let blockCounts, let counts = found.blockCounts, blockCounts != counts {
      throw .variant(
        "the network that it names has \(blockCounts) blocks in its stages, the file \(counts)"
          + Self.wayOut(found.usualName))
    }
    func fault(_ what: String, _ isSaid: Bool) -> CheckpointError {
      .variant(
        "the network that it names has \(isSaid ? "" : "no ")\(what), the file "
          + (isSaid ? "has none" : "has") + Self.wayOut(nil))
    }
    if let isBottleneck, isBottleneck != found.isBottleneck {
      throw fault("bottlenecks", isBottleneck)
    }
    if hasAttention != found.hasAttention { throw fault("attention (se)", hasAttention) }
    if hasDeepStem != found.hasDeepStem {
      throw fault("stem of three convolutions (c, d, s, t)", hasDeepStem)
    }
    if hasGroupNormalization != found.hasGroupNormalization {
      throw fault("group normalisation (gn)", hasGroupNormalization)
    }
    if let stemSide, let side = found.stemSide, stemSide != side {
      throw .variant(
        "the network that it names has a first convolution of \(stemSide)x\(stemSide) numbers, the file of "
          + "\(side)x\(side); if that is for small images, say beside the name how it strides: "
          + "stem-stride=1,stem-pool=none")
    }
    if isGrouped != found.isGrouped { throw fault("grouped convolutions (resnext)", isGrouped) }
    if isPreActivation != found.isPreActivation {
      throw fault("normalisation before convolutions (v2)", isPreActivation)
    }
  }
}
