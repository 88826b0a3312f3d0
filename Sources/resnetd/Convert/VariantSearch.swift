import Checkpoint
import ResNet

/// The search for the variant of a network whose outputs for some images are known: what tensors leave
/// open, an array of another program decides.
struct VariantSearch {
  /// A model and how far its outputs are from the known ones.
  struct Find {
    let model: Model
    let variant: NetworkVariant
    fileprivate(set) var distances: KnownOutputs.Distance

    /// Largest difference, as a share of the largest known number.
    var distance: Float { distances.least }
    /// Whether the known numbers are nearer to the softmax than to the logits.
    var isOfProbabilities: Bool { distances.least < distances.logits }
  }

  /// Distance at which two programs compute the same in single precision.
  static let equalDistance: Float = 1e-4
  /// Distance of a reference in half precision or TF32.
  static let likelyDistance: Float = 2e-3
  /// Things that are changed at once.
  private static let changeLimit = 2

  let known: KnownOutputs
  /// Loads the file as the network of a variant.
  let load: (NetworkVariant) throws(CheckpointError) -> Model

  /// Returns the first variant that gives the outputs, else the nearest one.
  ///
  /// - Parameters:
  ///   - stated: What is known of the variant; the rest is tried.
  ///   - refused: Makes the failure of a file that no variant reads.
  ///   - progress: Called before each try; `differ` is whether any logits were computed, and are others.
  func run(
    _ stated: NetworkVariant, refused: (CheckpointError) -> Failure,
    _ progress: (_ done: Int, _ of: Int, _ differ: Bool) -> Void
  ) throws(Failure) -> Find {
    var best: Find?
    var refusal: CheckpointError?
    var tried: Set<Network> = []
    let first: Model?
    do throws(CheckpointError) { first = try load(stated) } catch {
      guard error.mayDependOnVariant else { throw refused(error) }
      (first, refusal) = (nil, error)
    }
    if let first {
      // Arrays of wrong shapes are wrong for every variant.
      let find = Find(model: first, variant: stated, distances: try distances(of: first))
      if find.distance <= Self.equalDistance || first.format == .onnx { return try whole(find) }
      best = find
      tried.insert(Network(first, stated))
    }
    for count in 1...Self.changeLimit {
      let candidates = stated.candidates(changing: count)
      for (index, variant) in candidates.enumerated() {
        progress(index, candidates.count, best != nil)
        // Not every variant is possible with these tensors.
        guard let model = try? load(variant), tried.insert(Network(model, variant)).inserted,
          let distances = try? distances(of: model)
        else { continue }
        if distances.least < best?.distance ?? .infinity {
          best = Find(model: model, variant: variant, distances: distances)
        }
      }
      if let best, best.distance <= Self.equalDistance { return best }
    }
    // What was said already is refused, and nothing else is possible.
    guard let best else {
      throw refusal.map(refused) ?? Failure("no variant can be computed")
    }
    return try whole(best)
  }

  /// Returns how far a model is from all outputs, or from the first image's if those rule it out.
  private func distances(of model: Model) throws(Failure) -> KnownOutputs.Distance {
    let first = try known.firstDistance(of: model)
    guard known.imageCount > 1, first.least <= Self.likelyDistance else { return first }
    return try known.distance(of: model)
  }

  /// Returns what was found with its distance from all outputs.
  private func whole(_ find: Find) throws(Failure) -> Find {
    guard known.imageCount > 1, find.distance > Self.likelyDistance else { return find }
    var find = find
    find.distances = try known.distance(of: find.model)
    return find
  }

  /// What makes two variants the same network.
  private struct Network: Hashable {
    let graph: Graph
    let standardizesWeights: Bool?

    init(_ model: Model, _ variant: NetworkVariant) {
      graph = model.graph
      standardizesWeights = variant.standardizesWeights
    }
  }
}
