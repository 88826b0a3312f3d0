import Telemetry

/// Step that a candidate takes before it is live, in this order.
package enum SwapStep: String, MetricLabel {
  /// The file is there to be read.
  case read
  /// Its parts are valid and fit together.
  case validate
  /// There is memory for it beside the live model.
  case memory
  case compile
  /// It gives the logits that its file states.
  case golden
  /// Every batch size has run for every worker.
  case warm
  /// The choice is kept for a restart.
  case record
  /// Requests are admitted to it from now on.
  case swap

  package static let labelName = "step"
}
