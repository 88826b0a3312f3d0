import Decoding
import Inference

extension Worker {
  /// Keeps an image that a canary has judged, for `compare` to ask the live model about, if one is
  /// due.
  func noteForComparison(_ served: ServedJob, image: Int, found: @autoclosure () -> Int?) {
    // A slow image would keep the worker from waiting requests.
    guard comparison == nil, !served.job.isSlow, !served.holdsTensors,
      let canary = served.job.admission.canary,
      canary.beginComparison(at: .now), let bytes = try? served.payload.image(image)
    else { return }
    // A copy: the request's body changes when its next image is decoded.
    comparison = Comparison(canary: canary, image: Array(bytes)[...], found: found())
  }

  /// Asks the live model, now that all who waited for this worker are answered.
  func compare() {
    guard let comparison else { return }
    self.comparison = nil
    let start = ContinuousClock.now
    let agreement = agreement(comparison)
    context.traffic.compared(
      agreement, by: comparison.canary, at: .now, after: .now - start)
  }

  /// Compares with the live model. Returns nil if that has no answer, or if another one is live
  /// meanwhile.
  private func agreement(_ comparison: Comparison) -> CanaryAgreement? {
    guard let live = context.traffic.live(beside: comparison.canary) else { return nil }
    let classifier = live.slot(of: number).classifier
    let deadline = ContinuousClock.now + context.serving.limits.requestTimeout
    guard
      let result = try? classifier.classify([comparison.image], by: decoder, until: deadline).first,
      case .success(let numbers) = result
    else { return nil }
    return Ranking.best(numbers) == comparison.found ? .agreed : .disagreed
  }
}
