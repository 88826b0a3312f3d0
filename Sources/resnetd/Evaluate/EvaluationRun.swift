import Synchronization

/// One run of `resnetd evaluate` over all of its images.
final class EvaluationRun: Sendable {
  private struct Progress {
    var whole: EvaluatedPart
    var bar = ProgressBar("images", total: 0)
    var failureCount = 0
    var doneCount = 0
  }

  /// Failures that are told on standard error.
  private static let toldFailureLimit = 20

  private let source: Mutex<any LabelledImages>
  private let progress: Mutex<Progress>
  private let interruption: EndingSignals

  init(_ images: any LabelledImages, precisionCount: Int, _ interruption: EndingSignals) {
    source = Mutex(images)
    progress = Mutex(Progress(whole: EvaluatedPart(precisionCount: precisionCount)))
    self.interruption = interruption
  }

  /// Result of a run.
  struct Outcome {
    var whole: EvaluatedPart
    var failureCount: Int
    var notes: [String]
    var duration: Duration
  }

  func run(
    threads: Int, batch: Int,
    makeClassifier: @escaping @Sendable () throws -> EvaluationClassifier
  ) throws -> Outcome {
    let start = ContinuousClock.now
    let work = OrderedWork<LabelledImage, EvaluatedPart>(threads: threads) { [self] in
      interruption.hasHappened ? [] : try source.withLock { try $0.take(batch) }
    } makeWorker: {
      let classifier = try makeClassifier()
      return { images in [try classifier.evaluate(images)] }
    } consume: { [self] parts in
      record(parts)
    }
    try work.run()
    var notes = source.withLock(\.notes)
    return progress.withLock { progress in
      progress.bar.interrupt()
      let count = progress.whole.notImageCount
      if count > 0 { notes.append("passed over: \(count) without an ending that are not images") }
      return Outcome(
        whole: progress.whole, failureCount: progress.failureCount, notes: notes,
        duration: .now - start)
    }
  }

  private func record(_ parts: [EvaluatedPart]) {
    let total = source.withLock(\.total)
    progress.withLock { progress in
      for var part in parts {
        for failure in part.failures { tell(failure, &progress) }
        progress.doneCount +=
          (part.tallies.first?.imageCount ?? 0) + part.failures.count + part.notImageCount
        part.failures = []
        progress.whole.merge(part)
      }
      progress.bar.advance(to: progress.doneCount, of: total ?? 0)
    }
  }

  private func tell(_ failure: EvaluatedPart.Failure, _ progress: inout Progress) {
    progress.failureCount += 1
    guard progress.failureCount <= Self.toldFailureLimit else { return }
    progress.bar.interrupt()
    StandardError.write(
      "resnetd evaluate: \(PlainText.line(failure.path)): \(PlainText.line(failure.reason)); left out"
    )
    if progress.failureCount == Self.toldFailureLimit {
      StandardError.write("resnetd evaluate: further failures are only counted")
    }
  }
}
