/// Times the steps of one swap, or of a start.
struct SwapClock: Sendable {
  private(set) var steps: [(step: SwapStep, duration: Duration)] = []
  private let turn: SwapTurn
  private let metrics: ServingMetrics?

  /// - Parameter metrics: Counts the steps as those of a swap; nil if there is none.
  init(_ turn: SwapTurn, _ metrics: ServingMetrics?) {
    self.turn = turn
    self.metrics = metrics
  }

  /// Times a step, even if it fails; if it is cancelled, it does not begin.
  mutating func time<Result>(
    _ step: SwapStep, _ body: () throws(SwapFailure) -> Result
  ) throws(SwapFailure) -> Result {
    try turn.begin(step)
    let start = ContinuousClock.now
    defer {
      let duration = .now - start
      steps.append((step, duration))
      metrics?.spent(duration, on: step)
    }
    return try body()
  }
}
