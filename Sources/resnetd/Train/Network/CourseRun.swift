import Checkpoint
import Engine
import Glibc
import Imaging
import Machine
import ResNet
import Training

/// The epochs of a training, with what is kept of them and when they end.
struct CourseRun {
  struct Finished {
    /// Parameters of the whole network.
    var best: Weights
    /// Those after the last step, if others are the best.
    var last: Weights?
    var record: CourseRecord
  }

  /// Steps whose time says how long the rest will take.
  private static let trialStepCount = 3
  /// Share of the time that is left for judging and writing when epochs are planned.
  private static let reservedShare = 0.1
  private static let epochLimit = 10_000
  /// Time between two checkpoints.
  private static let checkpointInterval = Duration.seconds(60)

  let training: NetworkTraining
  private let begun: Model
  let split: DataSplit
  let recipe: Recipe
  let course: Course
  let heldOut: CanvasImages?
  private let checkpointPath: String
  /// When the command began: its time counts from then.
  private let start: ContinuousClock.Instant

  init(
    _ training: NetworkTraining, _ begun: Model, _ learned: CanvasImages, _ split: DataSplit,
    _ recipe: Recipe, cut: Graph.NodeID?, start: ContinuousClock.Instant
  ) throws {
    (self.training, self.begun, self.split, self.recipe) = (training, begun, split, recipe)
    self.start = start
    let job = training.job
    checkpointPath = job.settings.files.checkpoint
    heldOut = split.heldOut.isEmpty ? nil : CanvasImages(split.heldOut, split, training.rule)
    if heldOut == nil, (job.settings.averageDecay ?? 0) > 0 {
      TrainingProgress.tell(
        "--average: no images are held out to judge the average by, so the last step's parameters are "
          + "kept")
    }
    var images = learned
    images.augmentation = recipe.augmentation
    images.seed = UInt64(job.settings.seed)
    var options = TrainingOptions(batchLimit: recipe.batchImageCount)
    options.workerCount = job.jobs.count
    options.precision = job.settings.precision.precision
    do {
      let trained = try cut.map { try begun.graph.after(cut: $0) } ?? begun.graph
      let prefix = try cut.map {
        try FixedNetwork(
          begun.graph.before(cut: $0), begun.weights, threads: job.jobs.count)
      }
      let memory = try CourseMemory(
        begun.graph, trained: trained, recipe.optimizer, batchImageCount: recipe.batchImageCount,
        isMixed: recipe.mixupAlpha != nil, heldOutCount: split.heldOut.count,
        threads: job.jobs.count)
      try TrainingJob.checkMemory(
        memory.byteCount, leaving: memory.libraries,
        for: "the judgement after each epoch and the state that is kept",
        remedy: "give the process more memory, or use --tune head")
      options.byteLimit = MemoryAllowance.free.map {
        max(0, $0 - memory.byteCount - memory.libraries)
      }
      let resident = MemoryAllowance.resident
      let network = try TrainingNetwork(trained, begun.weights, options: options)
      let optimizer = try Optimizer(network, recipe.optimizer)
      let byteCount = network.byteCount + memory.optimizer
      TrainingProgress.tell(
        (resident.map {
          let all = $0 + network.byteCount + memory.byteCount + memory.libraries
          return "memory: about \(all >> 20) MiB, of which "
        } ?? "memory: ")
          + "\(byteCount >> 20) MiB for the network and its gradients, "
          + "\(memory.judgement >> 20) MiB to judge it and to keep its state, "
          + "\((training.rule.canvasByteCount * split.imageCount) >> 20) MiB for the images")
      var settings = Course.Settings(
        schedule: .constant(0), loss: recipe.loss, batchImageCount: recipe.batchImageCount,
        seed: UInt64(job.settings.seed), threads: job.jobs.count)
      settings.mixupAlpha = recipe.mixupAlpha
      settings.balancesClasses = recipe.balancesClasses
      course = Course(
        network, optimizer, images, imageShape: begun.graph.inputShape, prefix: prefix, settings)
    } catch let error as TrainingError {
      if case .memory(let byteCount, let limit, let batch) = error {
        throw Failure(
          "\(job.parent.name): a step with batches of \(batch) takes about \(byteCount >> 20) MiB, and "
            + "\(limit >> 20) MiB are left for it beside the judgement after each epoch; give the process more "
            + "memory, or a smaller --batch"
            + (recipe.isFresh ? "" : ", --tune last:1 or --tune head"))
      }
      throw Failure("\(job.parent.name): \(error); --tune head trains the last layer alone")
    } catch let fault as CutFault {
      throw Failure("\(job.parent.name): \(fault)")
    }
  }

