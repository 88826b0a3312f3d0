package import Decoding
import Synchronization
package import Telemetry

extension DecoderRestart: MetricLabel {
  package static let labelName = "reason"
}

/// Counts decoder events and logs them; of many events in a short time only the first is logged.
package final class DecoderWatch: Sendable {
  private struct State {
    var lastLine: ContinuousClock.Instant?
    var unwrittenCount = 0
  }

  /// Time between two lines: whoever sends images that crash decoders must not fill the log.
  private static let pause = Duration.seconds(1)

  private let metrics: ServingMetrics
  private let log: Log
  private let state = Mutex(State())

  package init(_ metrics: ServingMetrics, _ log: Log) {
    self.metrics = metrics
    self.log = log
  }

  /// Notes an event; callable from any thread.
  package func note(_ event: DecoderEvent) {
    switch event {
    case .lost:
      log.write(
        "no decoder can be started any more: the process that does it has ended", as: .error)
    case .restarted(let reason, let signal):
      metrics.restarted(reason)
      // Renewals are as frequent as images.
      guard reason != .renewed, let unwrittenCount = takeTurn() else { return }
      log.write(
        "decoder replaced", as: .warning,
        [
          "reason": .text(reason.rawValue), "signal": .integer(signal),
          "unwritten": .integer(unwrittenCount),
        ])
    }
  }

  /// Returns the number of events left out before this one, or nil if this one is left out too.
  private func takeTurn() -> Int? {
    state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.lastLine, now - last < Self.pause {
        state.unwrittenCount += 1
        return nil
      }
      defer { (state.lastLine, state.unwrittenCount) = (now, 0) }
      return state.unwrittenCount
    }
  }
}
