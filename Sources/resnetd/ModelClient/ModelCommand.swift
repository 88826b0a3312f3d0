import Checkpoint
import Glibc
import HTTPServer

/// `resnetd model`: administers a running server, from a container that has no other client.
enum ModelCommand: Command {
  static let name = "model"
  static let summary = "see, replace and roll back a running server's model"
  static let operands = "ACTION [FILE|VERSION|LABEL [FILE…]]"
  static let operandWords = ModelAction.allCases.map(\.rawValue)
  static let discussion = """
    Asks the admin endpoint of `resnetd serve`, found by the same options and variables:

    \(TextTable(rows: ModelAction.allCases.map { ["  \($0.usage)", $0.summary] }).text)

    A VERSION is its digest or at least the first eight digits. Exits with 0 where the server did
    it, with 1 and its reason where not.
    """
  static let options: [Option<ModelSettings>] = ModelSettings.options

  static func run(_ settings: ModelSettings, operands: [String]) throws -> ExitCode {
    let action = try ModelAction(operands.first)
    let operand = try action.operand(Array(operands.dropFirst()))
    try settings.check(for: action, operand)
    let client = AdminClient(settings, authorization: try settings.authorization())
    if action == .examples, let label = operand {
      return try send(Array(operands.dropFirst(2)), as: label, settings, client)
    }
    let answer = try ask(action, operand, settings, client)
    if settings.json {
      StandardOutput.write(answer.text)
    }
    guard 200..<300 ~= answer.status else { throw Failure(answer.complaint) }
    if !settings.json { StandardOutput.write(try ModelReport(answer, of: action, settings).text) }
    return .success
  }

  private static func ask(
    _ action: ModelAction, _ operand: String?, _ settings: ModelSettings, _ client: AdminClient
  ) throws -> AdminClient.Answer {
    switch action {
    case .status: try client.ask("GET", "/admin/model")
    case .versions: try client.ask("GET", "/admin/versions")
    case .config: try client.ask("GET", "/admin/config")
    case .push: try push(operand ?? "", settings, client)
    case .activate: try client.ask("POST", "/admin/versions/\(operand ?? "")/activate")
    case .rollback: try client.ask("POST", "/admin/rollback")
    case .canary where settings.end: try client.ask("DELETE", "/admin/canary")
    case .canary:
      if let operand {
        try client.ask("PUT", "/admin/canary", json: settings.canaryRules(of: operand))
      } else {
        try client.ask("GET", "/admin/canary")
      }
    case .swap: try client.ask("GET", "/admin/swap")
    case .cancel: try client.ask("DELETE", "/admin/swap")
    case .delete: try client.ask("DELETE", "/admin/versions/\(operand ?? "")")
    case .examples: try client.ask("GET", "/admin/examples")
    case .forget: try client.ask("DELETE", "/admin/examples?label=\(escaped(operand ?? ""))")
    case .teach: try client.ask("POST", try teachTarget(settings))
    }
  }

  private static func teachTarget(_ settings: ModelSettings) throws(UsageError) -> String {
    let name = settings.name.map { "&name=\(escaped($0))" } ?? ""
    let share = try settings.minimumShare().map { "&minimum_accuracy=\($0)" } ?? ""
    return "/admin/teach?keep_classes=\(!settings.leavesClasses)&dry_run=\(settings.dryRun)"
      + name + share
  }

  /// Sends images one by one as examples; those that are refused are told, and the others kept.
  private static func send(
    _ files: [String], as label: String, _ settings: ModelSettings, _ client: AdminClient
  ) throws -> ExitCode {
    let target = "/admin/examples?label=\(escaped(label))&keep_images=\(settings.keepsImages)"
    var code = ExitCode.success
    var bar = settings.json ? nil : ProgressBar("examples", total: files.count)
    for path in files {
      let file = try PushedFile(path)
      let answer = try client.push(
        file, to: target, by: "POST", ifMatch: nil, showsProgress: false)
      bar?.advance()
      if settings.json { StandardOutput.write(answer.text) }
      guard !(200..<300 ~= answer.status) else { continue }
      bar?.interrupt()
      StandardError.write("\(PlainText.line(path)): \(answer.complaint)")
      code = .failure
    }
    if !settings.json {
      let answer = try client.ask("GET", "/admin/examples")
      guard answer.status == 200 else { throw Failure(answer.complaint) }
      StandardOutput.write(try ModelReport(answer, of: .examples, settings).text)
    }
    return code
  }

  /// Returns a string as a value of a query (RFC 3986, section 2.1).
  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"), UInt8(ascii: "~"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }

  /// Uploads a file.
  ///
  /// Reads it twice: its digest is sent first, so that a damaged file is not proved as another
  /// model.
  static func push(
    _ path: String, _ settings: ModelSettings, _ client: AdminClient
  ) throws -> AdminClient.Answer {
    let match = try settings.ifVersion.map { try client.entityTag(of: $0) }
    let file = try PushedFile(path)
    var query: [String] = []
    if settings.dryRun { query.append("dry_run=true") }
    if settings.inherit { query.append("inherit=true") }
    if let canary = settings.canary { query.append("canary=\(escaped(canary))") }
    if let weights = settings.weights { query.append("weights=\(escaped(weights))") }
    if let variant = settings.variant { query.append("arch=\(escaped(variant))") }
    let target = "/admin/model" + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
    return try client.push(file, to: target, ifMatch: match)
  }
}
