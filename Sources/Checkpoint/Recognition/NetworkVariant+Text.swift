import ResNet
import Words

/// A variant as text: the name of a published network, and settings after or without it, with commas
/// between.
///
///     resnetaa50d        v1        stride=v1,output-stride=8        resnet50,epsilon=0.001
extension NetworkVariant {
  private enum Key: String, CaseIterable {
    case stride
    case basicStride = "basic-stride"
    case outputStride = "output-stride"
    case dilatedStages = "dilated-stages"
    case activation
    case innerActivation = "inner-activation"
    case epsilon, pool
    case attentionPool = "attention-pool"
    case attentionGate = "attention-gate"
    case attentionPadding = "attention-padding"
    case antiAliasing = "anti-aliasing"
    case stemStride = "stem-stride"
    case stemPool = "stem-pool"
    case firstStageStride = "first-stage-stride"
    case lastStageStride = "last-stage-stride"
    case zeroChannels = "zero-channels"
    case shortcutPool = "shortcut-pool"
    case projectionInput = "projection-input"
    case normalizationGroups = "norm-groups"
    case weightStandardization = "weight-standardization"
    case head
    case headActivation = "head-activation"

    /// Values in words.
    var allowed: String {
      switch self {
      case .stride: "v1 (in the first 1x1 convolution) or v1.5 (in the 3x3)"
      case .basicStride: names(BasicStride.self)
      case .outputStride: "8, 16 or 32"
      case .dilatedStages: "numbers of stages from 2 on, with + between (3, 2+4)"
      case .activation, .innerActivation, .headActivation: Activation.names.joined(separator: ", ")
      case .epsilon: "a number from 0 on and below 1"
      case .pool: names(GlobalPooling.self)
      case .attentionPool: names(AttentionPooling.self)
      case .attentionGate: names(AttentionGate.self)
      case .attentionPadding: names(AttentionPadding.self)
      case .antiAliasing: names(AntiAliasing.self)
      case .stemStride, .firstStageStride, .lastStageStride: "1 or 2"
      case .zeroChannels: "trailing or centered"
      case .stemPool: names(StemPooling.self)
      case .shortcutPool: "avg or none"
      case .projectionInput: "activated or raw"
      case .normalizationGroups: "1 to \(Architecture.widthLimit)"
      case .weightStandardization: "yes or no"
      case .head: "the name of a module"
      }
    }

    private func names<Value: RawRepresentable<String> & CaseIterable>(
      _ type: Value.Type
    ) -> String {
      type.allCases.map(\.rawValue).joined(separator: ", ")
    }
  }

  /// Bytes of a text.
  package static let textByteCountLimit = 1024

