import Serving

/// A share in percent, above 50 and up to 100.
struct Percentile: Sendable, Equatable {
  let value: Double

  init(_ value: Double) { self.value = value }
}

extension Option {
  static func percentile(
    _ name: String, _ path: any Path<Percentile>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "P", help: help) { (settings, text) throws(InvalidValue) in
      guard let value = NumberText.value(text, as: Double.self), value > 50, value <= 100 else {
        throw InvalidValue(
          expected: "a number above 50, up to 100", advice: NumberText.advice(text))
      }
      settings[keyPath: path] = Percentile(value)
    } defaultText: {
      String($0[keyPath: path].value)
    }
  }
}
