import Checkpoint
import Classifying
import Decoding
import Dispatch
import Engine
import Foundation
import HTTPCore
import HTTPServer
import Imaging
import Inference
import Machine
import ResNet
import Serving
import Synchronization
import Testing

/// Tests that a candidate must pass before it is live.
@Suite struct DeployerTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("resnetd-swaps-\(UUID().uuidString)")

  private func withFolder(_ body: (String) throws -> Void) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  /// Makes a file of a model that is fit to be live.
  private func withNext(_ body: (String) throws -> Void) throws {
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      try SmallModels.model("next").write(to: path)
      try body(path)
    }
  }

  private func deployer(
    _ service: TestService, precision: PrecisionPolicy = .fp32
  ) -> Deployer {
    var settings = CPUPlan.Settings()
    settings.workers = service.pool.workerCount
    return Deployer(
      service.pool,
      rules: CompilationRules(
        precision: precision, settings: settings, tuning: .off, cores: 2, program: "1"))
  }

  private func service(
    available: Int? = nil, provingTimeout: Duration = ServingLimits().provingTimeout
  ) throws -> TestService {
    var limits = ServingLimits()
    limits.provingTimeout = provingTimeout
    return try TestService(
      limits: limits, first: SmallModels.live("live", plan: Self.plan),
      availableMemory: { available })
  }

  private func samples(_ service: TestService) throws -> [String] {
    guard case .answer(let response) = service.service.receive(try Request("GET", "/metrics").head)
    else { return [] }
    return String(decoding: response.body, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Returns the failure of a swap that must fail and leave the live model as it was.
  private func failure(
    _ service: TestService, _ deployer: Deployer, _ request: SwapRequest,
    record: (Model) throws(SwapFailure) -> String? = { _ in nil }
  ) throws -> SwapFailure {
    let live = service.pool.live
    let failure = try #require(throws: SwapFailure.self) {
      _ = try deployer.deploy(request, record: record)
    }
    #expect(service.pool.live === live)
    let line =
      "resnetd_swap_total{outcome=\"\(failure.kind.rawValue)\",step=\"\(failure.step.rawValue)\"} 1"
    #expect(try samples(service).contains(line))
    return failure
  }

  /// Returns the model's own logits for the embedded model's images.
  private func goldenSamples(_ model: Model) throws -> [GoldenSample] {
    let classifier = try Classifier(CompiledModel(model), limits: ServingLimits().decoding)
    return try Model.embedded(.cifar10).goldenSamples.map { sample in
      GoldenSample(
        encodedImage: sample.encodedImage,
        logits: try classifier.logits(sample.encodedImage))
    }
  }

  @Test(
    "A model with bands takes the place of one of colours, and gives it back",
    .enabled(if: CodecVersions.areInstalled(for: .tiff)))
  func bands() throws {
    let service = try service()
    let deployer = deployer(service)
    try withFolder { folder in
      for model in [try SmallModels.bands("bands"), try SmallModels.model("colours")] {
        let path = "\(folder)/\(model.name).safetensors"
        try model.write(to: path)
        _ = try deployer.deploy(SwapRequest(path: path, by: "a test"), record: { _ in nil })
        #expect(service.pool.live.model.name == model.name)
      }
    }
  }

  @Test(
    "A model that proves itself is live after all steps, and a dry run stops before the last two")
  func steps() async throws {
    let service = try service()
    let deployer = deployer(service)
    let candidate = try SmallModels.model("next", classCount: 7, scale: -1)
    let proven = try SmallModels.model(
      "next", classCount: 7, scale: -1, samples: goldenSamples(candidate))
    let former = service.pool.live.model.version
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      try proven.write(to: path)
      let dry = try deployer.deploy(
        SwapRequest(path: path, dryRun: true, by: "a test"),
        record: { _ in
          Issue.record("nothing is recorded in a dry run")
          return nil
        })
      #expect(dry.isDryRun && dry.steps.map(\.step) == Array(SwapStep.allCases.dropLast(2)))
      #expect(service.pool.live.model.version == former)
      let recorded = Mutex<[ModelVersion]>([])
      let report = try deployer.deploy(SwapRequest(path: path, by: "a test")) { model in
        recorded.withLock { $0.append(model.version) }
        #expect(service.pool.live.model.version == former)
        return nil
      }
      #expect(report.steps.map(\.step) == SwapStep.allCases && !report.isDryRun)
      #expect(recorded.withLock(\.self) == [proven.version])
      #expect(report.version == proven.version && report.formerVersion == former)
      #expect(report.name == "next" && report.precision == .fp32 && report.planOrigin == .rule)
    }
    let live = service.pool.live
    #expect(live.model.version == proven.version && live.by == "a test")
    #expect(try #require(live.liveSince) > 0)
    let response = await service.answer(
      try Request("POST", "/classify?top_k=1", body: goldenImage().encodedImage))
    #expect(String(decoding: response.body, as: UTF8.self).contains(#""label":"next"#))
    let lines = try samples(service)
    #expect(lines.contains(#"resnetd_swap_total{outcome="dry_run",step="warm"} 1"#))
    #expect(lines.contains(#"resnetd_swap_total{outcome="done",step="swap"} 1"#))
    #expect(lines.contains(#"resnetd_swap_duration_seconds_count{step="compile"} 2"#))
    #expect(lines.contains(#"resnetd_swap_duration_seconds_count{step="record"} 1"#))
  }

  @Test("The plan of a model with the same network is that of the live one")
  func inheritedPlan() throws {
    let service = try service()
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      try SmallModels.model("next", scale: -1).write(to: path)
      let report = try deployer(service).deploy(SwapRequest(path: path, by: "a test"))
      #expect(report.planOrigin == .inherited && report.plan == Self.plan)
      #expect(service.pool.live.model.network.batchSizes == [2, 1])
    }
  }

  @Test("What cannot be read or is no model is refused")
  func unusableFiles() throws {
    let service = try service()
    try withFolder { folder in
      let missing = try failure(
        service, deployer(service), SwapRequest(path: folder + "/none", by: "a test"))
      #expect(missing.step == .read && missing.kind == .refused)
      let path = folder + "/text.safetensors"
      try Data("no model at all".utf8).write(to: URL(fileURLWithPath: path))
      let text = try failure(service, deployer(service), SwapRequest(path: path, by: "a test"))
      #expect(text.step == .validate && text.kind == .refused)
    }
  }

  @Test("int8 without a calibration is refused where the server runs in int8")
  func calibration() throws {
    let service = try service()
    try withNext { path in
      let failure = try failure(
        service, deployer(service, precision: .int8), SwapRequest(path: path, by: "a test"))
      #expect(failure.step == .validate && failure.reason.contains("calibration"))
    }
  }

  @Test("A model that cannot be compiled is refused")
  func compilation() throws {
    let service = try service()
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      let calibration = Calibration(method: "made up", ranges: ["input": 1])
      try SmallModels.model("next", calibration: calibration).write(to: path)
      let failure = try failure(
        service, deployer(service, precision: .int8), SwapRequest(path: path, by: "a test"))
      #expect(failure.step == .compile && failure.kind == .refused)
    }
  }

  @Test("A model that does not fit beside the live one is refused with the numbers")
  func memory() throws {
    let service = try service(available: 4321)
    try withNext { path in
      let failure = try failure(
        service, deployer(service), SwapRequest(path: path, by: "a test"))
      #expect(failure.step == .memory && failure.kind == .insufficientMemory)
      #expect(failure.reason.contains("4321 are available"))
    }
  }

  @Test("A model that does not give its own samples' logits is refused")
  func goldenSamples() throws {
    let service = try service()
    try withFolder { folder in
      let samples = try goldenSamples(SmallModels.model("next"))
      let path = folder + "/next.safetensors"
      // As if the last layer had been stored wrongly.
      try SmallModels.model("next", scale: 1.1, samples: samples).write(to: path)
      let wrong = try failure(service, deployer(service), SwapRequest(path: path, by: "a test"))
      #expect(wrong.step == .golden && wrong.reason.contains("golden sample 0"))
      let noImage = [GoldenSample(encodedImage: [1, 2, 3], logits: samples[0].logits)]
      try SmallModels.model("next", samples: noImage).write(to: path)
      let other = try self.service()
      let unreadable = try failure(other, deployer(other), SwapRequest(path: path, by: "a test"))
      #expect(unreadable.step == .golden)
    }
  }

  @Test("A model is not blamed for memory that others hold, and going back takes it all the same")
  func memoryForGoldenSamples() throws {
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      for samples in [[], try goldenSamples(SmallModels.model("next"))] {
        try SmallModels.model("next", samples: samples).write(to: path)
        let budget = MemoryBudget(byteCount: 1 << 20)
        let others = try #require(budget.reserve(1 << 20))
        var limits = ServingLimits()
        limits.requestTimeout = .milliseconds(500)
        let service = try TestService(
          limits: limits, first: SmallModels.live("live", plan: Self.plan),
          decoders: LocalDecoders(budget: budget))
        let deployer = deployer(service)
        var request = SwapRequest(path: path, by: "a test")
        let failure = try failure(service, deployer, request)
        #expect(failure.step == .golden && failure.kind == .insufficientMemory)
        request.isReturn = true
        _ = try deployer.deploy(request, record: { _ in nil })
        #expect(budget.usedByteCount == 1 << 20)
        _ = others.byteCount
      }
    }
  }

  @Test("A model that would compute for too long before it is live is refused with the times")
  func provingTime() throws {
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      let own = try goldenSamples(SmallModels.model("next"))
      for samples in [[], own] {
        try SmallModels.model("next", samples: samples).write(to: path)
        let service = try service(provingTimeout: .nanoseconds(1))
        let failure = try failure(
          service, deployer(service), SwapRequest(path: path, by: "a test"))
        #expect(failure.step == .golden && failure.kind == .insufficientTime)
        // Without samples: the embedded model's images, then batches of one and two, and one more
        // image.
        #expect(failure.reason.contains("the \(own.count + 4) before the model is live"))
      }
    }
  }

  @Test("A model without samples must give logits that depend on class and image")
  func constantOutput() throws {
    let service = try service()
    try withFolder { folder in
      let path = folder + "/next.safetensors"
      try SmallModels.model("next", scale: 0).write(to: path)
      let failure = try failure(service, deployer(service), SwapRequest(path: path, by: "a test"))
      #expect(failure.step == .golden && failure.reason.contains("every image"))
    }
  }

  @Test("When the choice cannot be kept, nothing is exchanged")
  func recording() throws {
    let service = try service()
    try withNext { path in
      let full = SwapFailure(step: .record, reason: "the disk is full", kind: .stateFolder)
      let failure = try failure(
        service, deployer(service), SwapRequest(path: path, by: "a test")
      ) { _ throws(SwapFailure) in throw full }
      #expect(failure == full)
    }
  }

  @Test("A second swap at the same time is busy, and the first is not disturbed")
  func busy() throws {
    let service = try service()
    let deployer = deployer(service)
    try withNext { path in
      let request = SwapRequest(path: path, by: "a test")
      let report = try deployer.deploy(request) { _ in
        do {
          let second = try failure(service, deployer, request)
          #expect(second.kind == .busy)
        } catch {
          Issue.record("no failure: \(error)")
        }
        return nil
      }
      #expect(service.pool.live.model.version == report.version)
      #expect(try deployer.deploy(request).version == report.version)
    }
  }

  @Test("A file is completed while nothing else is prepared, and what comes of it is taken")
  func completion() throws {
    let service = try service()
    let deployer = deployer(service)
    try withNext { path in
      let whole = path.replacing("next", with: "whole")
      try SmallModels.model("whole").write(to: whole)
      var request = SwapRequest(path: path, by: "a test")
      request.completion = { _ in
        Issue.record("it was completed beside another swap")
        return path
      }
      let second = request
      request.completion = { _ in whole }
      _ = try deployer.deploy(request) { _ throws(SwapFailure) in
        #expect((try? failure(service, deployer, second))?.kind == .busy)
        return nil
      }
      #expect(service.pool.live.model.name == "whole")
      request.completion = { _ throws(SwapFailure) in
        throw SwapFailure(step: .validate, reason: "a test", kind: .refused)
      }
      #expect(try failure(service, deployer, request).reason == "a test")
    }
  }

  @Test("Once closed, which it cannot be in the middle of a swap, it begins no other")
  func close() throws {
    let service = try service()
    let deployer = deployer(service)
    try withNext { path in
      let request = SwapRequest(path: path, by: "a test")
      _ = try deployer.deploy(request) { _ in
        #expect(!deployer.close())
        return nil
      }
      #expect(service.pool.live.model.name == "next")
      #expect(deployer.close())
      #expect(try failure(service, deployer, request).kind == .busy)
    }
  }

  @Test("A file without labels is refused")
  func unlabelled() throws {
    let service = try service()
    try withFolder { folder in
      let path = folder + "/plain.safetensors"
      try SmallModels.model("next").writePlain(to: path)
      let failure = try failure(
        service, deployer(service), SwapRequest(path: path, by: "a test"))
      #expect(failure.step == .validate && failure.kind == .refused)
      #expect(failure.reason.contains("contains no labels; write 10 labels into it"))
    }
  }

  @Test("Requests are answered while models are swapped, each by the model that it names")
  func underLoad() throws {
    let service = try TestService(
      first: SmallModels.live("a", plan: CPUPlan(workers: 2, threads: 2, maxBatch: 4)))
    let deployer = deployer(service)
    let image = try goldenImage().encodedImage
    let first = WeakDeployment(service.pool.live)
    try withFolder { folder in
      var marks: [String: String] = [service.pool.live.model.version.short: "a"]
      for mark in ["b", "c"] {
        let model = try SmallModels.model(mark, scale: mark == "b" ? -1 : 2)
        try model.write(to: "\(folder)/\(mark)")
        marks[model.version.short] = mark
      }
      let expected = marks
      let isDone = Atomic(false)
      let answered = Atomic(0)
      let areStarted = WorkerThread.runSideBySide(3) { thread in
        do {
          if thread == 0 {
            defer { isDone.store(true, ordering: .relaxed) }
            for swap in 0..<6 {
              let path = "\(folder)/\(swap % 2 == 0 ? "b" : "c")"
              _ = try deployer.deploy(SwapRequest(path: path, by: "a test"))
            }
            return
          }
          while !isDone.load(ordering: .relaxed) {
            let response = try service.wait(for: "/classify?top_k=3", body: image)
            #expect(response.status == 200)
            let model = try #require(try response.json()["model"] as? [String: Any])
            let version = try #require(model["version"] as? String)
            let mark = try #require(expected[version])
            let text = String(decoding: response.body, as: UTF8.self)
            #expect(text.components(separatedBy: "\"label\":\"\(mark)").count == 4)
            answered.add(1, ordering: .relaxed)
          }
        } catch {
          Issue.record("\(error)")
        }
      }
      #expect(areStarted && answered.load(ordering: .relaxed) > 0)
    }
    #expect(eventually { first.value == nil })
  }
}
