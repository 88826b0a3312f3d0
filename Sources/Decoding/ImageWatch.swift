/// Watch over the time that a decoder takes for one image.
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

  /// Processor time spent, so that a busy machine is not held against an image; elapsed time if the
  /// system does not tell.
  var spent: Duration {
    guard let before = processorTimeAtStart, let now = process.processorTime else {
      return .now - start
    }
    return now - before
  }

  /// Time of silence after which to look at `failure` again.
  var patience: Duration { max(.zero, min(deadline - .now, limit - spent)) }

  /// Failure that a silence amounts to; nil if the decoder may go on.
  var failure: DecodingFailure? {
    if .now >= deadline { return .deadline }
    return spent >= limit ? .tooSlow(limit: limit) : nil
  }
}
