import Glibc
import JSON
import Serving

/// Settings of `resnetd model`: how it reaches a server, and what the action needs besides its
/// name.
struct ModelSettings: CommandSettings {
  /// Limit of the bytes of a token's file, 4 KiB, as in the server.
  private static let tokenByteLimit = 4096

  var host = "127.0.0.1"
  var port = 8081
  /// Path of a Unix socket, in place of host and port.
  var socketPath: String?
  var tokenFile: String?
  var usesTLS = false
  /// Certificate that the server shows, as in its own options.
  var certificate: String?
  var trust = ServerQuestion.TLSTrust()
  /// Time for a whole request: an upload, and the proof of the model that follows.
  var timeout = Duration.seconds(15 * 60)
  var json = false
  var dryRun = false
  var inherit = false
  /// Name of one of several networks in the file that is pushed.
  var weights: String?
  var variant: String?
  /// Version that must be live for an upload to take its place.
  var ifVersion: String?
  /// Share of the requests that an uploaded model answers as a canary.
  var canary: String?
  var percent: String?
  var maxDisagreement: String?
  var end = false
  var keepsImages = false
  var leavesClasses = false
  /// Name of the model that is taught.
  var name: String?
  /// Share of the examples that a taught model must answer rightly.
  var minimumAccuracy: String?

  static let options: [Option<ModelSettings>] = [
    .text("admin-host", "HOST", \.host, "where the server's admin endpoint listens")
      .inPlaceOf("admin-socket"),
    .integer("admin-port", "PORT", \.port, in: 0...65535, "its port").inPlaceOf("admin-socket"),
    .optionalText(
      "admin-socket", "PATH", \.socketPath, "its Unix socket, in place of host and port"
    )
    .inPlaceOf("admin-host", "admin-port"),
    .optionalText(
      "admin-token-file", "FILE", \.tokenFile,
      "file with the token that it wants; --token-file is the same"
    ).alsoNamed("token-file"),
    .flag("admin-tls", \.usesTLS, "speak TLS to the endpoint, as where it has --tls-cert")
      .inPlaceOf("admin-socket"),
    .optionalPath(
      "tls-cert", "FILE", \.certificate,
      "certificate with which the endpoint speaks TLS, as in the server's own --tls-cert"),
    .optionalPath(
      "admin-ca", "FILE", \.trust.authorities,
      "with TLS: PEM certificates of authorities to trust in place of the system's"),
    .optionalText(
      "admin-tls-name", "NAME", \.trust.name,
      "with TLS: name that its certificate bears, if that is not its host's"),
    .optionalPath(
      "admin-cert", "FILE", \.trust.certificate,
      "with TLS: PEM certificate that this client shows"),
    .optionalPath("admin-key", "FILE", \.trust.key, "its private key"),
    .duration(
      "timeout", \.timeout, in: .milliseconds(1)...Duration.seconds(24 * 3600),
      "for the whole answer, including an upload and its proof"),
    .flag("json", \.json, "print the server's answer as it is"),
    .flag("dry-run", \.dryRun, "push, teach: only prove the model"),
    .flag(
      "inherit", \.inherit,
      "push: take the live model's labels and preprocessing for a file that has none"),
    .optionalText("weights", "NAME", \.weights, "push: " + ModelParts.weightsHelp),
    .optionalText("arch", "VARIANT", \.variant, "push: " + ModelParts.variantHelp),
    .optionalText(
      "if-version", "VERSION", \.ifVersion, "push: only if this version is still live"),
    .optionalText(
      "canary", "P", \.canary,
      "push: let the model answer this percentage of the requests, instead of making it live"),
    .optionalText("percent", "P", \.percent, "canary: the share of requests that it answers"),
    .optionalText(
      "max-disagreement", "SHARE", \.maxDisagreement,
      "canary: from 0 to 1, beyond it the canary ends; null compares nothing"),
    .flag("end", \.end, "canary: end it"),
    .flag(
      "keep-images", \.keepsImages,
      "examples: keep the images too, by which a taught model proves itself"),
    .flag(
      "without-classes", \.leavesClasses,
      "teach: leave out the classes that the model knew and no example is of"),
    .modelName("as", \.name, "teach: the model's name"),
    .optionalText(
      "minimum-accuracy", "P", \.minimumAccuracy,
      "teach: least share of the examples, 0 to 1, that must be answered rightly by cross-validation"
    ),
  ]

  /// Throws if an option belongs to another action, so that no misplaced --dry-run replaces a
  /// model, or if a canary's options are not those of a request.
  func check(for action: ModelAction, _ operand: String?) throws(UsageError) {
    let misplaced: [(option: String, isGiven: Bool, belongs: [ModelAction])] = [
      ("--dry-run", dryRun, [.push, .teach]), ("--inherit", inherit, [.push]),
      ("--if-version", ifVersion != nil, [.push]), ("--canary", canary != nil, [.push]),
      ("--percent", percent != nil, [.canary]),
      ("--max-disagreement", maxDisagreement != nil, [.canary]), ("--end", end, [.canary]),
      ("--keep-images", keepsImages, [.examples]), ("--as", name != nil, [.teach]),
      ("--without-classes", leavesClasses, [.teach]),
      ("--minimum-accuracy", minimumAccuracy != nil, [.teach]),
    ]
    for item in misplaced where item.isGiven && !item.belongs.contains(action) {
      let owners = item.belongs.map { "`resnetd model \($0.usage)`" }.joined(separator: " and ")
      throw UsageError("\(item.option) belongs to \(owners)")
    }
    // The server's own variable may have set it, and be meant for the server.
    if port == 0, socketPath == nil {
      throw UsageError(
        "--admin-port 0 makes the server pick a port: give the one that its log line `admin` shows")
    }
    try checkTLS()
    if let ifVersion { try VersionDigits.check(ifVersion) }
    if let canary {
      _ = try Self.percent(canary, "--canary")
      guard !dryRun else {
        throw UsageError("a dry run begins no canary: give --dry-run or --canary, not both")
      }
    }
    if end, percent != nil || maxDisagreement != nil {
      throw UsageError("--end ends the canary and takes no other option of it")
    }
    if end, operand != nil {
      throw UsageError("--end ends the canary, whichever it is: give no VERSION with it")
    }
    if action == .canary, operand == nil, percent != nil || maxDisagreement != nil {
      throw UsageError(
        "--percent and --max-disagreement belong to a new canary: give its VERSION as well")
    }
  }

