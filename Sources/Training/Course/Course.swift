import Engine
package import ResNet

/// Training of a network step by step, by a schedule over images in a reproducible order.
///
/// The same settings give the same bits, on any number of threads and wherever it was interrupted.
/// Belongs to one thread at a time.
package final class Course {
  package struct Settings: Sendable {
    package var schedule: Schedule
    package var loss: Loss
    package var batchImageCount: Int
    package var seed: UInt64
    /// Threads that prepare images.
    package var threads: Int
    /// Parameter of the mixture of images in pairs; nil to leave them as they are.
    package var mixupAlpha: Double?
    /// Whether an epoch has each class equally often, instead of each image once.
    package var balancesClasses = false

    package init(
      schedule: Schedule, loss: Loss, batchImageCount: Int, seed: UInt64 = 0, threads: Int = 1
    ) {
      (self.schedule, self.loss, self.batchImageCount) = (schedule, loss, batchImageCount)
      (self.seed, self.threads) = (seed, threads)
    }
  }

  /// What a step did.
  package struct Step: Sendable {
    /// Counted from 0.
    package var number: Int
    package var epoch: Int
    package var rate: Double
    package var loss: Double
    package var imageCount: Int
    /// Answers that are right: of a mixed image, that of its larger share.
    package var correctCount: Int
    /// Answers in all: images, or their labels if these are independent.
    package var answerCount: Int
  }

  /// Everything that is needed to go on to the same bits.
  package struct State: Sendable {
    /// Steps that are done.
    package var stepCount: Int
    /// Parameters and running statistics of what is trained.
    package var weights: Weights
    package var optimizer: Optimizer.Snapshot

    package init(stepCount: Int, weights: Weights, optimizer: Optimizer.Snapshot) {
      (self.stepCount, self.weights, self.optimizer) = (stepCount, weights, optimizer)
    }
  }

  package let network: TrainingNetwork
  package private(set) var settings: Settings
  /// Steps that are done.
  package private(set) var stepCount = 0
  private let optimizer: Optimizer
  private let images: any TrainingImages
  private let prefix: FixedNetwork?
  private let imageShape: FeatureShape
  private var order: BatchOrder

  /// - Parameters:
  ///   - imageShape: Shape of an image as `images` writes it.
  ///   - prefix: Layers between images and network, if some are frozen.
  package init(
    _ network: TrainingNetwork, _ optimizer: Optimizer, _ images: any TrainingImages,
    imageShape: FeatureShape, prefix: FixedNetwork? = nil, _ settings: Settings
  ) {
    precondition(
      (prefix?.outputShape ?? imageShape) == network.inputShape,
      "the network must take what images or frozen layers give")
    (self.network, self.optimizer, self.images) = (network, optimizer, images)
    (self.imageShape, self.prefix, self.settings) = (imageShape, prefix, settings)
    order = BatchOrder(
      imageCount: images.count, batchImageCount: settings.batchImageCount, seed: settings.seed,
      balancing: settings.balancesClasses
        ? (0..<images.count).map { images.label(of: $0) } : nil)
  }

  package var stepsPerEpoch: Int { order.stepsPerEpoch }

  /// Plans the rates of the steps to come anew.
  package func plan(_ schedule: Schedule) { settings.schedule = schedule }

  /// Makes the next step.
  ///
  /// - Throws: `TrainingError.invalid` if the loss is not finite, with the step, its rate and its
  ///   images; the network is then as before the step but for running statistics.
  package func step() throws(TrainingError) -> Step {
    let step = try advance()
    guard step.loss.isFinite else {
      let members = order.images(of: step.number)
      let names = members.prefix(3).map { images.name(of: $0.image) }.joined(separator: ", ")
      throw .invalid(
        "the loss of step \(step.number + 1) is not finite, at a rate of \(step.rate), on \(names) and "
          + "\(max(0, members.count - 3)) more images; a smaller rate helps most often")
    }
    return step
  }

  /// Makes the next step unless its loss is not finite: then the network stays as it was but for
  /// running statistics.
  func advance() throws(TrainingError) -> Step {
    let views = order.images(of: stepCount)
    let rate = settings.schedule.rate(at: stepCount)
    let mixup = settings.mixupAlpha.map {
      Mixup(alpha: $0, imageCount: views.count, seed: settings.seed, step: stepCount)
    }
    let input = try input(of: views, mixup)
    let value = try network.step(
      images: input.span, targets: targets(of: views, mixup), loss: settings.loss)
    let step = Step(
      number: stepCount, epoch: order.epoch(of: stepCount), rate: rate, loss: value.loss,
      imageCount: views.count, correctCount: value.correctCount, answerCount: value.answerCount)
    guard value.loss.isFinite else { return step }
    try optimizer.apply(rate: rate)
    stepCount += 1
    return step
  }

  /// Estimates running statistics anew, as the means over so many batches of the next steps' images,
  /// with the parameters as they are; returns false if it was not wanted to the end.
  ///
  /// - Parameter progress: Told how many batches are done.
  package func observe(
    batchCount: Int, progress: (Int) -> Void = { _ in }, while isWanted: () -> Bool = { true }
  ) throws(TrainingError) -> Bool {
    for done in 0..<batchCount {
      guard isWanted() else { return false }
      let images = try input(of: order.images(of: stepCount + done))
      // The first takes the place of what was there.
      _ = try network.observe(images: images.span, momentum: 1 / Double(done + 1))
      progress(done + 1)
    }
    return true
  }

  /// Parameters that were averaged over steps, if the optimiser keeps an average.
  package var averagedWeights: Weights? {
    get throws(TrainingError) { try optimizer.averagedWeights }
  }

  package var state: State {
    get throws(TrainingError) {
      State(
        stepCount: stepCount, weights: try network.weights, optimizer: try optimizer.snapshot)
    }
  }

  package func restore(_ state: State) throws(TrainingError) {
    try network.load(state.weights)
    try optimizer.restore(state.optimizer)
    stepCount = state.stepCount
  }

  // MARK: Input

  private func input(
    of views: [ImageView], _ mixup: Mixup? = nil
  ) throws(TrainingError) -> [Float] {
    let writer = ViewWriter(images, size: imageShape.elementCount)
    var numbers = writer.numbers(views, threads: settings.threads)
    if let mixup { numbers = mixup.mixed(numbers) }
    guard let prefix else { return numbers }
    do throws(EngineError) { return try prefix.outputs(numbers) } catch { throw .engine(error) }
  }

  private func targets(of views: [ImageView], _ mixup: Mixup?) -> Targets {
    let classes = views.map { images.label(of: $0.image) }
    let labels = views.compactMap { images.labels(of: $0.image) }
    if labels.count < views.count, mixup == nil { return .classes(classes) }
    var rows = Array(labels.joined())
    if labels.count < views.count {
      rows = [Float](repeating: 0, count: views.count * network.outputCount)
      for (place, label) in classes.enumerated() { rows[place * network.outputCount + label] = 1 }
    }
    // Shares of one class may add up to a little more than 1.
    return .distributions(mixup.map { $0.mixed(rows).map { min($0, 1) } } ?? rows)
  }
}
