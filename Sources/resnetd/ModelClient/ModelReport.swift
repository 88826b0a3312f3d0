import JSON
import Serving

/// An admin endpoint's answer for people, unless `--json` is given.
struct ModelReport {
  /// Text without a newline at its end.
  let text: String

  /// - Parameter settings: By which the server was reached, for commands that are suggested.
  init(
    _ answer: AdminClient.Answer, of action: ModelAction, _ settings: ModelSettings
  ) throws {
    guard !answer.body.isEmpty else {
      text = "done"
      return
    }
    let tree = try answer.tree()
    text =
      switch action {
      case .status: Self.status(tree.root)
      case .versions: Self.versions(tree.root)
      case .push where tree.root["canary"]?.members != nil: Self.begun(tree.root, settings)
      case .push, .activate, .rollback: Self.change(tree.root)
      case .teach: Self.taught(tree.root)
      case .examples: Self.examples(tree.root)
      case .canary, .swap, .cancel, .delete, .config, .forget: Self.table(Self.rows(tree.root))
      }
  }

  private static func status(_ model: JSONNode) -> String {
    var rows = ["name", "version", "digest", "precision", "since", "by", "previous"].map {
      [$0, scalar(model[$0])]
    }
    rows.append(["classes", model["labels"]?.array.map { "\($0.count)" } ?? "-"])
    let canary = model["canary"].flatMap { canary -> String? in
      guard let version = canary["version"]?.string else { return nil }
      return "\(version), \(scalar(canary["percent"])) %"
    }
    rows.append(["canary", canary ?? "-"])
    rows.append(["recorded", recorded(model)])
    if let recovery = model["recovered"], !recovery.isNull {
      rows.append(["recovered", scalar(recovery)])
    }
    return table(rows)
  }

  /// Tells whether a restart will know of the live model, and if not, why.
  private static func recorded(_ model: JSONNode) -> String {
    guard model["recorded"]?.boolean == false else { return scalar(model["recorded"]) }
    let fault = model["record_fault"]?.string == nil ? "" : ": \(scalar(model["record_fault"]))"
    return "no, a restart would not know of it\(fault)"
  }

  private static func versions(_ root: JSONNode) -> String {
    let versions = root["versions"]?.array ?? []
    guard !versions.isEmpty else { return "no version is kept" }
    let rows = versions.map { version in
      let isCanary = version["canary"]?.boolean == true
      let state = scalar(version["state"]) + (isCanary ? ", canary" : "")
      let names = ["bytes", "stored_at", "by", "name"]
      return [scalar(version["version"]), state] + names.map { scalar(version[$0]) }
    }
    let heads = ["VERSION", "STATE", "BYTES", "STORED", "BY", "NAME"]
    return TextTable(rows: [heads] + rows, rightAligned: [2]).text
  }

  private static func begun(_ root: JSONNode, _ settings: ModelSettings) -> String {
    let canary = root["canary"]
    let version = scalar(canary?["version"])
    let options = settings.endpointOptions
    return
      "\(scalar(canary?["name"])) \(version) is the canary and answers "
      + "\(scalar(canary?["percent"])) % of the requests"
      + (root["goes_on"]?.boolean == true
        ? "; it was that before, and its comparison goes on" : "")
      + "; `resnetd model activate \(version)\(options)` makes it live, "
      + "`resnetd model canary\(options)` shows how it does"
  }

  private static func change(_ report: JSONNode) -> String {
    let isDryRun = report["dry_run"]?.boolean == true
    let name = "\(scalar(report["name"])) \(scalar(report["version"]))"
    let former = report["former"]?.string.map { ", in place of \($0)" } ?? ""
    let head = isDryRun ? "\(name) is fit; nothing was changed" : "\(name) is live\(former)"
    let steps = (report["steps"]?.array ?? []).map {
      ["  \(scalar($0["step"]))", "\(scalar($0["ms"])) ms"]
    }
    let total = ["  in all", "\(scalar(report["ms"])) ms"]
    var lines = [head]
    if !isDryRun, report["recorded"]?.boolean == false {
      let isKept = report["record_fault"]?.string != ModelAdministration.keepsNoModels
      lines.append(
        "recorded: \(recorded(report))" + (isKept ? "; the server tries again by itself" : ""))
    }
    let assumed = report["assumed"]?.array ?? []
    if !assumed.isEmpty {
      lines.append("the file does not say, so it is assumed that:")
      lines += assumed.map { "  \(scalar($0))" }
    }
    for change in report["changed"]?.array ?? [] {
      lines.append(
        "\(scalar(change["what"]).split(separator: "_").joined(separator: " ")) differs from that of "
          + "the model before: \(scalar(change["former"])) then, \(scalar(change["now"])) now")
    }
    if report["labels_changed"]?.boolean == true {
      lines.append("the labels differ from those of the model before")
    }
    return (lines + [TextTable(rows: steps + [total], rightAligned: [1]).text])
      .joined(separator: "\n")
  }

  private static func examples(_ root: JSONNode) -> String {
    let labels = root["labels"]?.array ?? []
    guard !labels.isEmpty else { return "there are no examples" }
    let rows = labels.map { label in
      ["examples", "images", "bytes", "label"].map { scalar(label[$0]) }
    }
    let heads = ["EXAMPLES", "IMAGES", "BYTES", "LABEL"]
    return TextTable(rows: [heads] + rows, rightAligned: [0, 1, 2]).text
  }

  private static func taught(_ root: JSONNode) -> String {
    let taught = root["taught"]
    let labels = taught?["new_classes"]?.array ?? []
    let judged = taught?["cross_validation"]?["accuracy"]?.number
    let accuracy = judged.map { ", \(Int(($0 * 100).rounded())) % right by cross-validation" } ?? ""
    let removed = (taught?["removed_classes"]?.array ?? []).map { scalar($0) }
    let gone =
      removed.isEmpty
      ? "" : "without examples any more, so removed: \(removed.joined(separator: ", "))\n"
    return
      "taught \(labels.count) of \(scalar(taught?["classes"])) classes from "
      + "\(scalar(taught?["examples"])) examples\(accuracy)\n" + gone + change(root)
  }

  // MARK: Any document

  private static func table(_ rows: [[String]]) -> String { TextTable(rows: rows).text }

  /// Returns a row for each value; points join the names of nested members.
  private static func rows(_ node: JSONNode, _ path: String = "") -> [[String]] {
    let joined = { (name: String) in path.isEmpty ? name : "\(path).\(name)" }
    if let members = node.members {
      return members.flatMap { rows($0.value, joined($0.name)) }
    }
    if let elements = node.array, elements.contains(where: { $0.members != nil }) {
      return elements.enumerated().flatMap { rows($0.element, joined("\($0.offset + 1)")) }
    }
    if node.array?.isEmpty == true { return [[path, "-"]] }
    return [[path, scalar(node)]]
  }

  private static func scalar(_ node: JSONNode?) -> String {
    guard let node, !node.isNull else { return "-" }
    if let text = node.string { return PlainText.line(text) }
    if let integer = node.integer { return String(integer) }
    if let number = node.number { return "\(number)" }
    if let truth = node.boolean { return truth ? "yes" : "no" }
    return (node.array ?? []).map { scalar($0) }.joined(separator: ", ")
  }
}
