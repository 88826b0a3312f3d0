import Checkpoint
import JSON

/// Upload of a trained model to a running server, through the same steps as by `resnetd model push`.
struct ModelUpload {
  /// Time for an answer before the training, which needs no proof of a model.
  private static let checkTimeout = Duration.seconds(10)

  private var settings = ModelSettings()
  private let authorization: String?

  /// Returns nil unless an upload is asked for; throws if the token cannot be read.
  init?(_ training: TrainSettings) throws(Failure) {
    guard let address = training.push else { return nil }
    (settings.host, settings.port) = (address.host, address.port)
    (settings.socketPath, settings.tokenFile) = (address.socketPath, training.tokenFile)
    settings.usesTLS = address.usesTLS
    settings.canary = training.canary
    authorization = try settings.authorization()
  }

  /// Throws if the server does not answer or takes no models, so that nobody trains for nothing.
  func check() throws {
    var settings = settings
    settings.timeout = Self.checkTimeout
    let client = AdminClient(settings, authorization: authorization, remedy: Self.remedy)
    let answer = try client.ask("GET", "/admin/config")
    guard answer.status == 200 else {
      throw Failure("--push \(settings.place): \(answer.complaint); nothing was learned yet")
    }
    // A node is valid as long as its tree.
    let tree = try answer.tree()
    guard let options = tree.root["options"]?.members else {
      throw Failure("--push \(settings.place): it does not answer as a resnetd server does")
    }
    guard options.contains(where: { $0.name == "state-dir" }) else {
      throw Failure(
        "--push \(settings.place): this server keeps no models: start it with --state-dir; nothing was "
          + "learned yet")
    }
  }

  /// Uploads the file and returns the server's answer, once the model is live, or the canary.
  ///
  /// - Parameter interruption: Ends the upload.
  func push(
    _ report: TrainingReport, unless interruption: EndingSignals
  ) throws -> AdminClient.Answer {
    let path = report.files.model
    // An answer that names another version is not believed.
    let version = report.version
    if let fault = Self.fault(report.trained, report.folder.classes.count) {
      TrainingProgress.tell(
        "--push: \(fault); the model becomes \(state) all the same, and `resnetd model "
          + "\(settings.canary == nil ? "rollback" : "canary --end")\(settings.endpointOptions)` undoes that"
      )
    }
    do {
      let client = AdminClient(
        settings, authorization: authorization, remedy: Self.remedy,
        unless: { interruption.hasHappened })
      let answer = try ModelCommand.push(path, settings, client)
      guard 200..<300 ~= answer.status else { throw Failure(answer.complaint) }
      let tree = try answer.tree()
      guard
        model(tree.root)["digest"]?.string?.split(separator: ":").last == Substring(version.hex)
      else {
        throw Failure("\(settings.place) does not answer that this version is \(state)")
      }
      return answer
    } catch let failure as Failure {
      throw Failure(
        "\(path) is complete but is not known to be \(state): \(failure.message); `resnetd model "
          + "push \(ShellWord.of(path))\(settings.endpointOptions)"
          + "\(settings.canary.map { " --canary \($0)" } ?? "")` tries again")
    }
  }

  /// Returns why nobody would want the model; nil if that cannot be said.
  private static func fault(_ trained: TrainingResult, _ classCount: Int) -> String? {
    guard let tally = trained.judgement?.tally, !trained.split.hasIndependentLabels,
      tally.imageCount > 0, tally.top1.value <= 1 / Double(classCount)
    else { return nil }
    return
      "\(EvaluationReport.percent(tally.top1.value)) of \(tally.imageCount) images are answered "
      + "rightly, no more than by chance"
  }

  /// Words for people about an answer.
  func text(_ answer: AdminClient.Answer) throws -> String {
    try ModelReport(answer, of: .push, settings).text
  }

  /// The answer's main members, and where it came from.
  func json(_ answer: AdminClient.Answer) throws -> JSONValue {
    let tree = try answer.tree()
    let model = model(tree.root)
    return [
      "address": .string("\(settings.place)"), "state": .string(state),
      "name": JSONValue(model["name"]?.string), "version": JSONValue(model["version"]?.string),
      "former": JSONValue((tree.root["gate"] ?? tree.root)["former"]?.string),
    ]
  }

  /// The model's part of an answer.
  private func model(_ answer: JSONNode) -> JSONNode {
    settings.canary == nil ? answer : answer["canary"] ?? answer
  }

  /// What the model becomes.
  private var state: String { settings.canary == nil ? "live" : "the canary" }

  private static let remedy = "--push says where it is"
}
