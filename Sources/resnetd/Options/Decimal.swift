/// Numbers for people.
enum Decimal {
  /// Returns the number with a fixed number of decimal places.
  static func text(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return String(value) }
    let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let scaled = Int64((abs(value) * scale).rounded())
    let whole = scaled / Int64(scale)
    let fraction = String(scaled % Int64(scale))
    let sign = value < 0 && scaled != 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    return "\(sign)\(whole).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
  }

  /// Returns the number with commas between groups of three digits.
  static func grouped(_ value: Int) -> String {
    var result = ""
    for (index, digit) in String(value.magnitude).enumerated() {
      let remaining = String(value.magnitude).count - index
      if index > 0, remaining.isMultiple(of: 3) { result.append(",") }
      result.append(digit)
    }
    return value < 0 ? "-" + result : result
  }
}
