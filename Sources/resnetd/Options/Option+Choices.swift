/// Options with a few values, and switches.
extension Option {
  static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: any Path<Value>, _ help: String
  ) -> Option {
    choice(name, help) {
      $0[keyPath: path]
    } set: {
      $0[keyPath: path] = $1
    }
  }

  /// An optional choice; nil unless it is made.
  static func optionalChoice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: any Path<Value?>, _ help: String
  ) -> Option {
    choice(name, help) {
      $0[keyPath: path]
    } set: {
      $0[keyPath: path] = $1
    }
  }

  private static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ help: String, get: @escaping @Sendable (Settings) -> Value?,
    set: @escaping @Sendable (inout Settings, Value) -> Void
  ) -> Option {
    let names = Value.allCases.map(\.rawValue)
    return Option(name: name, valueName: names.joined(separator: "|"), help: help) {
      (settings, text) throws(InvalidValue) in
      guard let value = Value(rawValue: text) ?? Value(rawValue: OptionValue.british(text)) else {
        throw InvalidValue(expected: names.joined(separator: " or "))
      }
      set(&settings, value)
    } defaultText: {
      get($0)?.rawValue
    }
  }

  /// A switch: its presence on the command line means yes; as a variable, its value counts.
  static func flag(_ name: String, _ path: any Path<Bool>, _ help: String) -> Option {
    Option(name: name, valueName: nil, help: help) {
      (settings, text) throws(InvalidValue) in
      switch text {
      case "1", "true", "yes", "on": settings[keyPath: path] = true
      case "0", "false", "no", "off": settings[keyPath: path] = false
      default: throw InvalidValue(expected: "true or false")
      }
    } defaultText: {
      $0[keyPath: path] ? "true" : nil
    }
  }
}
