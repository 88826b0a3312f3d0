import Words

/// The settings of one command, from its command line and the environment.
struct ParsedArguments<Settings: CommandSettings> {
  var settings = Settings()
  /// Arguments that are not options, in order.
  private(set) var operands: [String] = []
  private(set) var wantsHelp = false
  /// Warnings about the environment.
  private(set) var warnings: [String] = []
  /// Places of the options that are given, by name.
  private(set) var origins: [String: OptionOrigin] = [:]

  /// Parses the command line first: a variable is ignored if its option, or one in its place, is
  /// given, and a line of the configuration file if there is either. Later options on the command
  /// line win over earlier ones.
  ///
  /// - Throws: `UsageError` for anything that is not an option or a value.
  init(
    _ arguments: [String], environment: EnvironmentVariables, options: [Option<Settings>]
  ) throws(UsageError) {
    try parse(arguments, options)
    guard !wantsHelp else { return }
    warnings = environment.warnings
    for option in options where origins[option.name] != nil {
      guard let other = option.alternatives.first(where: { origins[$0] != nil }) else { continue }
      throw UsageError("give \(option.flag) or --\(other), not both")
    }
    let given = origins
    for option in options where Self.isOpen(option, given) {
      if let warning = environment.linkWarning(option.variable) { warnings.append(warning) }
      if let value = environment[option.variable] {
        try apply(option, value, called: option.variable)
        origins[option.name] = .variable(option.variable)
      }
    }
    if let path = settings.configuration { try read(ConfigurationFile(path), options) }
  }

  /// Returns whether neither an option nor one in its place is given.
  private static func isOpen(
    _ option: Option<Settings>, _ given: [String: OptionOrigin]
  ) -> Bool {
    given[option.name] == nil && option.alternatives.allSatisfy { given[$0] == nil }
  }

  private mutating func read(
    _ file: ConfigurationFile, _ options: [Option<Settings>]
  ) throws(UsageError) {
    let given = origins
    for entry in file.entries {
      let place = "\(file.path), line \(entry.line)"
      let option = options.first { $0.name == entry.name }
      guard option?.isForFiles ?? true else {
        throw UsageError(
          "\(place): \(entry.name) is for the command line, and may not stand in a file")
      }
      guard let option else {
        let names = options.filter(\.isForFiles).map(\.name)
        let hint = Self.nearest(to: entry.name, among: names).map { "; did you mean \($0)?" } ?? ""
        throw UsageError("\(place): there is no option \"\(entry.name.prefix(80))\"\(hint)")
      }
      let other = file.entries.first { option.alternatives.contains($0.name) }
      if let other {
        throw UsageError("\(place): \(entry.name) or \(other.name) may stand there, not both")
      }
      guard Self.isOpen(option, given) else { continue }
      try apply(option, entry.value, called: "\(place): \(entry.name)")
      origins[option.name] = .file(file.path, line: entry.line)
    }
  }

  private mutating func parse(
    _ arguments: [String], _ options: [Option<Settings>]
  ) throws(UsageError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        operands += rest
        return
      }
      if argument == "-h" || argument == "--help" {
        wantsHelp = true
      } else if argument.hasPrefix("-"), argument != "-" {
        try parse(argument, &rest, options)
      } else {
        operands.append(argument)
      }
    }
  }

  private mutating func parse(
    _ argument: String, _ rest: inout ArraySlice<String>, _ options: [Option<Settings>]
  ) throws(UsageError) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let flag = String(parts[0])
    guard let option = options.first(where: { $0.isCalled(flag) }) else {
      if let (letter, value) = Self.letter(argument, options) {
        rest.insert(value, at: rest.startIndex)
        return try parse(letter, &rest, options)
      }
      let nearest = Self.nearest(to: flag, among: options.map(\.name) + ["help"])
      throw UsageError(
        "unknown option \(flag)" + (nearest.map { "; did you mean --\($0)?" } ?? ""))
    }
    origins[option.name] = .commandLine
    let attached = parts.count == 2 ? String(parts[1]) : nil
    if option.valueName == nil {
      guard attached == nil else { throw UsageError("\(flag) takes no value") }
      try apply(option, "true", called: flag)
    } else {
      guard let value = attached ?? rest.popFirst() else {
        throw UsageError("\(flag) needs a value: \(option.valueName ?? "")")
      }
      var values = [value]
      while values.count < option.valueCount {
        guard let next = rest.popFirst() else {
          throw UsageError("\(flag) needs \(option.valueCount) values: \(option.valueName ?? "")")
        }
        values.append(next)
      }
      try apply(option, values.joined(separator: String(Option<Settings>.separator)), called: flag)
    }
  }

  /// Returns the name of the option that was probably meant.
  private static func nearest(to flag: String, among names: [String]) -> String? {
    let word = String(flag.drop { $0 == "-" })
    // A part of a name is nearer than a word that only looks alike.
    let parts = names.filter { name in
      word.count > 1 && name.split(separator: "-").contains { $0.hasPrefix(word) }
    }
    if parts.count == 1 { return parts[0] }
    return OptionSynonyms.option(for: word, among: names)
      ?? Suggestion.nearest(to: word, among: names)
  }

  /// Parts `-j4` into the letter's flag and its value; nil if no such letter takes a value.
  private static func letter(
    _ argument: String, _ options: [Option<Settings>]
  ) -> (flag: String, value: String)? {
    let flag = String(argument.prefix(2))
    guard argument.count > 2, flag != "--",
      options.contains(where: { $0.isCalled(flag) && $0.valueName != nil })
    else { return nil }
    return (flag, String(argument.dropFirst(2)))
  }

  private mutating func apply(
    _ option: Option<Settings>, _ value: String, called name: String
  ) throws(UsageError) {
    do throws(InvalidValue) {
      try option.set(&settings, value)
    } catch {
      throw UsageError("\(name) is \(error.expected), not \"\(value)\"\(error.advice ?? "")")
    }
  }
}
