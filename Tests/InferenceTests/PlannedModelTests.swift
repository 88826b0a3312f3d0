import Checkpoint
import Engine
import Files
import Foundation
import Inference
import Testing

@Suite struct PlannedModelTests {
  private func planned(
    _ tuning: Tuning, cores: Int = 2, cache: PlanCache? = nil,
    outcome: PlanSearchOutcome = .measured, _ change: (inout CPUPlan.Settings) -> Void = { _ in }
  ) throws -> PlannedModel {
    let model = try Model.embedded(.cifar10)
    var settings = CPUPlan.Settings()
    change(&settings)
    return try PlannedModel(
      model, precision: .fp32, settings: settings, tuning: tuning, cores: cores, cache: cache,
      in: PlanCache.Situation(
        program: "1", model: model.version, precision: .fp32, cpu: "a CPU", cores: cores,
        settings: settings),
      search: { model, precision, settings, cores throws(EngineError) in
        // It differs from the rule's, so that it shows whose plan it is.
        let plan = settings.plan(cores: cores, threads: cores, maxBatch: 4)
        return PlannedModel.Found(
          try CompiledModel(model, precision: precision, plan: plan), outcome)
      })
  }

  @Test("A search on this machine ends with a plan that serves, whatever the machine does besides")
  func search() throws {
    let model = try Model.embedded(.cifar10)
    let settings = CPUPlan.Settings()
    let planned = try PlannedModel(
      model, precision: .fp32, settings: settings, tuning: .always, cores: 2, cache: nil,
      in: PlanCache.Situation(
        program: "1", model: model.version, precision: .fp32, cpu: "a CPU", cores: 2,
        settings: settings))
    #expect([.measured, .tooBusy, .outOfTime].contains(planned.origin))
    let plan = planned.compiled.plan
    #expect([1, 4, 8].contains(plan.maxBatch) && [1, 2].contains(plan.threads))
    #expect(planned.compiled.network.largestBatch == plan.maxBatch)
    #expect(plan.threads == 1 || planned.compiled.network.teamThreads == 2)
    if planned.origin != .measured { #expect(plan == settings.plan(cores: 2, for: model.graph)) }
  }

  @Test("What was measured on a busy machine, or not at all, is not remembered")
  func unmeasured() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-plans-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let cache = PlanCache(folder: folder.path)
    let busy = try planned(.auto, cache: cache, outcome: .tooBusy)
    #expect(busy.origin == .tooBusy && !busy.isKept)
    #expect(busy.description.hasSuffix("(by rule, for the machine was too busy to measure)"))
    let late = try planned(.auto, cache: cache, outcome: .outOfTime)
    #expect(late.origin == .outOfTime && !late.isKept)
    #expect(late.description.hasSuffix("(by rule, for there was no time to measure)"))
    #expect(try planned(.auto, cache: cache).origin == .measured)
    #expect(try planned(.auto, cache: cache, outcome: .tooBusy).origin == .remembered)
  }

  @Test("What is set by hand is not measured")
  func given() throws {
    let all = try planned(.always) {
      $0.maxBatch = 2
      $0.threads = 2
    }
    #expect(all.origin == .given)
    #expect(all.compiled.network.batchSizes == [2, 1] && all.compiled.network.teamThreads == 2)
    #expect(try planned(.always, cores: 1) { $0.maxBatch = 3 }.origin == .given)
    let half = try planned(.always) {
      $0.maxBatch = 3
      $0.workers = 1
    }
    #expect(half.origin == .measured)
    #expect(half.compiled.plan.batchSizes == [1, 2, 3] && half.compiled.plan.workers == 1)
  }

  @Test("A rule decides where nothing may be measured")
  func rule() throws {
    let planned = try planned(.off)
    #expect(planned.origin == .rule)
    #expect(planned.compiled.plan == CPUPlan(workers: 2, threads: 1, maxBatch: 8))
    #expect(planned.description.hasSuffix("(by rule)"))
  }

  @Test("A measurement is remembered, and made anew when asked for")
  func remembering() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("resnetd-plans-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let cache = PlanCache(folder: folder.path)
    let first = try planned(.auto, cache: cache)
    #expect(first.origin == .measured && first.isKept)
    #expect(first.description.contains("measured in"))
    let second = try planned(.auto, cache: cache)
    #expect(second.origin == .remembered)
    #expect(second.compiled.plan == first.compiled.plan)
    #expect(try planned(.always, cache: cache).origin == .measured)
    let unwritable = try planned(.auto, cache: PlanCache(folder: "/proc/no/such/folder"))
    #expect(unwritable.origin == .measured && !unwritable.isKept)
    #expect(unwritable.cacheFault?.path == "/proc/no" && first.cacheFault == nil)
  }

  @Test("One core has no team, and its plan still serves")
  func oneCore() throws {
    let planned = try planned(.always, cores: 1)
    #expect(planned.compiled.plan.workers == 1 && planned.compiled.plan.threads == 1)
    #expect(planned.compiled.network.teamThreads == nil)
  }
}
