/// Manual pages in the macros of man(7).
enum ManualPage {
  /// Returns the page of the program, `resnetd(1)`.
  static func program(_ commands: [CommandDescription]) -> String {
    var lines = head("resnetd", "classify images with residual networks")
    lines += [
      ".SH SYNOPSIS", ".B resnetd", ".I COMMAND", "[\\fIOPTION\\fR...]", ".SH DESCRIPTION",
      "Classifies images with residual networks, over HTTP or from the command line.",
      ".SH COMMANDS",
    ]
    for command in commands {
      lines += [
        ".TP", ".BR resnetd\\-\(escaped(command.name)) (1)", text(command.summary),
      ]
    }
    lines += [".SH ENVIRONMENT", text(CommandDescription.variables)]
    return (lines + [""]).joined(separator: "\n")
  }

  /// Returns the page of a command, `resnetd-COMMAND(1)`.
  static func of(_ command: CommandDescription) -> String {
    var lines = head("resnetd-\(command.name)", command.summary)
    lines += [
      ".SH SYNOPSIS", ".B resnetd \(escaped(command.name))",
      text("[OPTION...] \(command.operands)"), ".SH DESCRIPTION", text(command.discussion),
      ".SH OPTIONS",
    ]
    var group: String?
    for option in command.options {
      if option.group != group, let heading = option.group { lines.append(".SS \(text(heading))") }
      group = option.group
      let value = option.valueName.map { " \\fI\(escaped($0))\\fR" } ?? ""
      let shown = option.defaultText.map { " (default \($0))" } ?? ""
      lines += [".TP", "\\fB\(escaped(option.flags))\\fR\(value)", text(option.help + shown)]
    }
    if !command.examples.isEmpty { lines.append(".SH EXAMPLES") }
    for example in command.examples {
      lines += [".TP", ".B \(escaped(example.line))", text(example.purpose)]
    }
    lines += [
      ".SH ENVIRONMENT", text(CommandDescription.variables), ".SH SEE ALSO", ".BR resnetd (1)", "",
    ]
    return lines.joined(separator: "\n")
  }

  private static func head(_ name: String, _ summary: String) -> [String] {
    [
      ".TH \(escaped(name.uppercased())) 1 \"\" \"resnetd \(Version.number)\" \"User Commands\"",
      ".SH NAME", "\(escaped(name)) \\- \(text(summary))",
    ]
  }

  /// Returns a text whose lines roff takes for text: none begins with a control character.
  private static func text(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      let escaped = escaped(String(line))
      return escaped.first.map { ".'".contains($0) } == true ? "\\&\(escaped)" : escaped
    }.joined(separator: "\n")
  }

  /// Returns a text in which neither a backslash nor a dash means anything to roff (groff_char(7)).
  private static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "\\": "\\e"
      case "-": "\\-"
      case "…": "..."
      case "'": "\\(aq"
      default: "\(character)"
      }
    }.joined()
  }
}
