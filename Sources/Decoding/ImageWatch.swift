/// How long a decoder may be at one image.
struct ImageWatch {
  private let process: DecoderProcess
  private let deadline: ContinuousClock.Instant
  private let limit: Duration
  private let start = ContinuousClock.now
  private let processorTimeAtStart: Duration?

  init(_ process: DecoderProcess, deadline: ContinuousClock.Instant, limit: Duration) {
    self.process = process
    self.deadline = deadline
    self.limit = limit
    processorTimeAtStart = process.processorTime
  }

  /// Time of its own, so that a busy machine is not held against an image; all time where the system does not tell.
  var spent: Duration {
    guard let before = processorTimeAtStart, let now = process.processorTime else {
      return .now - start
    }
    return now - before
  }

  /// How long there may be silence before `failure` should be asked for again.
  var patience: Duration { max(.zero, min(deadline - .now, limit - spent)) }

  /// What is to be done about a silence; nil where it may go on.
  var failure: DecodingFailure? {
    if .now >= deadline { return .deadline }
    return spent >= limit ? .tooSlow(limit: limit) : nil
  }
}
