package import Engine

/// What a search was good for.
package enum PlanSearchOutcome: Sendable, Hashable {
  case measured
  /// Times of the same thing differed too much; the plan is the rule's.
  case tooBusy
  /// There was no time for any comparison; the plan is the rule's.
  case outOfTime
}

/// Finds how a model is served fastest on these cores by compiling and timing it, and keeps the compiled winner.
///
/// The rule's plan is compiled first and has the benefit of the doubt: another takes its place only where it is clearly
/// faster in the middle one of several rounds, in each of which both run one after the other. So that nothing is
/// remembered that other programs have caused, times that differ too much among themselves count for nothing at all.
package struct PlanSearch<Trials: PlanTrials> {
  /// The fastest found, compiled for its plan, or for that with a team besides.
  package private(set) var best: Trials.Subject
  package private(set) var plan: CPUPlan
  package private(set) var outcome = PlanSearchOutcome.outOfTime

  private let trials: Trials
  private let settings: CPUPlan.Settings
  private let cores: Int
  private let clock: SearchClock

  /// - Parameter rule: The plan where nothing is measured; what `settings` fix is not measured.
  package init(
    _ trials: Trials, settings: CPUPlan.Settings, cores: Int, rule: CPUPlan
  ) throws(EngineError) {
    self.trials = trials
    self.settings = settings
    self.cores = cores
    plan = rule
    let start = trials.now
    var compiled = rule
    compiled.threads = settings.threads ?? min(cores, CPUPlan.workerLimit)
    best = try trials.compile(compiled, until: nil)
    clock = SearchClock(
      end: start + SearchLimits.time, compilation: trials.now - start,
      planCount: compiled.batchSizes.count + 1)
    try search(rule)
  }

  private mutating func search(_ rule: CPUPlan) throws(EngineError) {
    let base = best
    guard let image = try trials.image(best, onTeam: false, for: .zero, until: clock.end) else {
      return
    }
    let team = try teamPays(image)
    if case .pays(let pays) = team { plan.threads = pays ? min(cores, CPUPlan.workerLimit) : 1 }
    record(team)
    let former = plan
    do throws(EngineError) {
      record(try searchBatch(image))
    } catch {
      // While another plan was compiled, of which nothing is known.
      guard case .outOfTime = error else { throw error }
      (plan, best) = (former, base)
    }
    if outcome != .measured { (plan, best) = (rule, base) }
  }

  private mutating func record(_ verdict: Verdict) {
    switch verdict {
    case .pays: if outcome == .outOfTime { outcome = .measured }
    case .tooBusy: outcome = .tooBusy
    case .unknown: break
    }
  }

  // MARK: What is compared

  /// What came of one comparison.
  private enum Verdict {
    case pays(Bool)
    case tooBusy
    /// There was no time, or nothing to ask.
    case unknown
  }

  /// Whether a lone image is faster on all cores.
  private func teamPays(_ image: Duration) throws(EngineError) -> Verdict {
    guard settings.threads == nil, cores > 1 else { return .unknown }
    let window = SearchLimits.window(image)
    let patience = max(window, image) * SearchLimits.teamPatience
    return try compare(
      wanted: SearchLimits.teamGain, isRule: plan.threads > 1, expecting: max(window, image) * 2
    ) { () throws(EngineError) in
      guard
        let alone = try trials.image(best, onTeam: false, for: window, until: clock.end)
      else { return nil }
      let end = min(clock.end, trials.now + patience)
      guard let team = try trials.image(best, onTeam: true, for: window, until: end) else {
        // Its threads wait for a core that something else has.
        return end < clock.end ? Round(without: 1 / alone.seconds, with: 0) : nil
      }
      return Round(without: 1 / alone.seconds, with: 1 / team.seconds)
    }
  }

  /// Tries larger batches than the rule's as long as they bring more, or smaller ones if it brings nothing.
  private mutating func searchBatch(_ image: Duration) throws(EngineError) -> Verdict {
    guard settings.maxBatch == nil else { return .unknown }
    let (rule, base) = (plan.maxBatch, best)
    guard rule == 1 else {
      let verdict = try batchPays(rule, of: base, over: 1, of: base, image, isRule: true)
      guard case .pays(false) = verdict else { return verdict }
      plan.batchSizes = [1]
      for batch in SearchLimits.batches.reversed() where batch < rule {
        let next = try batchPays(batch, of: base, over: 1, of: base, image, isRule: false)
        if case .tooBusy = next { return next }
        guard case .pays(true) = next else { continue }
        plan.batchSizes = CPUPlan.batchSizes(upTo: batch)
        break
      }
      try recompile()
      return verdict
    }
    var first: Verdict?
    for batch in SearchLimits.batches {
      let former = (best, plan)
      guard trials.contextByteCount(best) / plan.maxBatch * batch <= SearchLimits.contextByteCount
      else { break }
      plan.batchSizes = CPUPlan.batchSizes(upTo: batch)
      try recompile()
      let verdict = try batchPays(
        batch, of: best, over: former.1.maxBatch, of: former.0, image, isRule: false)
      first = first ?? verdict
      guard case .pays(true) = verdict else {
        (best, plan) = former
        if case .tooBusy = verdict { return verdict }
        break
      }
    }
    // None that memory allows.
    return first ?? .pays(false)
  }

  /// Compiles the plan that is now the best, with the team that was compiled at first.
  private mutating func recompile() throws(EngineError) {
    guard clock.hasTime(toCompile: plan, at: trials.now) else { throw .outOfTime }
    var compiled = plan
    compiled.threads = max(plan.threads, settings.threads ?? 1)
    best = try trials.compile(compiled, until: clock.end)
  }

  private func batchPays(
    _ large: Int, of largeSubject: Trials.Subject, over small: Int,
    of smallSubject: Trials.Subject, _ image: Duration, isRule: Bool
  ) throws(EngineError) -> Verdict {
    let window = max(SearchLimits.window(image), image * large)
    return try compare(
      wanted: SearchLimits.batchGain, isRule: isRule, expecting: window * 2
    ) { () throws(EngineError) in
      guard
        let without = try trials.rate(smallSubject, batch: small, for: window, until: clock.end),
        let with = try trials.rate(largeSubject, batch: large, for: window, until: clock.end)
      else { return nil }
      return Round(without: without, with: with)
    }
  }

  // MARK: Rounds

  /// Images per second in both ways, one right after the other.
  private struct Round {
    var without: Double
    var with: Double
  }

  /// Runs rounds as long as there is time for another; `round` returns nil where the time was over.
  ///
  /// - Parameters:
  ///   - wanted: What the second way must bring at least.
  ///   - isRule: Whether the rule would have the second way; what it would not have needs more.
  private func compare(
    wanted: Double, isRule: Bool, expecting expected: Duration,
    _ round: () throws(EngineError) -> Round?
  ) throws(EngineError) -> Verdict {
    var rounds: [Round] = []
    var longest = expected
    while rounds.count < SearchLimits.rounds.upperBound {
      let start = trials.now
      guard start + longest <= clock.end, let next = try round() else { break }
      longest = max(longest, trials.now - start)
      rounds.append(next)
    }
    guard rounds.count >= SearchLimits.rounds.lowerBound else { return .unknown }
    let gains = rounds.map { $0.with / $0.without }.sorted()
    // Nothing that ran to its end: something else has a core, and whether it will is not known.
    if gains.contains(0) { return .tooBusy }
    guard Self.isSteady(rounds.map(\.without)), Self.isSteady(gains) else { return .tooBusy }
    let doubt = SearchLimits.doubt
    return .pays(gains[gains.count / 2] >= (isRule ? wanted / doubt : wanted * doubt))
  }

  /// Whether the middle half of the numbers, of three all, lie close together.
  private static func isSteady(_ numbers: [Double]) -> Bool {
    let sorted = numbers.sorted()
    let quarter = sorted.count / 4
    return sorted[sorted.count - 1 - quarter] <= sorted[quarter] * SearchLimits.spread
  }
}

