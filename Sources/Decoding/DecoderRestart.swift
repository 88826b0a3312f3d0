/// Why a decoder's process was replaced.
package enum DecoderRestart: String, Sendable, CaseIterable {
  /// It ended by itself: a fault in a codec, or a system call that is forbidden.
  case crashed
  /// Somebody else killed it: the system for want of memory, or an operator.
  case killed
  /// An image was not done by its request's deadline.
  case deadline
  /// An image took more processor time than one may.
  case slow
  /// An image took more memory than it was granted.
  case memory
  /// An image is begun anew later: it took long while others waited and too many like it were being decoded, or it gave
  /// its memory back to wait for more.
  case postponed
  /// It had decoded as many images as one may.
  case renewed
}

/// What happens to decoders, for logs and metrics; told on the threads that decode.
package enum DecoderEvent: Sendable {
  /// With the signal that ended it, 0 where there was none.
  case restarted(DecoderRestart, signal: Int)
  /// No decoder can be started any more.
  case lost
}
