/// One option of a command: its name, its allowed values, and the setting that it changes.
///
/// `--queue-limit` is also the environment variable `RESNETD_QUEUE_LIMIT`; the command line wins.
struct Option<Settings: CommandSettings>: Sendable {
  /// Place of a setting that an option changes.
  typealias Path<Value> = WritableKeyPath<Settings, Value> & Sendable

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

  /// Returns the same option followed by so many values.
  func followed(byValues count: Int) -> Option {
    var option = self
    option.valueCount = count
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
