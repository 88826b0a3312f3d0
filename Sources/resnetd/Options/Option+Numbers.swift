import Serving

/// Options with a number: counts, shares, times, sizes.
extension Option {
  static func integer(
    _ name: String, _ valueName: String, _ path: any Path<Int>, in range: ClosedRange<Int>,
    _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try OptionValue.integer(text, in: range)
    } defaultText: {
      String($0[keyPath: path])
    }
  }

  static func optionalInteger(
    _ name: String, _ valueName: String, _ path: any Path<Int?>, in range: ClosedRange<Int>,
    _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try OptionValue.integer(text, in: range)
    } defaultText: {
      $0[keyPath: path].map(String.init)
    }
  }

  static func fraction(
    _ name: String, _ valueName: String, _ path: any Path<Float>, _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      guard let value = NumberText.value(text, as: Float.self), 0...1 ~= value else {
        throw InvalidValue(
          expected: "a decimal number from 0 to 1", advice: NumberText.advice(text))
      }
      settings[keyPath: path] = value
    } defaultText: {
      String($0[keyPath: path])
    }
  }

  static func duration(
    _ name: String, _ path: any Path<Duration>, in range: ClosedRange<Duration>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "TIME", help: help) {
      (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try OptionValue.duration(text, in: range)
    } defaultText: {
      OptionValue.text($0[keyPath: path])
    }
  }

  static func byteCount(
    _ name: String, _ path: any Path<Int>, in range: ClosedRange<Int>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "SIZE", help: help) {
      (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try OptionValue.byteCount(text, in: range)
    } defaultText: {
      OptionValue.text(byteCount: $0[keyPath: path])
    }
  }

  /// A size; `auto` means nil.
  static func optionalByteCount(
    _ name: String, _ path: any Path<Int?>, in range: ClosedRange<Int>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "SIZE|auto", help: help) {
      (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = text == "auto" ? nil : try OptionValue.byteCount(text, in: range)
    } defaultText: {
      $0[keyPath: path].map(OptionValue.text(byteCount:)) ?? "auto"
    }
  }
}
