extension Duration {
  /// Whole microseconds, rounded towards zero.
  var microseconds: Int { nanoseconds / 1000 }

  /// Whole nanoseconds, rounded towards zero.
  var nanoseconds: Int {
    let (seconds, attoseconds) = components
    return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
  }
}