  private func checkTLS() throws(UsageError) {
    let given: [(option: String, value: String?)] = [
      ("--admin-ca", trust.authorities), ("--admin-tls-name", trust.name),
      ("--admin-cert", trust.certificate), ("--admin-key", trust.key),
    ]
    if certificate != nil, trust.authorities != nil || trust.name != nil {
      throw UsageError(
        "--tls-cert names the one certificate to trust: leave out --admin-ca and --admin-tls-name")
    }
    if !usesTLS, certificate == nil, let first = given.first(where: { $0.value != nil }) {
      throw UsageError("\(first.option) is for TLS: give --admin-tls with it")
    }
    if (trust.certificate == nil) != (trust.key == nil) {
      throw UsageError("--admin-cert and --admin-key belong together")
    }
  }

  /// Returns the least share of right answers, as the server's parameter is written; nil for the
  /// server's own.
  func minimumShare() throws(UsageError) -> String? {
    guard let minimumAccuracy else { return nil }
    _ = try Self.number(minimumAccuracy, "--minimum-accuracy", in: 0...1)
    return minimumAccuracy
  }

  /// Returns the body of a request that makes a version the canary.
  func canaryRules(of version: String) throws(UsageError) -> String {
    guard let percent else { throw UsageError("canary VERSION needs --percent") }
    var rules: JSONObject = [
      "version": .string(version),
      "percent": .double(try Self.percent(percent, "--percent")),
    ]
    if let maxDisagreement {
      rules.append(
        "max_disagreement",
        maxDisagreement == "null"
          ? nil : .double(try Self.number(maxDisagreement, "--max-disagreement", in: 0...1)))
    }
    return JSONValue.object(rules).text
  }

  /// Returns a canary's share of the requests, in percent.
  static func percent(_ text: String, _ option: String) throws(UsageError) -> Double {
    try number(text, option, in: 0...100)
  }

  /// Returns a number as JSON writes it.
  private static func number(
    _ text: String, _ option: String, in range: ClosedRange<Double>
  ) throws(UsageError) -> Double {
    // Exponents are left out, for people.
    guard text.utf8.allSatisfy({ $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }),
      let value = NumberText.value(text, as: Double.self), range ~= value
    else {
      throw UsageError(
        "\(option) is a number from \(Int(range.lowerBound)) to \(Int(range.upperBound)), not "
          + "\"\(text)\"" + (NumberText.advice(text) ?? ""))
    }
    return value
  }

  /// Returns the value of the field `Authorization`; nil without a token.
  func authorization() throws(Failure) -> String? {
    guard let tokenFile else { return nil }
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try FileBytes.read(tokenFile, limit: Self.tokenByteLimit)
    } catch {
      throw Failure("--admin-token-file \(tokenFile): \(error.message)")
    }
    let words = bytes.split { $0 == 32 || 9...13 ~= $0 }
    guard words.count == 1, let token = words.first, token.allSatisfy({ 33...126 ~= $0 }) else {
      throw Failure(
        "--admin-token-file \(tokenFile): the file must contain exactly one word, the token")
    }
    return "Bearer " + String(decoding: token, as: UTF8.self)
  }

  /// Options by which a further command reaches the same endpoint as this one, after a space each;
  /// empty for the usual one.
  var endpointOptions: String {
    let usual = ModelSettings()
    var words: [String] = []
    if let socketPath {
      words = ["--admin-socket", socketPath]
    } else if (host, port) != (usual.host, usual.port) {
      words = ["--admin-host", host, "--admin-port", "\(port)"]
    }
    if let certificate, socketPath == nil { words += ["--tls-cert", certificate] }
    if usesTLS || certificate != nil, socketPath == nil {
      if certificate == nil { words.append("--admin-tls") }
      if let file = trust.authorities { words += ["--admin-ca", file] }
      if let name = trust.name { words += ["--admin-tls-name", name] }
      if let file = trust.certificate { words += ["--admin-cert", file] }
      if let file = trust.key { words += ["--admin-key", file] }
    }
    if let tokenFile { words += ["--admin-token-file", tokenFile] }
    return words.map { " " + ShellWord.of($0) }.joined()
  }

  /// Address of the admin endpoint.
  var place: ServerQuestion.Place {
    if let socketPath { return .socket(socketPath) }
    guard let certificate else {
      return usesTLS ? .encrypted(host: host, port, trust) : .port(host: host, port)
    }
    var pinned = trust
    (pinned.authorities, pinned.takesAnyName) = (certificate, true)
    return .encrypted(host: host, port, pinned)
  }
}
