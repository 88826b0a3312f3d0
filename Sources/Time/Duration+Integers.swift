extension Duration {
  /// Whole microseconds, rounded towards zero; beyond the range of an integer its nearest end.
  package var microseconds: Int { nanoseconds / 1000 }

  /// Whole nanoseconds, rounded towards zero; beyond the range of an integer, some 292 years, its nearest end.
  package var nanoseconds: Int {
    let (seconds, attoseconds) = components
    let (whole, isBeyond) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, isSumBeyond) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return isBeyond || isSumBeyond ? (seconds < 0 ? .min : .max) : Int(sum)
  }
}
