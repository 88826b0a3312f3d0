import Checkpoint
import Imaging

/// Weights of torchvision's ResNets for ImageNet, as published; addresses, sizes and accuracies are
/// those of torchvision/models/resnet.py (0.29.2).
package struct PublishedWeights: Sendable {
  static let base = "https://download.pytorch.org/models"

  /// The network's name in torchvision.
  package let network: String
  /// Number in torchvision's `IMAGENET1K_V1` and `IMAGENET1K_V2`.
  package let generation: Int
  /// First digits of the file's SHA-256.
  package let digits: String
  /// Published share of ImageNet's validation images that are classified correctly.
  package let accuracy: Double
  let recipe: String
  /// Length of the image's shorter side after resizing, in pixels: 256 as in the paper, 232 by
  /// torchvision's later recipe.
  let resizeSide: Int

  /// Name on the command line: torchvision's `IMAGENET1K_V2` of `resnet50` is `resnet50-v2`.
  package var name: String { "\(network)-v\(generation)" }

  var fileName: String { "\(network)-\(digits).pth" }

  /// Contract that they were evaluated with.
  var preprocessing: Preprocessing { resizeSide == 256 ? .imageNet : .imageNetV2 }

  /// - Parameter address: Address that they were fetched from.
  func provenance(from address: String, version: ModelVersion) -> Provenance {
    var provenance = Provenance()
    provenance.data = "ImageNet-1k (ILSVRC 2012), weights \(address)"
    provenance.recipe = recipe
    provenance.accuracy = accuracy
    provenance.evaluationData = "ImageNet-1k's validation images; torchvision's figure"
    provenance.parent = version.hex
    return provenance
  }

  /// Finds a name of `all`, or a network's, which stands for the later weights, torchvision's
  /// default.
  static func named(_ name: String) -> PublishedWeights? {
    all.first { $0.name == name } ?? all.last { $0.network == name }
  }
}

extension PublishedWeights {
  private static let references =
    "https://github.com/pytorch/vision/tree/main/references/classification"
  private static let newRecipe = "https://github.com/pytorch/vision/issues/3995"

  private static func early(
    _ network: String, _ digits: String, _ accuracy: Double, _ recipe: String = references
  ) -> PublishedWeights {
    PublishedWeights(
      network: network, generation: 1, digits: digits, accuracy: accuracy, recipe: recipe,
      resizeSide: 256)
  }

  private static func late(
    _ network: String, generation: Int = 2, _ digits: String, _ accuracy: Double,
    _ recipe: String = newRecipe
  ) -> PublishedWeights {
    PublishedWeights(
      network: network, generation: generation, digits: digits, accuracy: accuracy,
      recipe: recipe, resizeSide: 232)
  }

  /// All weights by network, earlier ones first.
  package static let all: [PublishedWeights] = [
    early("resnet18", "f37072fd", 0.69758), early("resnet34", "b627a593", 0.73314),
    early("resnet50", "0676ba61", 0.76130), late("resnet50", "11ad3fa6", 0.80858),
    early("resnet101", "63fe2227", 0.77374), late("resnet101", "cd907fc2", 0.81886),
    early("resnet152", "394f9c45", 0.78312), late("resnet152", "f82ba261", 0.82284),
    early("resnext50_32x4d", "7cdf4587", 0.77618),
    late("resnext50_32x4d", "1a0047aa", 0.81198),
    early("resnext101_32x8d", "8ba56ff5", 0.79312),
    late("resnext101_32x8d", "110c445d", 0.82834),
    late(
      "resnext101_64x4d", generation: 1, "173b62eb", 0.83246,
      "https://github.com/pytorch/vision/pull/5935"),
    early(
      "wide_resnet50_2", "95faca4d", 0.78468, "https://github.com/pytorch/vision/pull/912"),
    late("wide_resnet50_2", "9ba9bcbe", 0.81602),
    early(
      "wide_resnet101_2", "32ee1156", 0.78848, "https://github.com/pytorch/vision/pull/912"),
    late("wide_resnet101_2", "d733dc28", 0.82510),
  ]
}
