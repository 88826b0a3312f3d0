import Words

/// Actions of `resnetd model`.
enum ModelAction: String, CaseIterable, Sendable {
  case status, versions, push, activate, rollback, canary, swap, cancel, delete, config
  case examples, forget, teach

  /// Operand that may follow the action's name.
  enum Operand: Equatable {
    case none
    case file
    case label
    case version
    case versionOrNone
    /// Nothing, or a label and files.
    case labelAndFiles
  }

  /// Throws if there is no such action.
  init(_ word: String?) throws(UsageError) {
    let names = Self.allCases.map(\.rawValue)
    guard let word else { throw UsageError("name an action: \(names.joined(separator: ", "))") }
    guard let action = Self(rawValue: word) else {
      let nearest = Self.synonyms[word] ?? Suggestion.nearest(to: word, among: names)
      throw UsageError(
        "unknown action \"\(word)\"" + (nearest.map { "; did you mean \($0)?" } ?? "; there are ")
          + (nearest == nil ? names.joined(separator: ", ") : ""))
    }
    self = action
  }

  /// What others call an action.
  private static let synonyms = [
    "list": "versions", "ls": "versions", "history": "versions", "show": "status", "info": "status",
    "upload": "push", "load": "push", "deploy": "push", "promote": "activate", "use": "activate",
    "revert": "rollback", "undo": "rollback", "rm": "delete", "remove": "delete",
    "abort": "cancel", "stop": "cancel", "learn": "teach", "train": "teach",
  ]

  var takes: Operand {
    switch self {
    case .push: .file
    case .activate, .delete: .version
    case .canary: .versionOrNone
    case .examples: .labelAndFiles
    case .forget: .label
    case .status, .versions, .rollback, .swap, .cancel, .config, .teach: .none
    }
  }

  var usage: String {
    switch takes {
    case .none: rawValue
    case .file: "\(rawValue) FILE"
    case .label: "\(rawValue) LABEL"
    case .version: "\(rawValue) VERSION"
    case .versionOrNone: "\(rawValue) [VERSION]"
    case .labelAndFiles: "\(rawValue) [LABEL FILE…]"
    }
  }

  var summary: String {
    switch self {
    case .status: "what is live"
    case .versions: "the versions that are kept"
    case .push: "upload a model file and make it live"
    case .activate: "make a kept version live"
    case .rollback: "make the previous version live"
    case .canary:
      "show the canary; with a VERSION and --percent, let it answer a share of the requests"
    case .swap: "the change in progress"
    case .cancel: "end the change in progress"
    case .delete: "remove a kept version"
    case .config: "the options in force, and the plan"
    case .examples: "show the examples of classes, or send images as examples of LABEL"
    case .forget: "remove the examples of LABEL, which the next lesson then unlearns"
    case .teach: "learn classes from the examples and make the model live"
    }
  }

  /// Returns the operand, if the action takes one; throws if there are too many or too few.
  func operand(_ rest: [String]) throws(UsageError) -> String? {
    if takes == .labelAndFiles {
      guard rest.count != 1 else {
        throw UsageError("\(rawValue) LABEL needs files: `resnetd model \(usage)`")
      }
      return rest.first
    }
    if let extra = rest.dropFirst(takes == .none ? 0 : 1).first {
      throw UsageError("unexpected argument \"\(extra)\": it is `resnetd model \(usage)`")
    }
    guard let operand = rest.first else {
      guard takes == .none || takes == .versionOrNone else {
        throw UsageError("\(rawValue) needs one more argument: `resnetd model \(usage)`")
      }
      return nil
    }
    if takes != .file, takes != .label { try VersionDigits.check(operand) }
    return operand
  }
}