  /// Returns the trained parameters; nil if it was interrupted, with the state in a file.
  func run() throws -> Finished? {
    do { return try unchecked() } catch let error as TrainingError {
      throw Failure(error.description)
    }
  }

  /// Looks for a rate; nil if it was interrupted.
  func searchRate() throws -> RateSearch? {
    var progress = TrainingProgress("rates")
    defer { progress.end() }
    do throws(TrainingError) {
      return try course.searchRate(
        progress: { progress.advance(to: $0, of: RateSearch.stepCount) },
        while: { !training.job.interruption.hasHappened })
    } catch {
      throw Failure(error.description)
    }
  }

  private func unchecked() throws -> Finished? {
    let settings = training.job.settings
    let identity = try identity()
    var record: CourseRecord
    var best: Weights?
    var judgement: Double?
    if settings.resumes {
      let checkpoint = try CourseCheckpoint(path: checkpointPath)
      try checkpoint.check(identity, path: checkpointPath)
      try checkpoint.checkCounts(
        stepsPerEpoch: course.stepsPerEpoch, epochLimit: Self.epochLimit, path: checkpointPath)
      if let asked = settings.epochCount, asked != checkpoint.record.epochCount {
        throw Failure(
          "--epochs \(asked): the training in \(checkpointPath) has \(checkpoint.record.epochCount), by "
            + "which its rates are planned; give that number or none, or begin anew with --force")
      }
      record = checkpoint.record
      best = checkpoint.best
      course.plan(record.schedule(recipe))
      try course.restore(checkpoint.state)
      TrainingProgress.tell(
        "going on after step \(course.stepCount) of \(record.epochCount * course.stepsPerEpoch)")
    } else {
      var first: CourseRecord.Epoch?
      let beginning = ContinuousClock.now
      if !recipe.isFresh {
        var epoch = CourseRecord.Epoch(number: 0, rate: 0, loss: 0, accuracy: 0)
        guard try judge(begun.weights, &epoch) else { return nil }
        (first, best) = (epoch, begun.weights)
        judgement = (.now - beginning) / .seconds(1)
      }
      record = try plannedRecord(judgement: judgement)
      (record.first, record.best) = (first, first)
      course.plan(record.schedule(recipe))
    }
    return try epochs(&record, &best, identity, judgement: judgement)
  }

  // MARK: Epochs

  private func epochs(
    _ record: inout CourseRecord, _ best: inout Weights?, _ identity: CourseCheckpoint.Identity,
    judgement: Double?
  ) throws -> Finished? {
    var total: Int { record.epochCount * course.stepsPerEpoch }
    var clock = training.job.settings.time.map {
      CourseClock(
        $0, since: start, stepsPerEpoch: course.stepsPerEpoch,
        observedBatchCount: observedBatchCount,
        isAtEpoch: course.stepCount.isMultiple(of: course.stepsPerEpoch))
    }
    var judgement = judgement
    var progress = TrainingProgress("training")
    let begin = ContinuousClock.now
    var lastSaved = begin
    var imageCount = 0
    /// Returns whether the state is in its file.
    func save() -> Bool {
      defer { lastSaved = .now }
      do {
        try CourseCheckpoint(
          identity: identity, state: course.state, record: record, best: best
        ).write(to: checkpointPath)
        return true
      } catch {
        progress.tell("the state cannot be kept in \(checkpointPath): \(error)")
        return false
      }
    }
    while true {
      if course.stepCount > 0, course.stepCount.isMultiple(of: course.stepsPerEpoch),
        record.epochs.count < course.stepCount / course.stepsPerEpoch
      {
        let number = course.stepCount / course.stepsPerEpoch
        var epoch = record.current.epoch(
          number, rate: course.settings.schedule.rate(at: course.stepCount - 1))
        let weights = try whole(course.network.weights)
        let trained = ContinuousClock.now
        if try judge(weights, &epoch) {
          record.current = EpochSums()
          record.epochs.append(epoch)
          tell(epoch, of: record.epochCount, &progress)
          if epoch.isBetter(than: record.best) { (record.best, best) = (epoch, weights) }
          let seconds = (.now - trained) / .seconds(1)
          judgement = seconds
          clock?.endEpoch(judgement: seconds)
          if let clock { shorten(&record, by: clock, &progress) }
        }
      }
      if course.stepCount.isMultiple(of: course.stepsPerEpoch), isStuck(record) {
        progress.tell(
          "stopped early: nothing held out has improved since epoch \(record.best?.number ?? 0)")
        break
      }
      guard !training.job.interruption.hasHappened else {
        progress.end()
        let isSaved = save()
        TrainingProgress.tell(
          "ended after step \(course.stepCount) of \(total); "
            + (isSaved
              ? "the same command with --resume goes on"
              : "it must begin anew, or at an older state"))
        return nil
      }
      guard course.stepCount < total else { break }
      let stepStart = ContinuousClock.now
      let step = try course.step()
      clock?.endStep(seconds: (.now - stepStart) / .seconds(1))
      record.current.add(step)
      imageCount += step.imageCount
      record.speed = Double(imageCount) / max((.now - begin) / .seconds(1), 1e-9)
      progress.advance(
        to: course.stepCount, of: total, detail: detail(step, record, total, judgement))
      if .now - lastSaved >= Self.checkpointInterval { _ = save() }
    }
    progress.end()
    // Judging and writing take a while too.
    _ = save()
    return try finished(&record, best)
  }

