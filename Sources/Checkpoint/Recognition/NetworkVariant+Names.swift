import ResNet

/// Published networks' names, torchvision's and timm's, by what their tensors leave open.
///
/// Sources: timm/models/resnet.py, resnetv2.py and senet.py. Their stems, shortcuts and attention
/// show in the tensors, but for those of `resnetv2`.
extension NetworkVariant {
  /// Blocks of each stage by the number in a name.
  fileprivate static let blockCounts: [Int: [Int]] = [
    10: [1, 1, 1, 1], 14: [1, 1, 1, 1], 18: [2, 2, 2, 2], 26: [2, 2, 2, 2], 34: [3, 4, 6, 3],
    50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3], 154: [3, 8, 36, 3],
    200: [3, 24, 36, 3], 269: [3, 30, 48, 8],
  ]
  /// Numbers in names of timm's RS family, whose blocks are others.
  fileprivate static let furtherDepths: Set<Int> = [270, 350, 420]

  /// Reads a name, with or without its maker and what it was trained on: `timm/resnet50d.ra2_in1k`.
  init?(named fullName: String) {
    var name = Substring(fullName)
    if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
    if let dot = name.firstIndex(of: ".") { name = name[..<dot] }
    for maker in ["tv_", "gluon_", "ssl_", "swsl_"] where name.hasPrefix(maker) {
      name = name.dropFirst(maker.count)
    }
    let isLegacy = name.hasPrefix("legacy_")
    if isLegacy { name = name.dropFirst("legacy_".count) }
    guard let parts = NameParts(name) else { return nil }
    self = .usual
    given = []
    antiAliasing = parts.family == "aa" ? .average : parts.family == "blur" ? .blur : .nothing
    if parts.isCIFAR {
      (stemStride, stemPooling) = (1, .nothing)
    } else {
      named = parts.traits
    }
    if isLegacy {
      stemPooling = .maxCeil
      // SEResNetBottleneck of senet.py; SENet-154 and SE-ResNeXt have blocks of their own.
      if !parts.isNext, !parts.isSENet { stridePlacement = .in1x1 }
    } else if parts.isSENet {
      // Cadene's network of this name pools as timm's legacy one, Gluon's as others: the names of
      // the tensors tell.
      stemPooling = nil
    }
    if parts.usesGroupNormalization || parts.isBiT {
      normalizationGroups = 32
      standardizesWeights = parts.isBiT
    }
    if parts.isBiT { stemPooling = .maxZero }
    if parts.family == "v2" {
      averagesShortcuts = parts.suffix.hasPrefix("d") || parts.suffix.hasPrefix("t")
    }
  }

  /// A name taken apart: `se` `resnext` `50` `d` `_32x4d`.
  private struct NameParts {
    private(set) var prefix = Substring()
    private(set) var family = Substring()
    private(set) var isNext = false
    /// SENet-154, whose name is its own.
    private(set) var isSENet = false
    private(set) var isCIFAR = false
    private(set) var usesGroupNormalization = false
    private(set) var isBiT = false
    /// timm's `ecaresnetlight`, which has no number.
    private(set) var isLight = false
    private(set) var depth = 0
    private(set) var suffix = Substring()

    init?(_ name: Substring) {
      var rest = name
      for known in ["wide_", "seca", "se", "eca"] where rest.hasPrefix(known) {
        prefix = Substring(known)
        rest = rest.dropFirst(known.count)
        break
      }
      let stems = ["resnext": true, "resnet": false, "net": false]
      guard let stem = stems.keys.sorted(by: >).first(where: { rest.hasPrefix($0) }) else {
        return nil
      }
      // SENet-154 alone is called so.
      guard stem != "net" || prefix == "se" else { return nil }
      isNext = stems[stem] == true
      isSENet = stem == "net"
      rest = rest.dropFirst(stem.count)
      for known in ["v2", "aa", "blur", "rs"] where rest.hasPrefix(known) {
        family = Substring(known)
        rest = rest.dropFirst(known.count)
        break
      }
      if prefix == "eca", stem == "resnet", rest == "light" {
        (isLight, depth) = (true, 50)
        return
      }
      if rest.hasPrefix("_") { rest = rest.dropFirst() }
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let depth = Int(digits) else { return nil }
      self.depth = depth
      guard
        rest.hasSuffix("-cifar") || NetworkVariant.blockCounts[depth] != nil
          || family == "rs" && NetworkVariant.furtherDepths.contains(depth)
      else { return nil }
      suffix = rest.dropFirst(digits.count)
      guard takeSuffix() else { return nil }
    }

    var traits: NetworkTraits {
      var traits = NetworkTraits()
      // Depths of timm's RS family have other blocks.
      traits.blockCounts =
        isLight ? [1, 1, 11, 3] : family == "rs" ? nil : NetworkVariant.blockCounts[depth]
      traits.isBottleneck = ![10, 18, 34].contains(depth)
      traits.hasAttention = ["se", "seca", "eca"].contains(prefix) || family == "rs"
      let letter = suffix.hasPrefix("_v1") ? suffix.dropFirst("_v1".count) : suffix
      traits.hasDeepStem =
        letter.first.map { "cdest".contains($0) } == true || family == "rs" || isSENet
      traits.stemSide = traits.hasDeepStem ? nil : 7
      traits.isPreActivation = family == "v2"
      traits.hasGroupNormalization = usesGroupNormalization || isBiT
      traits.isGrouped = isNext || isSENet
      return traits
    }

    /// Returns whether all of the suffix is understood.
    private mutating func takeSuffix() -> Bool {
      if suffix == "-cifar" {
        isCIFAR = true
        return true
      }
      if suffix.hasPrefix("x") {
        isBiT = suffix.hasSuffix("_bit") || suffix.hasSuffix("_bitm")
        return isBiT && family == "v2"
      }
      let letters = suffix.prefix { $0 != "_" }
      guard ["", "b", "c", "d", "e", "s", "t", "tn"].contains(letters) else { return false }
      let rest = suffix.dropFirst(letters.count)
      switch rest {
      case "_v1b", "_v1c", "_v1d", "_v1e", "_v1s": return true
      case "", "_2", "_pruned": return true
      case "_gn":
        usesGroupNormalization = true
        return true
      default:
        // A width: _32x4d.
        let parts = rest.dropFirst().dropLast().split(separator: "x")
        return rest.hasPrefix("_") && rest.hasSuffix("d") && parts.count == 2
          && parts.allSatisfy { Int($0) != nil }
      }
    }
  }
}
