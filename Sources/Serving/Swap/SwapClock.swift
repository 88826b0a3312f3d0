/// Times the steps of one swap.
struct SwapClock: Sendable {
  private(set) var steps: [(step: SwapStep, duration: Duration)] = []
  private let metrics: ServingMetrics
  private let turn: SwapTurn

  init(_ metrics: ServingMetrics, _ turn: SwapTurn) {
    self.metrics = metrics
    self.turn = turn
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
      metrics.spent(duration, on: step)
    }
    return try body()
  }
}