  /// Reads what a person or a file says of a network.
  package init(_ text: String) throws(CheckpointError) {
    guard text.utf8.count <= Self.textByteCountLimit else {
      throw .overLimit(
        what: "bytes of a network's variant", value: text.utf8.count,
        limit: Self.textByteCountLimit)
    }
    self.init()
    var name: Substring?
    var settings: [(name: Substring, value: Substring)] = []
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let part = word.trimmingSpace
      if let sign = part.firstIndex(of: "=") {
        let value = part[part.index(after: sign)...]
        settings.append((part[..<sign].trimmingSpace, value.trimmingSpace))
      } else if Architecture.StridePlacement(rawValue: String(part)) != nil {
        settings.append((Key.stride.rawValue[...], part))
      } else {
        if let other = name {
          throw .variant(
            "\"\(other.prefix(60))\" and \"\(part.prefix(60))\" are both names; give one of them")
        }
        name = part
      }
    }
    // Settings change what a name says, wherever it stands.
    if let name { self = try Self.named(String(name)) }
    var given: Set<Substring> = []
    for (name, value) in settings {
      guard given.insert(name).inserted else {
        throw .variant("\(name.prefix(60)) is given twice; give it once")
      }
      try set(String(name), String(value))
    }
    if self.given != nil { self.given = Set(given.map(String.init)) }
  }

  private static func named(_ word: String) throws(CheckpointError) -> NetworkVariant {
    if let named = NetworkVariant(named: word) { return named }
    if let refusal = OtherBody.refusal(ofNetworkNamed: word) {
      throw .variant("\"\(word.prefix(60))\" \(refusal)")
    }
    let words =
      Architecture.StridePlacement.allCases.map(\.rawValue) + Architecture.knownNames
    let meant = Suggestion.nearest(to: word, among: words + Key.allCases.map(\.rawValue))
    throw .variant(
      "\"\(word.prefix(60))\" is neither the name of a network (resnet50, seresnet50, "
        + "resnetaa50d, resnetv2_50x1_bit, …), v1, v1.5, nor KEY=VALUE"
        + (meant.map { "; did you mean \($0)?" } ?? "; keys are " + keys))
  }

  private static var keys: String { Key.allCases.map(\.rawValue).joined(separator: ", ") }

  private mutating func set(_ name: String, _ value: String) throws(CheckpointError) {
    guard let key = Key(rawValue: name) else {
      let meant = Suggestion.nearest(to: name, among: Key.allCases.map(\.rawValue))
      throw .variant(
        "there is no key \"\(name.prefix(60))\""
          + (meant.map { "; did you mean \($0)?" } ?? "; keys are " + Self.keys))
    }
    guard set(key, value) else {
      throw .variant("\(name) is \"\(value.prefix(60))\"; allowed: \(key.allowed)")
    }
  }

  /// Returns whether the value is one of the key's.
  private mutating func set(_ key: Key, _ value: String) -> Bool {
    func take<Value>(
      _ path: WritableKeyPath<NetworkVariant, Value?>, _ read: Value?, if isAllowed: Bool = true
    ) -> Bool {
      guard let read, isAllowed else { return false }
      self[keyPath: path] = read
      return true
    }
    let number = Int(value) ?? 0
    switch key {
    case .stride: return take(\.stridePlacement, Architecture.StridePlacement(rawValue: value))
    case .basicStride: return take(\.basicStride, BasicStride(rawValue: value))
    case .outputStride: return take(\.outputStride, number, if: [8, 16, 32].contains(number))
    case .dilatedStages: return take(\.dilatedStages, Self.stages(value))
    case .activation: return take(\.activation, Activation(value))
    case .innerActivation: return take(\.innerActivation, Activation(value))
    case .headActivation: return take(\.headActivation, Activation(value))
    case .epsilon:
      let epsilon = Float(value) ?? -1
      // As good as none: a graph's is above 0, so that a variance of 0 divides by something.
      return take(
        \.epsilon, max(epsilon, .leastNormalMagnitude), if: epsilon >= 0 && epsilon < 1)
    case .pool:
      // timm's name for it.
      return take(\.pooling, value == "catavgmax" ? .avgMax : GlobalPooling(rawValue: value))
    case .attentionPool:
      return take(\.attentionPooling, AttentionPooling(rawValue: value))
    case .attentionGate: return take(\.attentionGate, AttentionGate(rawValue: value))
    case .attentionPadding:
      return take(\.attentionPadding, AttentionPadding(rawValue: value))
    case .antiAliasing: return take(\.antiAliasing, AntiAliasing(rawValue: value))
    case .stemStride:
      named?.stemSide = nil
      return take(\.stemStride, number, if: 1...2 ~= number)
    case .firstStageStride: return take(\.firstStageStride, number, if: 1...2 ~= number)
    case .lastStageStride: return take(\.lastStageStride, number, if: 1...2 ~= number)
    case .zeroChannels:
      return take(\.zeroChannels, Architecture.ZeroChannels(rawValue: value))
    case .stemPool:
      named?.stemSide = nil
      return take(\.stemPooling, StemPooling(rawValue: value))
    case .shortcutPool: return take(\.averagesShortcuts, ["avg": true, "none": false][value])
    case .projectionInput:
      return take(\.projectsRawInput, ["activated": false, "raw": true][value])
    case .normalizationGroups:
      return take(\.normalizationGroups, number, if: 1...Architecture.widthLimit ~= number)
    case .weightStandardization:
      return take(\.standardizesWeights, ["yes": true, "no": false][value])
    case .head: return take(\.head, value, if: !value.isEmpty)
    }
  }

  /// Reads numbers of stages, such as 2+4.
  private static func stages(_ text: String) -> [Int]? {
    let parts = text.split(separator: "+", omittingEmptySubsequences: false)
    let numbers = Set(parts.compactMap { Int($0) })
    guard numbers.count == parts.count,
      numbers.allSatisfy({ 2...Architecture.stageCountLimit ~= $0 })
    else { return nil }
    return numbers.sorted()
  }

  /// Names of all settings.
  var settingNames: Set<String> {
    Set(text.split(separator: ",").map { String($0.prefix { $0 != "=" }) })
  }

  /// The settings as text that `init` reads.
  package var text: String {
    var parts: [(Key, String?)] = []
    parts.append((.stride, stridePlacement?.rawValue))
    parts.append((.basicStride, basicStride?.rawValue))
    parts.append((.outputStride, outputStride.map(String.init)))
    parts.append((.dilatedStages, dilatedStages?.map(String.init).joined(separator: "+")))
    parts.append((.activation, activation?.text))
    parts.append((.innerActivation, innerActivation?.text))
    parts.append((.epsilon, epsilon.map { "\($0)" }))
    parts.append((.pool, pooling?.rawValue))
    parts.append((.attentionPool, attentionPooling?.rawValue))
    parts.append((.attentionGate, attentionGate?.rawValue))
    parts.append((.attentionPadding, attentionPadding?.rawValue))
    parts.append((.antiAliasing, antiAliasing?.rawValue))
    parts.append((.stemStride, stemStride.map(String.init)))
    parts.append((.stemPool, stemPooling?.rawValue))
    parts.append((.firstStageStride, firstStageStride.map(String.init)))
    parts.append((.lastStageStride, lastStageStride.map(String.init)))
    parts.append((.zeroChannels, zeroChannels?.rawValue))
    parts.append((.shortcutPool, averagesShortcuts.map { $0 ? "avg" : "none" }))
    parts.append((.projectionInput, projectsRawInput.map { $0 ? "raw" : "activated" }))
    parts.append((.normalizationGroups, normalizationGroups.map(String.init)))
    parts.append((.weightStandardization, standardizesWeights.map { $0 ? "yes" : "no" }))
    parts.append((.head, head))
    parts.append((.headActivation, headActivation?.text))
    return parts.compactMap { key, value in value.map { "\(key.rawValue)=\($0)" } }
      .joined(separator: ",")
  }
}
