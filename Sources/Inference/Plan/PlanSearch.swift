package import Engine

/// Result of a search.
package enum PlanSearchOutcome: Sendable, Hashable {
  case measured
  /// Times of the same thing differed too much; the plan is the rule's.
  case tooBusy
  /// There was no time for any comparison; the plan is the rule's.
  case outOfTime
}

/// Finds the fastest way to serve a model on these cores by compiling and timing, and keeps the
/// compiled winner.
///
/// The rule's plan is compiled first and has the benefit of the doubt: another takes its place only
/// if it is clearly faster in the median of several rounds, each of which runs both in succession.
/// So that effects of other programs are not remembered, times that differ too much among
/// themselves are ignored altogether.
package struct PlanSearch<Trials: PlanTrials> {
  /// Fastest model found, compiled for its plan, or for that with a team added.
  package private(set) var best: Trials.Subject
  package private(set) var plan: CPUPlan
  package private(set) var outcome = PlanSearchOutcome.outOfTime

  private let trials: Trials
  private let settings: CPUPlan.Settings
  private let cores: Int
  private let clock: SearchClock

  /// Searches from `rule`, the plan if nothing is measured; values that `settings` fix are not
  /// measured.
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
      // Out of time while compiling another plan, of which nothing is known.
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

  // MARK: Comparisons

  /// Result of one comparison.
  private enum Verdict {
    case pays(Bool)
    case tooBusy
    /// There was no time, or nothing to compare.
    case unknown
  }

  /// Returns whether a lone image is faster on all cores.
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
        // Its threads wait for a core that something else occupies.
        return end < clock.end ? Round(without: 1 / alone.seconds, with: 0) : nil
      }
      return Round(without: 1 / alone.seconds, with: 1 / team.seconds)
    }
  }

  /// Tries larger batches than the rule's as long as they gain, or smaller ones if that one gains
  /// nothing.
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
    // Memory allows none.
    return first ?? .pays(false)
  }

  /// Compiles the plan that is now the best, with the team of the first compilation.
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

  /// Images per second in both ways, measured in succession.
  private struct Round {
    var without: Double
    var with: Double
  }

  /// Runs rounds as long as there is time for another; `round` returns nil if time ran out.
  ///
  /// - Parameters:
  ///   - wanted: Least gain that the second way must have.
  ///   - isRule: Whether the rule would choose the second way; if not, it must gain more.
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
    // Nothing finished: something else has a core, and how long it will is unknown.
    if gains.contains(0) { return .tooBusy }
    guard Self.isSteady(rounds.map(\.without)), Self.isSteady(gains) else { return .tooBusy }
    let doubt = SearchLimits.doubt
    return .pays(gains[gains.count / 2] >= (isRule ? wanted / doubt : wanted * doubt))
  }

  /// Returns whether the middle half of the numbers, or all of three, lie close together.
  private static func isSteady(_ numbers: [Double]) -> Bool {
    let sorted = numbers.sorted()
    let quarter = sorted.count / 4
    return sorted[sorted.count - 1 - quarter] <= sorted[quarter] * SearchLimits.spread
  }
}

/// Limits on a search, and the gains that it must find.
private enum SearchLimits {
  /// Time from its beginning, including compilation; only the first compilation, which any plan
  /// needs, may exceed it.
  static let time = Duration.seconds(3)
  /// Least gain of a larger batch over a smaller one, because it costs latency.
  static let batchGain = 1.06
  /// Least gain of a team over one thread, because it takes everybody's cores.
  static let teamGain = 1.1
  /// Factor between these and a gain that overrules the rule, because a closer one might be chosen
  /// differently at the next start.
  static let doubt = 1.08
  /// Factor by which times of the same thing may differ on an otherwise idle machine.
  static let spread = 1.25
  static let batches = [4, 8]
  /// Activations and scratch memory that each worker may take for batches larger than one.
  static let contextByteCount = 64 << 20
  /// Rounds of one comparison.
  static let rounds = 3...7
  /// Multiple of one thread's time after which a team is given up.
  static let teamPatience = 4

  /// Returns the time for which one way of running is timed in one round.
  static func window(_ image: Duration) -> Duration {
    min(max(.milliseconds(8), image * 4), .milliseconds(50))
  }
}

/// Time that is left for a search.
private struct SearchClock {
  let end: ContinuousClock.Instant
  /// Duration of the first compilation.
  let compilation: Duration
  /// Number of plans that it made.
  let planCount: Int

  /// Returns whether another compilation would finish in time, by the first one's time per plan.
  func hasTime(toCompile plan: CPUPlan, at now: ContinuousClock.Instant) -> Bool {
    now + compilation / planCount * (plan.batchSizes.count + 1) <= end
  }
}

extension Duration {
  fileprivate var seconds: Double { self / .seconds(1) }
}
