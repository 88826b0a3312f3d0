import Glibc

/// Learning rate at every step of a training.
package enum Schedule: Sendable, Hashable {
  case constant(Double)
  /// torch.optim.lr_scheduler.OneCycleLR with cosines: from `peak / startDivisor` to the peak within
  /// a share of all steps, then to `peak / startDivisor / endDivisor`.
  case oneCycle(
    peak: Double, stepCount: Int, risingShare: Double = 0.3, startDivisor: Double = 25,
    endDivisor: Double = 1e4)
  /// A line from `start * peak` to the peak within `warmUpStepCount` steps (LinearLR), then half a
  /// cosine to `end` (CosineAnnealingLR) at step `stepCount`.
  case cosine(
    peak: Double, stepCount: Int, warmUpStepCount: Int = 0, start: Double = 0.01, end: Double = 0)
  /// From the first rate to the last, each step by the same factor.
  case exponential(first: Double, last: Double, stepCount: Int)
  /// Another schedule of `stepCount` steps, of which those from `from` on follow each other faster,
  /// so that the last of them is step `to - 1`.
  indirect case shortened(Schedule, stepCount: Int, from: Int, to: Int)

  /// Returns the rate of a step, counted from 0; beyond the last, that of the last.
  package func rate(at step: Int) -> Double {
    precondition(step >= 0, "steps are counted from 0")
    return rate(at: Double(step))
  }

  private func rate(at step: Double) -> Double {
    switch self {
    case .constant(let rate): return rate
    case .oneCycle(let peak, let stepCount, let risingShare, let startDivisor, let endDivisor):
      let first = peak / startDivisor
      let step = min(step, Double(max(0, stepCount - 1)))
      let top = risingShare * Double(stepCount) - 1
      let last = Double(stepCount - 1)
      guard step > top else {
        guard top > 0 else { return peak }
        return Self.cosine(from: first, to: peak, at: step / top)
      }
      guard last > top else { return peak }
      return Self.cosine(from: peak, to: first / endDivisor, at: (step - top) / (last - top))
    case .cosine(let peak, let stepCount, let warmUpStepCount, let start, let end):
      if step < Double(warmUpStepCount) {
        return peak * (start + (1 - start) * step / Double(warmUpStepCount))
      }
      let length = max(1, stepCount - warmUpStepCount)
      let share = min(1, (step - Double(warmUpStepCount)) / Double(length))
      return Self.cosine(from: peak, to: end, at: share)
    case .exponential(let first, let last, let stepCount):
      let share = min(1, step / Double(max(1, stepCount - 1)))
      return first * pow(last / first, share)
    case .shortened(let schedule, let stepCount, let start, let end):
      let (start, last) = (Double(start), Double(end - 1))
      guard step >= start else { return schedule.rate(at: step) }
      guard last > start else { return schedule.rate(at: Double(stepCount - 1)) }
      let share = min(1, (step - start) / (last - start))
      return schedule.rate(at: start + share * (Double(stepCount - 1) - start))
    }
  }

  private static func cosine(from start: Double, to end: Double, at share: Double) -> Double {
    end + (start - end) / 2 * (1 + cos(.pi * share))
  }
}
