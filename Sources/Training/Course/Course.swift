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
    package var correctCount: Int
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
      imageCount: images.count, batchImageCount: settings.batchImageCount, seed: settings.seed)
  }

  package var stepsPerEpoch: Int { order.stepsPerEpoch }

  /// Plans the rates anew; only before the first step.
  package func plan(_ schedule: Schedule) {
    precondition(stepCount == 0, "a schedule begins with the first step")
    settings.schedule = schedule
  }

  /// Makes the next step.
  ///
  /// - Throws: `TrainingError.invalid` if the loss is not finite, with the step, its rate and its
  ///   images; the network is then as before the step but for running statistics.
  package func step() throws(TrainingError) -> Step {
    let members = order.images(of: stepCount)
    let epoch = order.epoch(of: stepCount)
    let rate = settings.schedule.rate(at: stepCount)
    let input = try input(of: members, epoch: epoch)
    let labels = members.map { images.label(of: $0) }
    let value = try network.step(
      images: input.span, targets: .classes(labels), loss: settings.loss)
    guard value.loss.isFinite else {
      let names = members.prefix(3).map { images.name(of: $0) }.joined(separator: ", ")
      throw .invalid(
        "the loss of step \(stepCount + 1) is not finite, at a rate of \(rate), on \(names) and "
          + "\(max(0, members.count - 3)) more images; a smaller rate helps most often")
    }
    try optimizer.apply(rate: rate)
    stepCount += 1
    return Step(
      number: stepCount - 1, epoch: epoch, rate: rate, loss: value.loss,
      imageCount: members.count, correctCount: value.correctCount)
  }

  /// Estimates running statistics anew, by so many batches of the next steps' images, with the
  /// parameters as they are.
  package func observe(batchCount: Int) throws(TrainingError) {
    for step in stepCount..<stepCount + batchCount {
      let members = order.images(of: step)
      let images = try input(of: members, epoch: order.epoch(of: step))
      _ = try network.observe(images: images.span)
    }
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

  private func input(of members: [Int], epoch: Int) throws(TrainingError) -> [Float] {
    let writer = ViewWriter(images, size: imageShape.elementCount)
    let numbers = writer.views(members, epoch: epoch, threads: settings.threads)
    guard let prefix else { return numbers }
    do throws(EngineError) { return try prefix.outputs(numbers) } catch { throw .engine(error) }
  }
}
