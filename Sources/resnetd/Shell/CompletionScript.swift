/// Scripts by which shells complete command lines of the program.
enum CompletionScript {
  // MARK: bash

  /// A function for bash (bash(1), Programmable Completion); files are completed where it has no
  /// word.
  static func bash(_ commands: [CommandDescription]) -> String {
    let names = commands.map(\.name).joined(separator: " ")
    let cases = commands.map { command in
      let flags = command.options.map { "--\($0.name)" }.joined(separator: " ")
      return """
            \(command.name))
              flags='\(flags)'
              operands='\(command.operandWords.joined(separator: " "))'
              case "$previous" in
        \(bashValues(command))      esac
              ;;
        """
    }
    return """
      # Completion of resnetd in bash.
      _resnetd() {
        local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
        local flags='' words='' operands=''
        # What stands after --option= is a word of its own.
        if [ "$previous" = = ]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
        if [ "$current" = = ]; then current=''; fi
        COMPREPLY=()
        if [ "$COMP_CWORD" -eq 1 ]; then
          mapfile -t COMPREPLY < <(compgen -W '\(names) help --help --version' -- "$current")
          return
        fi
        case "${COMP_WORDS[1]}" in
      \(cases.joined(separator: "\n"))
          help) words='\(names)' ;;
        esac
        if [ -z "$words" ] && [[ $current == -* ]]; then words=$flags; fi
        if [ -z "$words" ] && [ "$COMP_CWORD" -eq 2 ]; then words=$operands; fi
        if [ -n "$words" ]; then mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"); fi
      }
      complete -o default -F _resnetd resnetd
      """
  }

  /// Branches for the values of options: words, files by the shell's own way, or nothing.
  private static func bashValues(_ command: CommandDescription) -> String {
    command.options.compactMap { option -> String? in
      guard option.valueName != nil else { return nil }
      let flags = ["--\(option.name)"] + (option.letter.map { ["-\($0)"] } ?? [])
      guard !option.takesPath || !option.choices.isEmpty else { return nil }
      let action =
        option.choices.isEmpty
        ? "compopt +o default; return" : "words='\(option.choices.joined(separator: " "))'"
      return "        \(flags.joined(separator: " | "))) \(action) ;;\n"
    }.joined()
  }

  // MARK: zsh

  /// A function for zsh (zshcompsys(1), `_arguments`).
  static func zsh(_ commands: [CommandDescription]) -> String {
    let list = commands.map { "    \(zshQuoted("\($0.name):\($0.summary)"))" }
      .joined(separator: "\n")
    let cases = commands.map { command in
      let lines =
        command.options.map { "        \(zshArgument($0))" }
        + (command.operandWords.isEmpty
          ? []
          : [
            "        '1:operand:_alternative \"words:word:(\(zshWords(command)))\" \"files:file:_files\"'"
          ])
        + ["        '*:file:_files'"]
      return "      \(command.name))\n        _arguments \\\n  "
        + lines.joined(separator: " \\\n  ") + "\n        ;;"
    }
    return """
      #compdef resnetd
      # Completion of resnetd in zsh.
      _resnetd() {
        local -a commands
        commands=(
      \(list)
        )
        if (( CURRENT == 2 )); then
          _describe command commands
          return
        fi
        local command=$words[2]
        shift words
        (( CURRENT-- ))
        case $command in
      \(cases.joined(separator: "\n"))
        esac
      }
      if [ "$funcstack[1]" = _resnetd ]; then _resnetd "$@"; else compdef _resnetd resnetd; fi
      """
  }

  private static func zshWords(_ command: CommandDescription) -> String {
    command.operandWords.joined(separator: " ")
  }

  private static func zshArgument(_ option: CommandDescription.Option) -> String {
    let help = option.help.map { "[]:\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
    let letters = option.letter.map { ["-\($0)"] } ?? []
    let flags = letters + ["--\(option.name)"]
    let value: String
    if option.valueName == nil {
      value = ""
    } else if !option.choices.isEmpty {
      value = ":value:(\(option.choices.joined(separator: " ")))"
    } else {
      value = ":value:" + (option.takesPath ? "_files" : " ")
    }
    return flags.map { zshQuoted("\($0)[\(help)]\(value)") }.joined(separator: " ")
  }

  private static func zshQuoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" ? "'\\''" : "\($0)" }.joined() + "'"
  }

  // MARK: fish

  /// Commands for fish (complete(1)).
  static func fish(_ commands: [CommandDescription]) -> String {
    var lines = ["# Completion of resnetd in fish."]
    for command in commands {
      lines.append(
        "complete -c resnetd -n __fish_use_subcommand -f -a \(command.name) -d "
          + fishQuoted(command.summary))
      if !command.operandWords.isEmpty {
        lines.append(
          "complete -c resnetd -n '__fish_seen_subcommand_from \(command.name)' -a "
            + fishQuoted(command.operandWords.joined(separator: " ")))
      }
      for option in command.options {
        var line =
          "complete -c resnetd -n '__fish_seen_subcommand_from \(command.name)' -l \(option.name)"
        if let letter = option.letter { line += " -s \(letter)" }
        if option.valueName != nil {
          line += option.takesPath ? " -r -F" : " -x"
          if !option.choices.isEmpty {
            line += " -a \(fishQuoted(option.choices.joined(separator: " ")))"
          }
        }
        lines.append(line + " -d \(fishQuoted(option.help))")
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func fishQuoted(_ text: String) -> String {
    "'" + text.map { "'\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "'"
  }
}
