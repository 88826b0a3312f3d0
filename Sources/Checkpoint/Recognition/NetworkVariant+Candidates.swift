import ResNet

extension NetworkVariant {
  /// What a network may be other than what was stated or is usual, the likelier before the others;
  /// each change is a variant that states nothing else.
  private static var changes: [NetworkVariant] {
    let stems: [(Int, StemPooling)] = [
      (2, .max), (1, .max), (2, .nothing), (1, .nothing), (2, .maxZero), (2, .maxCeil),
    ]
    var changes = Architecture.StridePlacement.allCases.map { place in
      change { $0.stridePlacement = place }
    }
    changes += [AntiAliasing.average, .blur].map { kind in change { $0.antiAliasing = kind } }
    changes += stems.map { stem in change { ($0.stemStride, $0.stemPooling) = stem } }
    changes += [16, 8].map { stride in change { $0.outputStride = stride } }
    changes += [1e-3, 1e-6, 1.001e-5, 1e-4].map { epsilon in change { $0.epsilon = epsilon } }
    let functions: [Activation] = [
      .leakyRelu(slope: 0.01), .silu, .gelu, .elu, .leakyRelu(slope: 0.1), .relu6, .mish,
    ]
    changes += functions.map { function in change { $0.activation = function } }
    changes += [GlobalPooling.max, .avgMax, .maxAvg, .mean].map { kind in
      change { $0.pooling = kind }
    }
    changes += [true, false].map { averages in change { $0.averagesShortcuts = averages } }
    changes.append(change { $0.projectsRawInput = true })
    changes.append(change { $0.basicStride = .second })
    changes += [true, false].map { isSo in change { $0.standardizesWeights = isSo } }
    changes += [16, 8, 4, 2, 64, 1].map { groups in change { $0.normalizationGroups = groups } }
    changes += [.identity, .gelu, .tanh, .elu, .leakyRelu(slope: 0.01)].map { function in
      change { $0.headActivation = function }
    }
    changes.append(change { $0.lastStageStride = 1 })
    changes += [Architecture.ZeroChannels.trailing, .centered].map { place in
      change { $0.zeroChannels = place }
    }
    changes.append(change { $0.attentionGate = .hardSigmoid })
    changes.append(change { $0.attentionPadding = .circular })
    changes.append(change { $0.dilatedStages = [3] })
    changes.append(change { $0.innerActivation = .relu })
    changes.append(change { $0.firstStageStride = 2 })
    return changes
  }

  /// The same of what is so rare that it is tried alone, and not beside another change.
  private static var rareChanges: [NetworkVariant] {
    let functions: [Activation] = [.hardSwish, .selu, .tanh, .identity]
    let headFunctions: [Activation] = [
      .silu, .relu6, .hardSwish, .mish, .selu, .leakyRelu(slope: 0.1),
    ]
    return functions.map { function in change { $0.activation = function } }
      + headFunctions.map { function in change { $0.headActivation = function } }
      + [change { $0.attentionPooling = .mean }]
  }

  private static func change(_ set: (inout NetworkVariant) -> Void) -> NetworkVariant {
    var variant = NetworkVariant()
    set(&variant)
    return variant
  }

  /// Returns variants that differ from the usual one in so many ways, and in nothing that this one
  /// states.
  package func candidates(changing count: Int) -> [NetworkVariant] {
    let changes = (Self.changes + (count == 1 ? Self.rareChanges : [])).filter { change in
      var both = change
      both.take(self)
      return both.differences(from: self) == change
    }
    var candidates = [(variant: self, next: 0)]
    for _ in 0..<count {
      candidates = candidates.flatMap { candidate in
        (candidate.next..<changes.count).compactMap { index in
          // Two changes of the same thing would be one.
          var both = changes[index]
          both.take(candidate.variant)
          guard both.differences(from: candidate.variant) == changes[index] else { return nil }
          return (both, index + 1)
        }
      }
    }
    return candidates.map(\.variant)
  }
}
