/// Times the steps of one swap.
struct SwapClock: Sendable {
  private(set) var steps: [(step: SwapStep, duration: Duration)] = []
  private let metrics: ServingMetrics

  init(_ metrics: ServingMetrics) { self.metrics = metrics }

  /// A step that fails is timed as well.
  mutating func time<Result>(
    _ step: SwapStep, _ body: () throws(SwapFailure) -> Result
  ) throws(SwapFailure) -> Result {
    let start = ContinuousClock.now
    defer {
      let duration = .now - start
      steps.append((step, duration))
      metrics.spent(duration, on: step)
    }
    return try body()
  }
}
