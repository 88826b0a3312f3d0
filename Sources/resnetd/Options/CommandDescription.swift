import Checkpoint

/// What there is to say of a command, whatever its settings are: for help, manual pages and shells.
struct CommandDescription {
  struct Option {
    /// Flags as help shows them: `-j, --jobs`.
    let flags: String
    let letter: Character?
    let name: String
    /// Name of the value, with `|` between those that are allowed; nil for a switch.
    let valueName: String?
    let help: String
    let defaultText: String?
    let group: String?

    /// Words that are allowed as its value, perhaps beside others.
    var choices: [String] {
      let forms = valueName?.split(separator: "|").map(String.init) ?? []
      guard forms.count > 1 else { return [] }
      if forms == ["FILE", "NAME"] { return EmbeddedModel.allCases.map(\.name) }
      return forms.filter { $0.allSatisfy { $0.isLowercase || $0.isNumber } }
    }

    /// Whether its value is the path of a file or folder.
    var takesPath: Bool {
      valueName?.split(whereSeparator: { "| ".contains($0) })
        .contains { ["FILE", "DIR", "PATH", "CONTRACT", "SOURCE"].contains($0) } ?? false
    }
  }

  let name: String
  let summary: String
  let operands: String
  /// Words that the first operand may be.
  let operandWords: [String]
  let discussion: String
  let options: [Option]
  let examples: [CommandExample]

  init<Described: Command>(_ command: Described.Type) {
    name = command.name
    summary = command.summary
    (operands, operandWords) = (command.operands, command.operandWords)
    discussion = command.discussion
    examples = command.examples
    let fresh = Described.Settings()
    options =
      command.options.map { option in
        Option(
          flags: option.flags, letter: option.letter, name: option.name,
          valueName: option.valueName, help: option.help,
          defaultText: option.defaultText(fresh), group: option.group)
      } + [
        Option(
          flags: "-h, --help", letter: "h", name: "help", valueName: nil, help: "show this text",
          defaultText: nil, group: nil)
      ]
  }

  var usage: String {
    ["resnetd \(name)", "[OPTION…]", operands].filter { !$0.isEmpty }.joined(separator: " ")
  }

  static let variables =
    "Every option is an environment variable too: --some-option is RESNETD_SOME_OPTION."

  /// Text of `--help`.
  var help: String {
    let rows = options.map { option in
      let value = option.valueName.map { " \($0)" } ?? ""
      let shown = option.defaultText.map { " (default \($0))" } ?? ""
      return ["  \(option.flags)\(value)", option.help + shown]
    }
    var lines = ["usage: \(usage)", "", discussion]
    // One table, so that all columns begin at the same place; no row has more than a line.
    let shown = TextTable(rows: rows).text.split(separator: "\n", omittingEmptySubsequences: false)
    var group: String?
    for (option, line) in zip(options, shown) {
      if option.group != group || group == nil && lines.count == 3 {
        lines.append("")
        if let heading = option.group { lines.append("\(heading):") }
      }
      group = option.group
      lines.append(String(line))
    }
    if !examples.isEmpty {
      lines += ["", "Examples:"]
      for example in examples { lines += ["  \(example.line)", "      \(example.purpose)"] }
    }
    return (lines + ["", Self.variables]).joined(separator: "\n")
  }
}
