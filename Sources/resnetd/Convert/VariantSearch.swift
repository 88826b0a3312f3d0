import Checkpoint
import Engine
import ONNX
import ResNet

/// The search for the variant of a network whose logits for some images are known: what tensors leave
/// open, an array of another program decides.
struct VariantSearch {
  /// A model and how far its logits are from the known ones.
  struct Find {
    let model: Model
    let variant: NetworkVariant
    /// Largest difference, as a share of the largest known number.
    let distance: Float
  }

  /// Distance at which two programs compute the same in single precision.
  static let equalDistance: Float = 1e-4
  /// Distance of a reference in half precision or TF32.
  static let likelyDistance: Float = 2e-3
  /// Things that are changed at once.
  private static let changeLimit = 2

  let images: DenseTensor
  let logits: DenseTensor
  /// Loads the file as the network of a variant.
  let load: (NetworkVariant) throws(Failure) -> Model

  /// Returns the first variant that gives the logits, else the nearest one.
  ///
  /// - Parameter stated: What is known of the variant; the rest is tried.
  func run(
    _ stated: NetworkVariant, _ progress: (_ done: Int, _ of: Int) -> Void
  ) throws(Failure) -> Find {
    var best: Find?
    var refusal: Failure?
    var tried: Set<Network> = []
    let first: Model?
    do throws(Failure) { first = try load(stated) } catch {
      (first, refusal) = (nil, error)
    }
    if let first {
      // Arrays of wrong shapes are wrong for every variant.
      let find = Find(model: first, variant: stated, distance: try distance(of: first))
      if find.distance <= Self.equalDistance || first.format == .onnx { return find }
      best = find
      tried.insert(Network(first, stated))
    }
    for count in 1...Self.changeLimit {
      let candidates = stated.candidates(changing: count)
      for (index, variant) in candidates.enumerated() {
        progress(index, candidates.count)
        // Not every variant is possible with these tensors.
        guard let model = try? load(variant), tried.insert(Network(model, variant)).inserted,
          let distance = try? distance(of: model)
        else { continue }
        if distance < best?.distance ?? .infinity {
          best = Find(model: model, variant: variant, distance: distance)
        }
      }
      if let best, best.distance <= Self.equalDistance { return best }
    }
    // What was said already is refused, and nothing else is possible.
    guard let best else { throw refusal ?? Failure("no variant can be computed") }
    return best
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

  private func distance(of model: Model) throws(Failure) -> Float {
    let own = try EngineRun(model, precision: .fp32).logits(of: images)
    guard case .floating(let found) = own.numbers, case .floating(let known) = logits.numbers,
      logits.count == own.count, logits.shape.first == own.shape.first
    else {
      throw Failure(
        "the known logits are an array of \(logits.elementType) \(logits.shape), those of the "
          + "network of float \(own.shape)")
    }
    let largest = known.reduce(0) { max($0, abs($1)) }
    let difference = zip(found, known).reduce(0) { max($0, abs($1.0 - $1.1)) }
    return difference.isFinite && largest > 0 ? Float(difference / largest) : .infinity
  }
}
