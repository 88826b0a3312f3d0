/// How long a candidate may compute before it is live, from its first golden sample to the last batch size.
struct ProvingBudget {
  /// Nil for none.
  let limit: Duration?
  /// Pictures in all: golden samples, and those of all batch sizes for every worker.
  let pictureCount: Int

  /// What is wrong when so many pictures have taken so long; nil where the rest will not take longer than is left.
  func fault(after count: Int, spent: Duration) -> String? {
    let picture = spent / max(count, 1)
    let expected = picture * max(pictureCount, count)
    guard let limit, expected > limit else { return nil }
    return
      "a picture takes \(Self.text(picture)): the \(pictureCount) before the model is live would take "
      + "\(Self.text(expected)), \(Self.text(limit)) are allowed"
  }

  private static func text(_ duration: Duration) -> String {
    "\(Double(duration.microseconds / 100_000) / 10) s"
  }
}
