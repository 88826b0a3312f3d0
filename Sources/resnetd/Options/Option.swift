import Checkpoint
import HTTPCore
import Serving

/// One option of a command: its name, its allowed values, and the setting that it changes.
///
/// `--queue-limit` is also the environment variable `RESNETD_QUEUE_LIMIT`; the command line wins.
struct Option<Settings: CommandSettings>: Sendable {
  /// Name without the two dashes.
  let name: String
  /// Name of the value in the help; nil for a switch, which takes none.
  let valueName: String?
  let help: String
  /// Sets the value that a string stands for, or throws what is wrong with the string.
  let set: @Sendable (inout Settings, String) throws(InvalidValue) -> Void
  /// Returns the default value as help shows it; nil if there is none.
  let defaultText: @Sendable (Settings) -> String?
  /// A letter that stands for the name after one dash.
  private(set) var letter: Character?
  /// A shorter name, on the command line only.
  private(set) var shortName: String?

  /// Values that follow the name; several arrive in one string with `separator` between.
  private(set) var valueCount = 1
  /// What no argument can contain.
  static var separator: Character { "\0" }

  /// Names of options that set the same thing in another way.
  private(set) var alternatives: [String] = []
  /// Heading under which help shows it; nil for those of a command that has none.
  private(set) var group: String?

  /// Whether a configuration file may set it: not what tells of the file itself.
  private(set) var isForFiles = true

  var flag: String { "--\(name)" }

  /// Flags as help shows them.
  var flags: String { letter.map { "-\($0), \(flag)" } ?? flag }

  /// Returns the same option with a letter as well.
  func called(_ letter: Character) -> Option {
    var option = self
    option.letter = letter
    return option
  }

  /// Returns the same option with a shorter name as well.
  func alsoNamed(_ shortName: String) -> Option {
    var option = self
    option.shortName = shortName
    return option
  }

  /// Returns the same option in place of others: if it is on the command line, they must not be
  /// there, and their variables are ignored.
  func inPlaceOf(_ alternatives: String...) -> Option {
    var option = self
    option.alternatives = alternatives
    return option
  }

  /// Returns the same option for settings of which these are a part.
  func inside<Whole>(_ path: any WritableKeyPath<Whole, Settings> & Sendable) -> Option<Whole> {
    var option = Option<Whole>(name: name, valueName: valueName, help: help) {
      (whole, text) throws(InvalidValue) in
      try set(&whole[keyPath: path], text)
    } defaultText: {
      defaultText($0[keyPath: path])
    }
    option.letter = letter
    option.shortName = shortName
    option.alternatives = alternatives
    option.valueCount = valueCount
    option.group = group
    option.isForFiles = isForFiles
    return option
  }

  /// Returns the same option, for the command line and variables alone.
  func outsideFiles() -> Option {
    var option = self
    option.isForFiles = false
    return option
  }

  /// Returns the same option under a heading.
  func under(_ heading: String) -> Option {
    var option = self
    option.group = heading
    return option
  }

  func isCalled(_ flag: String) -> Bool {
    flag == self.flag || letter.map { "-\($0)" } == flag || shortName.map { "--\($0)" } == flag
  }

  var variable: String {
    EnvironmentVariables.prefix
      + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
  }
}

extension Array {
  /// Returns the same options under a heading.
  func under<Settings>(_ heading: String) -> [Option<Settings>] where Element == Option<Settings> {
    map { $0.under(heading) }
  }
}

/// Settings of a command's options; fresh ones hold the defaults.
protocol CommandSettings: Sendable {
  init()

  /// File with further options, of the same names; nil if there is none.
  var configuration: String? { get }

  /// Takes the places that the options come from, by name; without those of defaults.
  mutating func take(origins: [String: OptionOrigin])

  /// Takes warnings about the environment for whoever runs the command.
  mutating func take(warnings: [String], of command: String)
}

extension CommandSettings {
  var configuration: String? { nil }

  mutating func take(origins: [String: OptionOrigin]) {}

  mutating func take(warnings: [String], of command: String) {
    for warning in warnings { StandardError.write("resnetd \(command): warning: \(warning)") }
  }
}

extension Option {
  typealias Path<Value> = WritableKeyPath<Settings, Value> & Sendable

  static func text(
    _ name: String, _ valueName: String, _ path: any Path<String>, _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      guard !text.isEmpty else { throw InvalidValue(expected: "a text") }
      settings[keyPath: path] = text
    } defaultText: {
      $0[keyPath: path]
    }
  }

  static func optionalText(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    optional(name, valueName, path, help, expected: "a text") { $0 }
  }

  /// A model's name, of characters that need no quotes anywhere.
  static func modelName(
    _ name: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "NAME", help: help) {
      (settings, text) throws(InvalidValue) in
      guard 1...Model.nameByteCountLimit ~= text.utf8.count,
        text.unicodeScalars.allSatisfy({ Model.isAllowed($0) })
      else {
        throw InvalidValue(
          expected: "1 to \(Model.nameByteCountLimit) of A-Z a-z 0-9 . _ - + @, without blanks")
      }
      settings[keyPath: path] = text
    } defaultText: {
      $0[keyPath: path]
    }
  }

  /// A file or folder, made absolute: servers record and log where it is.
  static func optionalPath(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    optional(name, valueName, path, help, expected: "a path", AbsolutePath.of)
  }

  /// A model's file or folder, made absolute, or the name of an embedded model.
  static func optionalModel(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String
  ) -> Option {
    optional(name, valueName, path, help, expected: "a path or a name") {
      EmbeddedModel(path: $0)?.name ?? AbsolutePath.of($0)
    }
  }

  private static func optional(
    _ name: String, _ valueName: String, _ path: any Path<String?>, _ help: String,
    expected: String, _ value: @escaping @Sendable (String) -> String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) {
      (settings, text) throws(InvalidValue) in
      guard !text.isEmpty else { throw InvalidValue(expected: expected) }
      settings[keyPath: path] = value(text)
    } defaultText: {
      $0[keyPath: path]
    }
  }

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
    var option = Option(name: name, valueName: valueNames, help: help) {
      (settings, text) throws(InvalidValue) in
      let values = text.split(separator: separator, omittingEmptySubsequences: true)
      guard values.count == 2 else { throw InvalidValue(expected: "two files, \(valueNames)") }
      settings[keyPath: path] = values.map(String.init)
    } defaultText: { _ in
      nil
    }
    option.valueCount = 2
    return option
  }

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
    Option(name: name, valueName: "LIST", help: help) {
      (settings, text) throws(InvalidValue) in
      guard let rule = CrossOriginRule(text) else {
        throw InvalidValue(
          expected: "* or origins like https://example.org or http://localhost:3000")
      }
      settings[keyPath: path] = rule
    } defaultText: {
      let list = $0[keyPath: path].list
      return list.isEmpty ? nil : list.joined(separator: ",")
    }
  }

  /// Servers, separated by commas.
  static func servers(
    _ name: String, _ path: any Path<FetchRule>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "LIST", help: help) {
      (settings, text) throws(InvalidValue) in
      guard let rule = FetchRule(text) else {
        throw InvalidValue(
          expected: "hosts like images.example.org, *.example.org or http://192.0.2.7:9000")
      }
      settings[keyPath: path] = rule
    } defaultText: {
      let list = $0[keyPath: path].list
      return list.isEmpty ? nil : list.joined(separator: ",")
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
