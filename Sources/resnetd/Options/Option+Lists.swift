import HTTPCore
import Serving

/// Options with several values.
extension Option {
  /// An option that may be repeated; each one adds a value.
  static func texts(
    _ name: String, _ valueName: String, _ path: any Path<[String]>, _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      guard !text.isEmpty else { throw InvalidValue(expected: "a text") }
      settings[keyPath: path].append(text)
    } defaultText: { _ in
      nil
    }
  }

  /// An option that is followed by two values.
  static func pair(
    _ name: String, _ valueNames: String, _ path: any Path<[String]>, _ help: String
  ) -> Option {
    Option(name: name, valueName: valueNames, help: help) {
      (settings, text) throws(InvalidValue) in
      let values = text.split(separator: separator, omittingEmptySubsequences: true)
      guard values.count == 2 else { throw InvalidValue(expected: "two files, \(valueNames)") }
      settings[keyPath: path] = values.map(String.init)
    } defaultText: { _ in
      nil
    }.followed(byValues: 2)
  }

  /// Several integers, separated by commas.
  static func integers(
    _ name: String, _ valueName: String, _ path: any Path<[Int]>, in range: ClosedRange<Int>,
    _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      var values: [Int] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        values.append(try OptionValue.integer(String(part), in: range))
      }
      settings[keyPath: path] = values
    } defaultText: {
      $0[keyPath: path].map(String.init).joined(separator: ",")
    }
  }

  /// Texts, separated by commas.
  static func list(
    _ name: String, _ path: any Path<[String]>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "LIST", help: help) {
      (settings, text) throws(InvalidValue) in
      let values = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      guard !values.contains("") else {
        throw InvalidValue(expected: "texts that are not empty, separated by commas")
      }
      settings[keyPath: path] = values
    } defaultText: {
      let values = $0[keyPath: path]
      return values.isEmpty ? nil : values.joined(separator: ",")
    }
  }

  /// Network addresses or prefixes, separated by commas.
  static func prefixes(
    _ name: String, _ path: any Path<[NetworkPrefix]>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "LIST", help: help) {
      (settings, text) throws(InvalidValue) in
      var values: [NetworkPrefix] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        guard let prefix = NetworkPrefix(part) else {
          throw InvalidValue(expected: "addresses or prefixes like 10.0.0.0/8 or 2001:db8::/32")
        }
        values.append(prefix)
      }
      settings[keyPath: path] = values
    } defaultText: {
      let values = $0[keyPath: path]
      return values.isEmpty ? nil : values.map(\.description).joined(separator: ",")
    }
  }

  /// Web pages' origins, separated by commas.
  static func origins(
    _ name: String, _ path: any Path<CrossOriginRule>, _ help: String
  ) -> Option {
    rule(
      name, path, help, CrossOriginRule.init(_:), \.list,
      expected: "* or origins like https://example.org or http://localhost:3000")
  }

  /// Servers, separated by commas.
  static func servers(
    _ name: String, _ path: any Path<FetchRule>, _ help: String
  ) -> Option {
    rule(
      name, path, help, FetchRule.init(_:), \.list,
      expected: "hosts like images.example.org, *.example.org or http://192.0.2.7:9000")
  }

  /// A rule that a list of texts makes.
  private static func rule<Rule>(
    _ name: String, _ path: any Path<Rule>, _ help: String,
    _ read: @escaping @Sendable (String) -> Rule?, _ list: any KeyPath<Rule, [String]> & Sendable,
    expected: String
  ) -> Option {
    Option(name: name, valueName: "LIST", help: help) {
      (settings, text) throws(InvalidValue) in
      guard let rule = read(text) else { throw InvalidValue(expected: expected) }
      settings[keyPath: path] = rule
    } defaultText: {
      let values = $0[keyPath: path][keyPath: list]
      return values.isEmpty ? nil : values.joined(separator: ",")
    }
  }
}
