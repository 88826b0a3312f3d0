import Checkpoint
import Files
import HTTPServer
import Inference
import Machine
import ModelStore
import ResNet
import Synchronization
import Telemetry

/// Examples of classes, from which the live model is taught.
extension ModelAdministration {
  /// Runs images through the live model and keeps their features as examples of a label.
  func addExamples(
    _ upload: ExampleUpload, _ order: ChangeOrder
  ) throws(Problem) -> ExampleReport {
    try log.audit("examples", by: order.actor) { note throws(Problem) in
      let live = pool.live
      note.digest = live.model.version.hex
      try order.precondition.check(live.model.version)
      try requireFolder()
      let source = try source(of: live.model)
      try checkSource(source)
      let collected = try FeatureCollector.run(
        upload.content, by: live, in: pool, upload.identity,
        until: upload.receivedAt + pool.context.limits.requestTimeout,
        isAbandoned: order.isAbandoned)
      let (label, keepsImages) = try upload.parameters.adding(collected.payload.parameters)
        .complete()
      let report = try keep(collected, label, keepsImages: keepsImages, source)
      for item in report.items { pool.context.metrics.example(item.outcome) }
      note.outcome =
        "\(report.count(.kept)) kept, \(report.count(.known)) known, "
        + "\(report.count(.refused)) refused"
      return report
    }
  }

  private func keep(
    _ collected: FeatureCollector.Collected, _ label: String, keepsImages: Bool,
    _ source: ExampleSource
  ) throws(Problem) -> ExampleReport {
    // Images, records of them, and those once more while they are written.
    let byteCount = collected.payload.byteCount
    guard
      let passing = pool.context.memory.reserve(
        Self.copyCount * (keepsImages ? byteCount : 0), use: .bodies)
    else { throw .overloaded }
    defer { _ = passing }
    try holdMemory(adding: collected.results.count, byteCount: keepsImages ? byteCount : 0, source)
    defer { trimMemory() }
    var items: [ExampleReport.Item?] = []
    var examples: [Example] = []
    for (index, result) in collected.results.enumerated() {
      do throws(Problem) {
        _ = try result.get()
        guard let features = collected.features[index] else { throw .internalError }
        let image = try collected.payload.image(index)
        let example = Example(
          label: label, digest: try Self.digest(image), features: features,
          image: keepsImages ? Array(image) : nil)
        examples.append(example)
        items.append(nil)
      } catch {
        items.append(.refused(error))
      }
    }
    let additions: [ExampleStore.Addition]
    do throws(ExampleStore.Fault) {
      additions = try examples.isEmpty ? [] : self.examples.add(examples, of: source)
    } catch {
      throw problem(error)
    }
    var results = zip(examples, additions).makeIterator()
    let all = items.map { item -> ExampleReport.Item in
      if let item { return item }
      guard let (example, addition) = results.next() else { return .refused(.internalError) }
      switch addition {
      case .kept: return .kept(digest: example.digest)
      case .known: return .known(digest: example.digest)
      case .conflict(let other):
        return .refused(
          Problem(
            409, .exampleConflict,
            "this image is an example of \(Quotation.of(other)) already; nobody knows which is "
              + "right: remove those by DELETE /admin/examples?label=… first"))
      }
    }
    return ExampleReport(
      label: label, items: all, isList: collected.payload.isList, summary: try summary())
  }

  private static func digest(_ image: ArraySlice<UInt8>) throws(Problem) -> ModelVersion {
    do throws(DigestError) {
      return ModelVersion(digest: try SHA256.digest(of: Array(image)))
    } catch {
      throw .internalError
    }
  }

  func overview() throws(Problem) -> ExampleOverview {
    let summary = try summary()
    let live = pool.live.model
    var fits: Bool?
    if let source = summary.source, case .success = live.featureCount {
      fits = try self.source(of: live) == source
    }
    return ExampleOverview(summary: summary, isOnDisk: examples.isOnDisk, fits: fits)
  }

