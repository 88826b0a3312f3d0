import Engine
import Inference
import Numbers
import ResNet
import Testing

/// The search for a plan, with made-up times.
@Suite struct PlanSearchTests {
  /// A machine on which everything takes the time stated here.
  private final class Machine: PlanTrials {
    var now = ContinuousClock.now
    var compilation = Duration.milliseconds(50)
    /// Time of one image on one thread.
    var image = Duration.milliseconds(10)
    /// Factor by which a team is faster.
    var team = 1.0
    /// Images per second of a batch, as multiples of those one by one.
    var batches: [Int: Double] = [:]
    /// Factor for each measured time, by its number.
    var noise: (Int) -> Double = { _ in 1 }
    /// Whether the team never finishes.
    var teamHangs = false
    private(set) var compiled: [CPUPlan] = []
    private var count = 0

    /// Returns false if the deadline comes first; `now` is then the deadline.
    private func spend(_ time: Duration, until deadline: ContinuousClock.Instant?) -> Bool {
      if let deadline, now + time > deadline {
        now = max(now, deadline)
        return false
      }
      now += time
      return true
    }

    func compile(
      _ plan: CPUPlan, until deadline: ContinuousClock.Instant?
    ) throws(EngineError) -> CPUPlan {
      compiled.append(plan)
      guard spend(compilation, until: deadline) else { throw .outOfTime }
      return plan
    }

    func contextByteCount(_ subject: CPUPlan) -> Int { subject.maxBatch << 20 }

    func image(
      _ subject: CPUPlan, onTeam: Bool, for window: Duration,
      until deadline: ContinuousClock.Instant
    ) throws(EngineError) -> Duration? {
      count += 1
      if onTeam, teamHangs { return spend(.seconds(3600), until: deadline) ? image : nil }
      let time = image / (onTeam ? team : 1) * noise(count)
      return spend(max(window, time), until: deadline) ? time : nil
    }

    func rate(
      _ subject: CPUPlan, batch: Int, for window: Duration, until deadline: ContinuousClock.Instant
    ) throws(EngineError) -> Double? {
      count += 1
      let perImage = image / (batches[batch] ?? 1) * noise(count)
      guard spend(max(window, perImage * batch), until: deadline) else { return nil }
      return Double(subject.workers) / (perImage / .seconds(1))
    }
  }

  private static let large = CPUPlan(workers: 2, threads: 2, maxBatch: 1)
  private static let small = CPUPlan(workers: 2, threads: 1, maxBatch: 8)

  private func search(
    _ machine: Machine, rule: CPUPlan = large, _ change: (inout CPUPlan.Settings) -> Void = { _ in }
  ) throws -> PlanSearch<Machine> {
    var settings = CPUPlan.Settings()
    change(&settings)
    return try PlanSearch(machine, settings: settings, cores: 2, rule: rule)
  }

  @Test("Larger batches and a team are taken as far as they are clearly faster")
  func large() throws {
    for (team, four, eight, threads, batch) in [
      (1.8, 1.0, 1.0, 2, 1), (1.0, 1.0, 1.0, 1, 1), (1.8, 1.3, 1.3, 2, 4), (0.5, 1.3, 1.7, 1, 8),
      (1.5, 1.0, 2.0, 2, 1),
    ] {
      let machine = Machine()
      machine.team = team
      machine.batches = [4: four, 8: eight]
      let found = try search(machine)
      #expect(found.outcome == .measured)
      #expect(found.plan.threads == threads && found.plan.maxBatch == batch)
      #expect(found.best.maxBatch == batch)
      // Only the winner's sizes count, and the team that was asked for.
      #expect(found.best.threads >= threads)
    }
  }

