import Checkpoint
import ResNet

/// The search for how a file is to be read whose network's outputs for some images are known: what
/// tensors and graphs leave open, an array of another program decides.
struct VariantSearch {
  /// A model and how far its outputs are from the known ones.
  struct Find {
    fileprivate(set) var model: Model
    fileprivate(set) var reading: ModelReading
    fileprivate(set) var distances: KnownOutputs.Distance
    /// What the known numbers are of the logits.
    fileprivate(set) var kind: OutputRule.Activation

    fileprivate init(
      _ model: Model, _ reading: ModelReading, _ distances: KnownOutputs.Distance
    ) {
      (self.model, self.reading, self.distances) = (model, reading, distances)
      kind = distances.nearest
    }

    /// Largest difference, as a share of the largest known number.
    var distance: Float { distances.distance(as: kind) }
  }

  /// Distance at which two programs compute the same in single precision.
  static let equalDistance: Float = 1e-4
  /// Distance of a reference in half precision or TF32.
  static let likelyDistance: Float = 2e-3
  /// Things that are changed at once.
  private static let changeLimit = 2

  let known: KnownOutputs
  /// Loads the file as it is to be read.
  let load: (ModelReading) throws(CheckpointError) -> Model

  /// Returns the first way of reading the file that gives the outputs, else the nearest one.
  ///
  /// - Parameters:
  ///   - stated: What is known; the rest is tried.
  ///   - refused: Makes the failure of a file that cannot be read in any way.
  ///   - progress: Called before each try; `differ` is whether any logits were computed, and are others.
  func run(
    _ stated: ModelReading, refused: (CheckpointError) -> Failure,
    _ progress: (_ done: Int, _ of: Int, _ differ: Bool) -> Void
  ) throws(Failure) -> Find {
    let find = try nearest(stated, refused: refused, progress)
    return interpreted(find, stated)
  }

  private func nearest(
    _ stated: ModelReading, refused: (CheckpointError) -> Failure,
    _ progress: (_ done: Int, _ of: Int, _ differ: Bool) -> Void
  ) throws(Failure) -> Find {
    var models: [(reading: ModelReading, model: Model)] = []
    var refusal: CheckpointError?
    do throws(CheckpointError) { models = try stated.models(load) } catch {
      guard error.mayDependOnVariant else { throw refused(error) }
      refusal = error
    }
    var best = try nearest(of: models)
    var tried: Set<Network> = []
    if let best {
      if best.distance <= Self.equalDistance || best.model.format == .onnx {
        return try whole(best)
      }
      tried.insert(Network(best.model, best.reading.variant))
    }
    let base = best?.reading ?? stated
    search: for count in 1...Self.changeLimit {
      let candidates = stated.variant.candidates(changing: count)
      for (index, variant) in candidates.enumerated() {
        var candidate = base
        candidate.variant = variant
        let found: [(reading: ModelReading, model: Model)]
        do throws(CheckpointError) { found = try candidate.models(load) } catch .statedVariant {
          break search
        } catch {
          // Not every variant is possible with these tensors.
          found = []
        }
        progress(index, candidates.count, best != nil)
        guard let (reading, model) = found.first,
          tried.insert(Network(model, variant)).inserted,
          let distances = try? distances(of: model)
        else { continue }
        let find = Find(model, reading, distances)
        if find.distance < best?.distance ?? .infinity { best = find }
      }
      if let best, best.distance <= Self.equalDistance { return best }
    }
    // What was said already is refused, and nothing else is possible.
    guard let best else {
      throw refusal.map(refused) ?? Failure("no variant can be computed")
    }
    return try whole(best)
  }

  /// Returns the nearest of the models that a file may be; nil if there are none.
  ///
  /// Outputs of another shape than the known ones are a failure only if all are such: they are so for
  /// every variant.
  private func nearest(
    of models: [(reading: ModelReading, model: Model)]
  ) throws(Failure) -> Find? {
    var best: Find?
    var failure: Failure?
    for (reading, model) in models {
      do throws(Failure) {
        let find = Find(model, reading, try distances(of: model))
        if best.map({ find.distance < $0.distance }) ?? true { best = find }
      } catch {
        failure = failure ?? error
      }
    }
    if best == nil, let failure { throw failure }
    return best
  }

  /// Reads the file with the activation whose results the known numbers are, if nothing else says which
  /// one is meant.
  private func interpreted(_ find: Find, _ stated: ModelReading) -> Find {
    let isTried = find.reading.activation != stated.activation
    guard isTried || (find.model.assumesActivation && find.kind == .sigmoid),
      find.distance <= Self.likelyDistance, find.reading.activation != find.kind
    else { return find }
    var result = find
    result.reading.activation = find.kind
    guard let model = try? load(result.reading) else {
      // Logits of an activation that is the only one possible; else nothing that this file can mean.
      result = find
      result.kind = .none
      return result
    }
    result.model = model
    return result
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
    return Find(find.model, find.reading, try known.distance(of: find.model))
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
