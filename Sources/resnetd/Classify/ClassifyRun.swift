import Inference
import Serving
import Synchronization

/// One run of `resnetd classify` over all of its images.
final class ClassifyRun: Sendable {
  /// What is written about one image, made on the thread that classified it.
  private struct Row: Sendable {
    var path: String
    var bytes: [UInt8]
    var failure: String?
    var features: [Float]?
    var isImage = true
  }

  /// What is known of the images so far, for threads that must not wait for the source: it may
  /// wait for whoever writes the list.
  private struct Known {
    var total: Int?
    /// Images that the output has a row of already.
    var earlierCount = 0
  }

  private struct Progress {
    var output: ResultOutput
    var features: FeatureFile?
    var bar: ProgressBar?
    var count = 0
    var failureCount = 0
    var notImageCount = 0
  }

  /// Failures that are told on standard error if the output tells all of them.
  private static let toldFailureLimit = 20

  private let rows: ResultRows
  private let explanation: ExplanationFile?
  private let earlier: EarlierResults
  private let interruption: EndingSignals
  private let source: Mutex<any ImageSource>
  private let known: Mutex<Known>
  private let progress: Mutex<Progress>
  private let isPlain: Bool
  private let continuation: String?
  private let allowsFailures: Bool

  /// - Parameter allowsFailures: Whether the exit code is 0 although images failed.
  init(
    _ images: any ImageSource, _ rows: ResultRows, _ output: ResultOutput,
    _ features: FeatureFile?, _ explanation: ExplanationFile?, _ interruption: EndingSignals,
    allowsFailures: Bool
  ) {
    self.allowsFailures = allowsFailures
    self.rows = rows
    self.explanation = explanation
    self.interruption = interruption
    earlier = output.earlier
    continuation = output.continuation
    isPlain = images.isPlain && output.path == nil && (rows.format == .text || rows.format == .json)
    let bar = ProgressBar("images", total: 0)
    source = Mutex(images)
    known = Mutex(Known(total: images.total))
    progress = Mutex(
      Progress(
        output: output, features: features, bar: output.isOnTerminal ? nil : bar))
  }

  /// Classifies everything and returns the exit code.
  func run(
    threads: Int, batch: Int, makeClassifier: @escaping @Sendable () throws -> ImageClassifier
  ) throws -> ExitCode {
    let start = ContinuousClock.now
    let work = OrderedWork<ListedImage, Row>(threads: threads) { [self] in
      try take(batch)
    } makeWorker: { [self] in
      let classifier = try makeClassifier()
      return { [self] images in try classified(images, by: classifier) }
    } consume: { [self] rows in
      try write(rows)
    }
    do {
      try progress.withLock { try $0.output.begin() }
      do { try work.run() } catch {
        progress.withLock { progress in
          if let message = progress.output.keep() { tell(message, &progress) }
        }
        throw error
      }
      try progress.withLock { progress in
        if let message = try progress.output.finish() { tell(message, &progress) }
        // The file of an interrupted run goes.
        if !interruption.hasHappened { try progress.features?.finish() }
      }
    } catch is ResultFile.Closed {
      return .failure
    }
    let count = progress.withLock { progress in
      progress.bar?.interrupt()
      return progress.count
    }
    if !isPlain { StandardError.write(summary(.now - start)) }
    if let code = interruption.exitCode { return code }
    let passed = source.withLock { $0.counts }
    guard count + passed.earlier + passed.foreign > 0 else {
      throw Failure("no images were found; name images, or folders with images in them")
    }
    // Rows of the output that an earlier run has written count as if this one had.
    let failureCount = progress.withLock(\.failureCount) + earlier.failureCount
    return failureCount == 0 || allowsFailures ? .success : .failure
  }

  private func take(_ batch: Int) throws -> [ListedImage] {
    try source.withLock { source in
      while !interruption.hasHappened, let images = try source.take(batch) {
        known.withLock { $0 = Known(total: source.total, earlierCount: source.counts.earlier) }
        if !images.isEmpty { return images }
      }
      return []
    }
  }

  private func classified(
    _ images: [ListedImage], by classifier: ImageClassifier
  ) throws -> [Row] {
    try zip(images, try classifier.classify(images)).compactMap { image, outcome in
      switch outcome {
      case .left: return nil
      case .notImage: return Row(path: image.path, bytes: [], isImage: false)
      case .output(let output, let pixels):
        try explanation?.write(output, pixels)
        return Row(
          path: image.path, bytes: rows.row(image.path, .success(output)),
          features: output.features)
      case .failure(let problem):
        return Row(
          path: image.path, bytes: rows.row(image.path, .failure(problem)), failure: problem.detail)
      }
    }
  }

  private func write(_ batch: [Row]) throws {
    let known = known.withLock(\.self)
    try progress.withLock { progress in
      for message in try progress.output.write(batch.map(\.bytes)) { tell(message, &progress) }
      for row in batch where row.isImage { try progress.features?.write(row.features) }
      for row in batch {
        progress.count += row.isImage ? 1 : 0
        progress.notImageCount += row.isImage ? 0 : 1
        if let failure = row.failure { tell(row.path, failure, &progress) }
      }
      let done = progress.count + progress.notImageCount + known.earlierCount
      progress.bar?.advance(to: done, of: known.total ?? 0)
    }
  }

  private func tell(_ message: String, _ progress: inout Progress) {
    progress.bar?.interrupt()
    StandardError.write("resnetd classify: \(PlainText.line(message))")
  }

  private func tell(_ path: String, _ failure: String, _ progress: inout Progress) {
    progress.failureCount += 1
    let isToldElsewhere = rows.format != .text && !isPlain
    guard !isToldElsewhere || progress.failureCount <= Self.toldFailureLimit else { return }
    progress.bar?.interrupt()
    StandardError.write(
      "resnetd classify: \(PlainText.line(path)): \(PlainText.line(failure))")
    if isToldElsewhere, progress.failureCount == Self.toldFailureLimit {
      StandardError.write("resnetd classify: further failures are told in the output alone")
    }
  }

  private func summary(_ duration: Duration) -> String {
    let (count, failureCount, notImageCount) = progress.withLock {
      ($0.count, $0.failureCount, $0.notImageCount)
    }
    let counts = source.withLock { $0.counts }
    let earlierCount = counts.earlier
    let seconds = duration / .seconds(1)
    let rate = seconds > 0 ? Double(count) / seconds : 0
    var parts = [
      "\(Self.images(count)) in \(Decimal.text(seconds, digits: 1)) s "
        + "(\(Decimal.text(rate, digits: rate < 100 ? 1 : 0)) images/s)"
    ]
    if failureCount > 0 { parts.append("\(Decimal.grouped(failureCount)) failed") }
    if earlierCount > 0 {
      let failed =
        earlier.failureCount > 0
        ? " (rows with errors there: \(Decimal.grouped(earlier.failureCount)))" : ""
      parts.append("\(Decimal.grouped(earlierCount)) were done before\(failed)")
    }
    var skipped = counts.skipped
    skipped.unnamedCount += notImageCount
    if !skipped.phrases.isEmpty {
      parts.append("skipped: " + skipped.phrases.joined(separator: ", "))
    }
    let isEarly = interruption.hasHappened
    let advice = isEarly ? continuation.map { "; " + $0 } ?? "" : ""
    return "resnetd classify: \(isEarly ? "ended early after " : "")"
      + parts.joined(separator: "; ") + advice
  }

  private static func images(_ count: Int) -> String {
    "\(Decimal.grouped(count)) image\(count == 1 ? "" : "s")"
  }
}
