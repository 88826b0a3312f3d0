import Glibc

/// An axis with ticks at round numbers.
struct ChartAxis {
  /// What is measured, with its unit.
  let name: String
  let ticks: [Double]
  private let low: Double
  private let high: Double
  private let isLogarithmic: Bool
  private let text: (Double) -> String

  /// Makes an axis that holds all values, its ends at ticks.
  ///
  /// - Parameter unit: What follows each number.
  init(_ name: String, _ values: [Double], unit: String = "", tickCount: Int = 4) {
    let (least, most) = (values.min() ?? 0, values.max() ?? 1)
    let step = Self.roundStep((most - least) / Double(tickCount), around: most)
    let first = (least / step).rounded(.down)
    let last = max(first + 1, (most / step).rounded(.up))
    ticks = (0...Int(last - first)).map { (first + Double($0)) * step }
    (low, high) = (first * step, last * step)
    let digits = max(0, Int((-log10(step) + 0.999).rounded(.down)))
    text = { Decimal.text($0, digits: digits) + unit }
    (self.name, isLogarithmic) = (name, false)
  }

  /// Makes an axis of whole numbers from 1 on.
  init(_ name: String, countingTo count: Int) {
    let step = max(1, Int(Self.roundStep(Double(count) / 5, around: 1)))
    ticks = [1] + stride(from: step, through: count, by: step).filter { $0 > 1 }.map(Double.init)
    (low, high) = (1, Double(max(count, 2)))
    text = { Decimal.grouped(Int($0)) }
    (self.name, isLogarithmic) = (name, false)
  }

  /// Makes an axis on which each tick is ten or a hundred times the one before; values are positive.
  init(_ name: String, powersOfTenFor values: [Double]) {
    let logarithms = values.map { log10($0) }
    let first = Int(((logarithms.min() ?? 0) - 1e-9).rounded(.down))
    let last = max(first + 1, Int(((logarithms.max() ?? 0) - 1e-9).rounded(.up)))
    let step = last - first > 5 ? 2 : 1
    ticks = stride(from: last, through: first, by: -step).map { pow(10, Double($0)) }
    (low, high) = (Double(first), Double(last))
    text = { TrainingReport.number($0) }
    (self.name, isLogarithmic) = (name, true)
  }

  /// Returns where a value lies, from 0 to 1.
  func place(of value: Double) -> Double {
    ((isLogarithmic ? log10(value) : value) - low) / (high - low)
  }

  func label(of tick: Double) -> String { text(tick) }

  /// Returns the least of 1, 2 and 5 times a power of ten that is not below `step`.
  private static func roundStep(_ step: Double, around value: Double) -> Double {
    let step = max(step, abs(value) * 1e-6, 1e-12)
    let power = pow(10, log10(step).rounded(.down))
    return ([1, 2, 5].first { $0 * power >= step * 0.999 } ?? 10) * power
  }
}
