import ResNet

/// Parts of a network that settings are of, which not every one has.
struct VariantPlaces {
  var isBottleneck: Bool
  var hasAttention = false
  var hasGroupNormalization = false
  var isPreActivation = false
  /// Whether an activation stands between linear layers of the classifier.
  var activatesHead = false
  /// Whether shortcuts without weights add channels.
  var padsShortcuts: Bool
}

extension NetworkVariant {
  /// Returns a phrase for each setting that says nothing of such a network. A network's name or
  /// configuration may have such settings.
  func unused(in places: VariantPlaces) -> [String] {
    guard isNamed != true else { return [] }
    let settings = [
      ("stride", stridePlacement != nil && !places.isBottleneck),
      ("basic-stride", basicStride != nil && places.isBottleneck),
      ("head-activation", headActivation != nil && !places.activatesHead),
      ("attention-pool", attentionPooling != nil && !places.hasAttention),
      ("attention-gate", attentionGate != nil && !places.hasAttention),
      ("norm-groups", normalizationGroups != nil && !places.hasGroupNormalization),
      ("projection-input", projectsRawInput != nil && !places.isPreActivation),
      ("zero-channels", zeroChannels != nil && !places.padsShortcuts),
    ]
    return settings.filter { $0.1 }.map { name, _ in
      "\(name) (--arch) changes nothing: the network has no place for it"
    }
  }
}