  @Test("Small networks keep their batch unless it brings nothing, and take a team only for much")
  func small() throws {
    for (team, four, eight, threads, batch) in [
      (1.1, 1.1, 1.2, 1, 8), (1.5, 1.0, 1.0, 2, 8), (1.0, 0.9, 0.8, 1, 1), (1.0, 1.3, 0.8, 1, 4),
    ] {
      let machine = Machine()
      machine.image = .milliseconds(1)
      machine.team = team
      machine.batches = [4: four, 8: eight]
      let found = try search(machine, rule: Self.small)
      #expect(found.outcome == .measured)
      #expect(found.plan.threads == threads && found.plan.maxBatch == batch)
      #expect(found.best.maxBatch == batch)
    }
  }

  @Test("Gains at the very edge give one plan however the times vary by a few parts of a hundred")
  func stable() throws {
    for (rule, image) in [(Self.large, 10), (Self.small, 1)] {
      let plans = try (0..<60).map { start in
        let numbers = ReproducibleNumbers("start \(start)")
        let machine = Machine()
        machine.image = .milliseconds(image)
        machine.team = 1.1
        machine.batches = [4: 1.06, 8: 1.06]
        machine.noise = { 1 + 0.08 * (Double(numbers.fraction($0)) - 0.5) }
        let found = try search(machine, rule: rule)
        #expect(found.outcome == .measured)
        return found.plan
      }
      #expect(Set(plans) == [rule])
    }
  }

  @Test("Times that vary too much decide nothing: the rule's plan stays")
  func busy() throws {
    let machine = Machine()
    machine.team = 1
    machine.batches = [4: 3, 8: 3]
    let numbers = ReproducibleNumbers("busy")
    machine.noise = { numbers.fraction($0) < 0.5 ? 1 : 3 }
    let found = try search(machine)
    #expect(found.outcome == .tooBusy)
    #expect(found.plan == Self.large && found.best.maxBatch == 1)
  }

  @Test("A team that does not come to its end is given up, and says that the machine is busy")
  func hangingTeam() throws {
    let machine = Machine()
    machine.teamHangs = true
    let start = machine.now
    let found = try search(machine)
    #expect(found.outcome == .tooBusy && found.plan == Self.large)
    #expect(machine.now - start <= .seconds(3))
  }

  @Test(
    "The search ends after three seconds whatever takes long, but for the compilation that any plan needs",
    arguments: [1, 50, 500, 2900, 3100, 20_000], [1, 10, 100, 1000, 10_000])
  func bounded(compilation: Int, image: Int) throws {
    for rule in [Self.large, Self.small] {
      let machine = Machine()
      machine.compilation = .milliseconds(compilation)
      machine.image = .milliseconds(image)
      machine.team = 1.8
      machine.batches = [4: 1.5, 8: 2]
      let start = machine.now
      let found = try search(machine, rule: rule)
      #expect(machine.now - start <= max(.seconds(3), machine.compilation))
      if compilation > 3000 || image > 3000 {
        #expect(found.outcome == .outOfTime && found.plan == rule && machine.compiled.count == 1)
      }
      #expect(found.best.maxBatch == found.plan.maxBatch)
    }
  }

  @Test(
    "Other compilations that take longer than the first end with the time, and leave what was best")
  func slowCompilation() throws {
    let machine = Machine()
    machine.team = 1.8
    machine.batches = [4: 1.5]
    let start = machine.now
    // Only the first one is quick: the system had its network at hand.
    machine.noise = { [unowned machine] _ in
      machine.compilation = .seconds(60)
      return 1
    }
    let found = try search(machine)
    #expect(machine.now - start <= .seconds(3))
    #expect(found.plan == Self.large && found.best.maxBatch == 1)
    #expect(found.outcome == .measured && machine.compiled.count == 2)
  }

  @Test("What is set by hand is not tried")
  func given() throws {
    let machine = Machine()
    machine.team = 3
    machine.batches = [3: 1, 4: 3, 8: 3]
    let rule = CPUPlan(workers: 2, threads: 1, maxBatch: 3)
    let found = try search(machine, rule: rule) {
      $0.threads = 1
      $0.maxBatch = 3
    }
    #expect(found.plan == rule && machine.compiled == [rule])
  }
}
