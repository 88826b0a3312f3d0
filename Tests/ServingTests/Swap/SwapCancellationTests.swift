import Checkpoint
import Classifying
import Engine
import Foundation
import Inference
import ResNet
import Serving
import Synchronization
import Testing

/// Proofs that are interrupted at every step: between all pieces of work they ask whether to go on.
@Suite struct SwapCancellationTests {
  private static let plan = CPUPlan(workers: 1, threads: 1, maxBatch: 2)

  /// Answers yes after `limit` questions.
  private final class Questions: Sendable {
    private let count = Atomic(0)
    private let limit: Int
    init(until limit: Int) { self.limit = limit }
    var asked: Int { count.load(ordering: .relaxed) }
    var answer: @Sendable () -> Bool {
      { [self] in count.wrappingAdd(1, ordering: .relaxed).newValue > limit }
    }
  }

  private struct Swap {
    let service: TestService
    let deployer: Deployer
    let path: String

    /// Runs a swap that is given up at a question; returns its failure and the questions asked.
    func run(until limit: Int) throws -> (failure: SwapFailure?, asked: Int) {
      let questions = Questions(until: limit)
      let turn = try deployer.take("a test", by: "a test", isAbandoned: questions.answer)
      defer { deployer.turns.end(turn) }
      do throws(SwapFailure) {
        _ = try deployer.deploy(SwapRequest(path: path, dryRun: true, by: "a test"), in: turn)
        return (nil, questions.asked)
      } catch {
        return (error, questions.asked)
      }
    }
  }

  private func swap(_ path: String) throws -> Swap {
    let service = try TestService(first: SmallModels.live("live", plan: Self.plan))
    var settings = CPUPlan.Settings()
    settings.workers = 1
    let deployer = Deployer(
      service.pool,
      rules: CompilationRules(
        precision: .fp32, settings: settings, tuning: .off, cores: 2, program: "1"))
    return Swap(service: service, deployer: deployer, path: path)
  }

  @Test("Whenever it is ended, it asks no second time, and what is live stays")
  func everyQuestion() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-cancel-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("next.safetensors").path
    let plain = try SmallModels.model("next")
    let classifier = try Classifier(CompiledModel(plain), limits: ServingLimits().decoding)
    let samples = try Model.embedded(.cifar10).goldenSamples.map { sample in
      GoldenSample(
        encodedImage: sample.encodedImage,
        logits: try classifier.logits(sample.encodedImage))
    }
    try SmallModels.model("next", samples: samples).write(to: path)
    let swap = try swap(path)
    let live = swap.service.pool.live
    let (none, total) = try swap.run(until: .max)
    #expect(none == nil)
    // Each parameter read, each layer of two batch sizes, each sample and each run of the slot asks
    // at least once.
    let parameterCount = plain.weights.names.count
    let layerCount = plain.graph.nodes.count {
      if case .convolution = $0.operation { true } else { false }
    }
    #expect(total > parameterCount + 2 * layerCount + samples.count + 2)
    var steps: Set<SwapStep> = []
    for limit in 0..<total {
      let (failure, asked) = try swap.run(until: limit)
      #expect(failure?.kind == .cancelled && asked == limit + 1, "at question \(limit)")
      if let failure { steps.insert(failure.step) }
      #expect(swap.service.pool.live === live)
    }
    #expect(steps == [.read, .validate, .memory, .compile, .golden, .warm])
    #expect(swap.deployer.close())
  }

  @Test("What is committed is not ended any more, and whoever goes before others waits for it")
  func committed() throws {
    let turns = SwapTurns()
    let first = try turns.take("first", by: "one")
    try first.commit()
    let (ended, isCancelled) = try #require(turns.cancel(by: "two"))
    #expect(ended.action == "first" && !isCancelled && !first.isCancelled)
    #expect(!turns.close())
    let isTaken = Atomic(false)
    let thread = WorkerThread {
      do throws(SwapFailure) {
        let second = try turns.take("second", by: "two", overriding: true)
        isTaken.store(true, ordering: .releasing)
        turns.end(second)
      } catch {
        Issue.record("\(error)")
      }
    }
    let wasTaken = isTaken.load(ordering: .acquiring)
    #expect(!wasTaken)
    turns.end(first)
    try #require(thread).join()
    let isTakenNow = isTaken.load(ordering: .acquiring)
    #expect(isTakenNow && turns.current == nil && turns.close())
    let late = #expect(throws: SwapFailure.self) { try turns.take("late", by: "one") }
    #expect(late?.kind == .busy)
  }

  @Test("A turn that was ended is nobody's, and giving it back takes nothing from the next")
  func ended() throws {
    let turns = SwapTurns()
    let first = try turns.take("first", by: "one")
    #expect(throws: SwapFailure.self) { try turns.take("other", by: "two") }
    let second = try turns.take("second", by: "two", overriding: true)
    #expect(first.isCancelled && turns.current === second)
    let failure = #expect(throws: SwapFailure.self) { try first.commit() }
    #expect(failure?.kind == .cancelled && failure?.reason == "ended by two")
    turns.end(first)
    #expect(turns.current === second)
    try second.commit()
    turns.end(second)
    #expect(turns.close())
  }
}