  func removeExamples(
    _ removal: ExampleRemoval, _ order: ChangeOrder
  ) throws(Problem) -> (count: Int, summary: ExampleStore.Summary) {
    try log.audit("delete examples", by: order.actor) { note throws(Problem) in
      try order.precondition.check(pool.live.model.version)
      let count = try log.stored { () throws(StoreError) in
        switch removal {
        case .all: try examples.remove(nil)
        case .label(let label): try examples.remove(label)
        }
      }
      if case .label(let label) = removal, count == 0 {
        throw Problem(404, .noExamples, "there are no examples of \(Quotation.of(label))")
      }
      trimMemory()
      note.outcome = "\(count) removed"
      return (count, try summary())
    }
  }

  // MARK: Memory

  private static let copyCount = 3
  /// Bytes of what is known of an example beside its record: digests, places, a part of its label.
  private static let entryByteCount = 512

  /// Reserves what further examples will take; throws if there is too little.
  private func holdMemory(
    adding count: Int, byteCount: Int, _ source: ExampleSource
  ) throws(Problem) {
    let summary = try summary()
    let features = count * source.featureCount * MemoryLayout<Float>.stride
    let records = examples.isOnDisk ? 0 : summary.byteCount + features + byteCount
    let wanted = (summary.count + count) * Self.entryByteCount + records
    let isHeld = exampleMemory.withLock { held in
      wanted <= held.byteCount || held.resize(to: wanted)
    }
    guard isHeld else {
      throw Problem(
        507, .insufficientMemory,
        "\(summary.count + count) examples would take \(wanted) bytes of memory, which are not "
          + "left; remove some by DELETE /admin/examples")
    }
  }

  /// Gives back what the examples do not take.
  private func trimMemory() {
    guard let summary = try? examples.summary() else { return }
    let taken = summary.count * Self.entryByteCount + (examples.isOnDisk ? 0 : summary.byteCount)
    exampleMemory.withLock { held in
      if taken < held.byteCount { _ = held.resize(to: taken) }
    }
  }

  // MARK: Parts

  func summary() throws(Problem) -> ExampleStore.Summary {
    let summary = try log.stored { () throws(StoreError) in try examples.summary() }
    if let notice = examples.takeNotice() { log.write("examples: \(notice)", as: .warning) }
    return summary
  }

  /// Returns the source of the live model's features.
  func source(of live: CompiledModel) throws(Problem) -> ExampleSource {
    let featureCount: Int
    do throws(FeatureFault) { featureCount = try live.featureCount.get() } catch {
      throw Problem(409, .noFeatures, "\(error); nothing can be taught to it")
    }
    if let source = network.knownSource(live) { return source }
    let loading = LoadingReservations()
    defer { loading.release() }
    do {
      return try network.source(
        live, featureCount: featureCount, loading.memory(of: pool.context))
    } catch let error as CheckpointError {
      throw Problem(SwapFailure(error))
    } catch {
      log.write(
        "the live model's file cannot be read again", as: .error, ["error": .text("\(error)")])
      throw .internalError
    }
  }

  /// Throws if there are examples of another network.
  func checkSource(_ source: ExampleSource) throws(Problem) {
    guard let known = try summary().source, known != source else { return }
    throw Problem(
      409, .examplesOfAnother,
      "the examples have \(known.featureCount) features of another network, contract or precision "
        + "than the live model's, whose last layer cannot be learned from them: send their images "
        + "again after DELETE /admin/examples?all=true, or make a model on that network live again")
  }

  func problem(_ fault: ExampleStore.Fault) -> Problem {
    switch fault {
    case .store(let error): return log.problem(error)
    case .otherSource:
      return Problem(
        409, .examplesOfAnother,
        "examples of another network have come meanwhile; see GET /admin/examples")
    case .tooMany(let limit):
      return Problem(
        507, .examplesFull,
        "at most \(limit) examples are kept; remove some by DELETE /admin/examples"
      )
    case .tooManyLabels(let limit):
      return Problem(
        507, .examplesFull,
        "examples have at most \(limit) labels; remove some by DELETE /admin/examples")
    case .tooManyBytes(let limit):
      let advice =
        examples.isOnDisk ? "leave keep_images out" : "start the server with --state-dir"
      return Problem(
        507, .examplesFull,
        "at most \(limit) bytes of examples are kept; remove some by DELETE /admin/examples, or "
          + advice)
    }
  }
}
