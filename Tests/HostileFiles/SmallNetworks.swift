package import ResNet

/// Networks small enough that their files are made in no time.
package enum SmallNetworks {
  /// A network with two stages after the CIFAR stem.
  package static let basic = Architecture(
    stem: .cifar, block: .basic, stages: [.init(blocks: 1, width: 4), .init(blocks: 1, width: 8)],
    shortcut: .a, classCount: 3, inputSize: 32)

  package static func tensors(of architecture: Architecture) throws -> [String: Tensor] {
    let weights = try Weights.random(for: Graph(architecture))
    return Dictionary(
      uniqueKeysWithValues: weights.names.compactMap { name in weights[name].map { (name, $0) } })
  }
}
