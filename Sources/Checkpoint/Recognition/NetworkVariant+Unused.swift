import ResNet

/// Parts of a network that settings are of, which not every one has.
struct VariantPlaces {
  var isBottleneck: Bool
  /// Whether a stage strides.
  var strides: Bool
  var hasAttention = false
  /// Whether it is one of kernels over neighbouring channels.
  var hasChannelKernels = false
  var hasGroupNormalization = false
  var isPreActivation = false
  /// Whether an activation stands between linear layers of the classifier.
  var activatesHead = false
  /// Whether shortcuts without weights add channels.
  var padsShortcuts: Bool
  /// Whether shortcuts have projections.
  var projectsShortcuts: Bool
}

extension NetworkVariant {
  /// Returns a phrase for each setting that was given and says nothing of such a network.
  func unused(in places: VariantPlaces) -> [String] {
    let settings = [
      ("stride", stridePlacement != nil && !(places.isBottleneck && places.strides)),
      ("basic-stride", basicStride != nil && (places.isBottleneck || !places.strides)),
      ("output-stride", (outputStride ?? 32) < 32 && !places.strides),
      ("shortcut-pool", averagesShortcuts != nil && !(places.projectsShortcuts && places.strides)),
      ("head-activation", headActivation != nil && !places.activatesHead),
      ("attention-pool", attentionPooling != nil && !places.hasAttention),
      ("attention-gate", attentionGate != nil && !places.hasAttention),
      ("attention-padding", attentionPadding != nil && !places.hasChannelKernels),
      ("norm-groups", normalizationGroups != nil && !places.hasGroupNormalization),
      ("projection-input", projectsRawInput != nil && !places.isPreActivation),
      ("zero-channels", zeroChannels != nil && !places.padsShortcuts),
    ]
    return settings.filter { $0.1 && given?.contains($0.0) ?? true }.map { name, _ in
      "\(name) (--arch) changes nothing: the network has no place for it"
    }
  }
}
