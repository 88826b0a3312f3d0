import Checkpoint
import Engine
import Foundation
import HTTPCore
import HTTPServer
import Imaging
import Inference
import Machine
import ResNet
import Serving
import Telemetry
import Testing

/// The model that options or the state folder name, which a server starts with.
@Suite struct FirstDeploymentTests {
  private func context(
    limits: ServingLimits = ServingLimits(), available: Int? = nil,
    memory: MemoryBudget = MemoryBudget(byteCount: 1 << 46)
  ) -> ServingContext {
    ServingContext(
      limits: limits, metrics: ServingMetrics(), log: Log(format: .json, descriptor: -1),
      memory: memory, availableMemory: { available })
  }

  private func first(
    _ model: inout Model, _ context: ServingContext
  ) throws(SwapFailure) -> FirstDeployment {
    var settings = CPUPlan.Settings()
    settings.workers = 1
    return try FirstDeployment(
      &model, by: "the start",
      rules: CompilationRules(
        precision: .fp32, settings: settings, tuning: .off, cores: 2, program: "1"),
      context: context)
  }

  private func failure(_ model: Model, _ context: ServingContext) throws -> SwapFailure {
    var model = model
    return try #require(throws: SwapFailure.self) { _ = try first(&model, context) }
  }

  private func swapLines(_ context: ServingContext) throws -> [String] {
    let service = MetricsService(context.metrics, accessLog: AccessLog(context.log, isOn: false))
    let decision = service.receive(try Request("GET", "/metrics").head)
    guard case .answer(let response) = decision, response.status == 200 else {
      throw CancellationError()
    }
    return String(decoding: response.body, as: UTF8.self).split(separator: "\n").map(String.init)
      .filter { $0.hasPrefix("resnetd_swap") }
  }

  /// Numbers that tell whether somebody still has them.
  private final class Numbers: TensorStorage {
    private let values: [Float]
    init(_ values: [Float]) { self.values = values }
    func withValues<Result, Failure: Error>(
      _ body: (Span<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
      try values.withValues(body)
    }
  }

  @Test("It takes all steps of a swap but is not counted as one, and its weights are released")
  func proved() throws {
    let context = context()
    var model = try SmallModels.model("start")
    weak var numbers: Numbers?
    do {
      let linear = try #require(model.weights["fc.weight"])
      let own = Numbers(linear.values)
      model.weights["fc.weight"] = Tensor(shape: linear.shape, storage: own)
      numbers = own
    }
    #expect(numbers != nil)
    let first = try first(&model, context)
    #expect(numbers == nil && model.weights.names.isEmpty)
    #expect(first.deployment.model.version == model.version && first.deployment.by == "the start")
    #expect(first.planned.origin == .rule)
    #expect(first.report.steps.map(\.step) == [.memory, .compile, .golden, .warm])
    #expect(try swapLines(context).isEmpty)
    #expect(context.memory.usedByteCount(for: .models) > 0)
  }

  @Test("Without golden samples it must answer images, and not all of them alike")
  func withoutSamples() throws {
    let constant = try failure(SmallModels.model("start", scale: 0), context())
    #expect(constant.step == .golden && constant.kind == .refused)
    #expect(constant.reason.contains("every"))
    var limits = ServingLimits()
    limits.decoding.pixelCountLimit = 1
    let blind = try failure(SmallModels.model("start"), context(limits: limits))
    let rejection = "it rejects all images that it is tried on: the image has "
    #expect(blind.step == .golden && blind.reason.hasPrefix(rejection))
  }

  @Test(
    "With bands and without golden samples it must answer images with bands",
    .enabled(if: CodecVersions.areInstalled(for: .tiff)))
  func bands() throws {
    var model = try SmallModels.bands("start")
    #expect(try first(&model, context()).deployment.model.name == "start")
    let constant = try failure(SmallModels.bands("start", scale: 0), context())
    #expect(constant.step == .golden && constant.reason.contains("every"))
  }

  @Test("A lack of memory, of the system or of the budget, is told in numbers")
  func memory() throws {
    let model = try SmallModels.model("start")
    let ofSystem = try failure(model, context(available: 4321))
    #expect(ofSystem.step == .memory && ofSystem.kind == .insufficientMemory)
    let shortage = try #require(ofSystem.shortage)
    #expect(shortage.leftByteCount == 4321 && shortage.neededByteCount > 4321)
    let ofBudget = try failure(model, context(memory: MemoryBudget(byteCount: 1234)))
    #expect(ofBudget.shortage?.leftByteCount == 1234)
    #expect(ofBudget.shortage?.neededByteCount == shortage.neededByteCount)
  }

  @Test("Its warm-up has no limit of time, unlike its golden samples")
  func time() throws {
    var limits = ServingLimits()
    limits.provingTimeout = .nanoseconds(1)
    let count = try Model.embedded(.cifar10).goldenSamples.count
    let slow = try failure(SmallModels.model("start"), context(limits: limits))
    #expect(slow.step == .golden && slow.kind == .insufficientTime)
    #expect(slow.reason.contains("the \(count) before the model is live"))
  }
}
