/// Reason why a decoder's process was replaced.
package enum DecoderRestart: String, Sendable, CaseIterable {
  /// It ended by itself: a fault in a codec, or a forbidden system call.
  case crashed
  /// Somebody else killed it: the system, short of memory, or an operator.
  case killed
  /// An image was not finished by its request's deadline.
  case deadline
  /// An image took more processor time than is allowed.
  case slow
  /// An image took more memory than it was granted.
  case memory
  /// An image is started again later: it took long while others waited and too many like it were
  /// being decoded, or it gave its memory back to wait for more.
  case postponed
  /// It had decoded as many images as is allowed.
  case renewed
}

/// Event of a decoder, for logs and metrics; reported on the threads that decode.
package enum DecoderEvent: Sendable {
  /// A process was replaced; `signal` ended it, 0 for none.
  case restarted(DecoderRestart, signal: Int)
  /// No decoder can be started any more.
  case lost
}