  /// Plans fewer epochs if there is no time for as many as were planned.
  private func shorten(
    _ record: inout CourseRecord, by clock: CourseClock, _ progress: inout TrainingProgress
  ) {
    let count = clock.epochCount(
      done: record.epochs.count, of: record.epochCount)
    guard count < record.epochCount else { return }
    progress.tell(
      "epochs take longer than planned: \(count) instead of \(record.epochCount) end in time, and the rate "
        + "falls sooner")
    record.shorten(to: count)
    course.plan(record.schedule(recipe))
  }

  /// Returns whether as many epochs as a third of all, and five at least, brought nothing.
  private func isStuck(_ record: CourseRecord) -> Bool {
    guard heldOut != nil, let best = record.best, let last = record.epochs.last else {
      return false
    }
    let mostRight = record.epochs.max { ($0.heldOutAccuracy ?? 0) < ($1.heldOutAccuracy ?? 0) }
    let progressAt = max(best.number, mostRight?.number ?? 0)
    return last.number - progressAt >= max(5, record.epochCount / 3)
  }

  private func finished(_ record: inout CourseRecord, _ best: Weights?) throws -> Finished? {
    let last = try whole(course.network.weights)
    var kept = best ?? last
    if heldOut != nil, let averaged = try course.averagedWeights {
      let state = try course.network.weights
      try course.network.load(averaged)
      guard try observe() else { return nil }
      let weights = try whole(course.network.weights)
      try course.network.load(state)
      var epoch = CourseRecord.Epoch(
        number: record.epochs.count + 1, rate: 0, loss: record.epochs.last?.loss ?? 0,
        accuracy: record.epochs.last?.accuracy ?? 0)
      guard try judge(weights, &epoch) else { return nil }
      if epoch.isBetter(than: record.best) {
        (record.best, kept) = (epoch, weights)
        TrainingProgress.tell("the average of the parameters over steps is the best")
      }
    }
    let isLast = record.best.map { $0.number == record.epochs.count } ?? true
    return Finished(best: kept, last: isLast ? nil : last, record: record)
  }

  /// Puts trained layers and frozen ones together.
  private func whole(_ trained: Weights) throws -> Weights {
    var weights = Weights()
    for name in try begun.graph.parameterShapes().keys {
      weights[name] = trained[name] ?? begun.weights[name]
    }
    return weights
  }

