extension Duration {
  /// Whole microseconds, rounded towards zero and clamped to what `nanoseconds` can hold.
  package var microseconds: Int { nanoseconds / 1000 }

  /// Whole nanoseconds, rounded towards zero and clamped to an integer's range, some 292 years.
  package var nanoseconds: Int {
    let (seconds, attoseconds) = components
    let (whole, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isSumBeyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isBeyond || isSumBeyond ? (seconds < 0 ? .min : .max) : Int(sum)
  }
}
