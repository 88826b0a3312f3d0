/// The time that a training may take, by which its plan is held on the way.
package struct CourseClock {
  /// Epochs by whose time the next ones are foreseen.
  private static let recentCount = 3

  /// When the command began.
  private let start: ContinuousClock.Instant
  private let limit: Duration
  /// Seconds of the last epochs, each with its judgement.
  private var recent: [Double] = []
  /// Nil within an epoch that began before this process.
  private var epochStart: ContinuousClock.Instant?

  /// - Parameter isAtEpoch: Whether an epoch begins now.
  init(_ limit: Duration, since start: ContinuousClock.Instant, isAtEpoch: Bool) {
    (self.limit, self.start) = (limit, start)
    epochStart = isAtEpoch ? .now : nil
  }

  var secondsLeft: Double { (limit - (.now - start)) / .seconds(1) }

  mutating func endEpoch() {
    if let epochStart {
      recent = recent.suffix(Self.recentCount - 1) + [(.now - epochStart) / .seconds(1)]
    }
    epochStart = .now
  }

  /// Returns how many epochs end in time, at most as many as are planned.
  ///
  /// - Parameter rest: Seconds for what follows the last epoch.
  func epochCount(done: Int, of planned: Int, rest: Double) -> Int {
    guard !recent.isEmpty else { return planned }
    return Self.epochCount(
      done: done, of: planned, secondsLeft: secondsLeft - rest,
      secondsPerEpoch: recent.reduce(0, +) / Double(recent.count))
  }

  /// One epoch at least follows those that are done, if any was planned: rates must fall to their end.
  package static func epochCount(
    done: Int, of planned: Int, secondsLeft: Double, secondsPerEpoch: Double
  ) -> Int {
    guard done < planned else { return planned }
    let further = max(1, (secondsLeft / max(secondsPerEpoch, 1e-9)).rounded(.down))
    return further < Double(planned - done) ? done + Int(further) : planned
  }
}