/// What a search may take and must find.
private enum SearchLimits {
  /// From its beginning, compilation included. Only the first compilation may go beyond, which any plan needs.
  static let time = Duration.seconds(3)
  /// A larger batch must bring so much more than a smaller one, for it costs latency.
  static let batchGain = 1.06
  /// A team must be so much faster than one thread, for it takes the cores of all.
  static let teamGain = 1.1
  /// How far from these a gain must be before it speaks against the rule: what is nearer might be chosen otherwise at
  /// the next start.
  static let doubt = 1.08
  /// Times of the same thing may differ by this factor on a machine that does nothing else.
  static let spread = 1.25
  static let batches = [4, 8]
  /// Activations and scratch memory that each worker may take for batches larger than one.
  static let contextByteCount = 64 << 20
  /// Of one comparison.
  static let rounds = 3...7
  /// Times as long as one thread takes, after which a team is given up.
  static let teamPatience = 4

  /// How long one way of running is timed in one round.
  static func window(_ image: Duration) -> Duration {
    min(max(.milliseconds(8), image * 4), .milliseconds(50))
  }
}

/// How much of the time for a search is left.
private struct SearchClock {
  let end: ContinuousClock.Instant
  /// What the first compilation took.
  let compilation: Duration
  /// Plans that it made.
  let planCount: Int

  /// Whether another compilation would be done before the end, by what the first one took for each of its plans.
  func hasTime(toCompile plan: CPUPlan, at now: ContinuousClock.Instant) -> Bool {
    now + compilation / planCount * (plan.batchSizes.count + 1) <= end
  }
}

extension Duration {
  fileprivate var seconds: Double { self / .seconds(1) }
}
