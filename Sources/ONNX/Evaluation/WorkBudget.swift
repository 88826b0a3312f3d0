/// Budget of an evaluation's work.
final class WorkBudget {
  let limits: ONNXLimits
  private var work = 0
  /// Elements of the tensors that are alive, kept up to date by the evaluator.
  var liveElementCount = 0

  init(_ limits: ONNXLimits) { self.limits = limits }

  /// Adds the product of the factors, none negative, to the work.
  func spend(_ factors: Int...) throws(ONNXError) {
    if factors.contains(0) { return }
    var total = (partialValue: 1, overflow: false)
    for factor in factors {
      total = total.partialValue.multipliedReportingOverflow(by: factor)
      if total.overflow { break }
    }
    let sum = work.addingReportingOverflow(total.partialValue)
    guard !total.overflow, !sum.overflow, sum.partialValue <= limits.workLimit else {
      throw .overLimit(
        what: "multiply-adds of the graph", value: total.overflow ? .max : sum.partialValue,
        limit: limits.workLimit)
    }
    work = sum.partialValue
  }
}