  /// Adds what a network answers to the images held out; returns false if it was interrupted.
  private func judge(_ weights: Weights, _ epoch: inout CourseRecord.Epoch) throws -> Bool {
    guard let heldOut else { return true }
    let network = try FixedNetwork(begun.graph, weights, threads: training.job.jobs.count)
    guard let logits = try training.outputs(of: network, heldOut, label: "judgement") else {
      return false
    }
    let classCount = training.job.classCount
    if let labelSets = heldOut.labelSets {
      var tally = LabelTally(labelCount: classCount)
      for (place, labels) in labelSets.enumerated() {
        tally.record(
          heldOut.names[place], labels: labels,
          logits: Array(logits[place * classCount..<(place + 1) * classCount]), temperature: 1)
      }
      (epoch.heldOutLoss, epoch.heldOutAccuracy) = (tally.logLoss, tally.accuracy)
      epoch.calibratedLoss = tally.bestTemperature?.logLoss
      return true
    }
    let score = ClassScores(logits, labels: heldOut.labels, classCount: classCount)
    var search = TemperatureSearch()
    for (place, label) in heldOut.labels.enumerated() {
      search.record(Array(logits[place * classCount..<(place + 1) * classCount]), label: label)
    }
    (epoch.heldOutLoss, epoch.heldOutAccuracy) = (score.logLoss, score.accuracy)
    epoch.calibratedLoss = search.best?.logLoss
    return true
  }

  // MARK: Plan

  private func identity() throws -> CourseCheckpoint.Identity {
    CourseCheckpoint.Identity(
      program: Version.number,
      data: try TrainedModel.digest(
        of: split.learned + split.heldOut, split, training.job.folder.classes),
      parent: recipe.isFresh ? training.job.parent.name : training.job.parent.version.hex,
      recipe: recipeText, seed: training.job.settings.seed)
  }

  /// Everything that options decide.
  private var recipeText: String {
    let settings = training.job.settings
    let contract = Contract.text(of: training.job.parent.preprocessing, OutputRule())
    return recipe.identity + (settings.lastCount.map { ", last \($0)" } ?? "")
      + (settings.smoothing > 0 ? ", label smoothing \(settings.smoothing)" : "")
      + (settings.isBalanced ? ", classes balanced" : "")
      + (settings.hasIndependentLabels ? ", independent labels" : "")
      + (settings.regularization.map { ", regularisation \($0)" } ?? "")
      + ", contract \(contract)"
  }

  /// Plans epochs as asked for, or as many as the time allows.
  ///
  /// - Parameter judgement: Seconds to judge an epoch; nil before the first.
  private func plannedRecord(judgement: Double?) throws -> CourseRecord {
    let settings = training.job.settings
    var count = settings.epochCount ?? recipe.usualEpochCount
    let speed = try speed()
    let judgement = judgement ?? judgementSeconds(speed: speed)
    let perEpoch = Double(split.learned.count) / speed + judgement
    if let time = settings.time, settings.epochCount == nil {
      let left = time - (.now - start)
      let seconds = left / .seconds(1)
      let available = seconds * (1 - Self.reservedShare)
      guard available >= perEpoch else {
        throw Failure(
          "--time \(OptionValue.text(time)): one epoch takes about \(Self.text(seconds: perEpoch)), and "
            + "\(Self.text(seconds: max(0, available))) are left for it; allow more time, or --tune head, "
            + "which takes seconds")
      }
      let ending = endingSeconds(speed: speed, judgement: judgement)
      let fitting = Int(max(0, min(available, seconds - ending)) / perEpoch)
      count = min(max(1, fitting), recipe.isFresh ? Self.epochLimit : count)
    }
    let what =
      recipe.isFresh
      ? "all layers of \(training.job.parent.name) from scratch"
      : (settings.lastCount.map { $0 == 1 ? "the last stage" : "the last \($0) stages" }
        ?? "all layers") + " of \(training.job.parentName), after a new last layer"
    TrainingProgress.tell(
      "\(what): \(count) \(count == 1 ? "epoch" : "epochs") of \(course.stepsPerEpoch) steps, "
        + "\(recipe.text); about "
        + "\(Self.text(seconds: perEpoch * Double(count))) at \(Int(speed)) images/s")
    return CourseRecord(
      plan: "\(what), \(count) epochs of \(course.stepsPerEpoch) steps, \(recipe.text)",
      epochCount: count, stepsPerEpoch: course.stepsPerEpoch)
  }

  /// Measures images per second by a few steps, which are then undone.
  private func speed() throws -> Double {
    let state = try course.state
    // The first step also touches all memory for the first time.
    _ = try course.step()
    let start = ContinuousClock.now
    var count = 0
    for _ in 0..<Self.trialStepCount { count += try course.step().imageCount }
    let seconds = (.now - start) / .seconds(1)
    try course.restore(state)
    return Double(count) / max(seconds, 1e-9)
  }
}
