package import Checkpoint
import Glibc
import RemoteModels
import ResNet

/// `resnetd pull`: fetches published weights and makes a model file of them.
package enum PullCommand: Command {
  struct Settings: CommandSettings {
    var output: String?
    var from: String?
    var parts = ModelParts()
    var force = false
    var list = false
    var retries = RemoteLimits().retryLimit
  }

  static let name = "pull"
  static let summary = "fetch published weights as a model file"
  static let operands = "[NAME|ADDRESS]"
  static let operandWords =
    PublishedWeights.all.map(\.name) + EmbeddedModel.allCases.map(\.name)
  static let discussion = """
    Writes the model file of an embedded model, or fetches torchvision's ImageNet weights by NAME (--list shows them; resnet50 means the latest of
    that network) and writes a model file with labels and preprocessing. An ADDRESS of another
    PyTorch file must end in the first digits of its SHA-256, as NAME-01ab23cd.pth; its labels come
    from --labels. What has arrived stays in OUTPUT.partial, and the next run goes on with it.
    Proxies are taken from the environment: https_proxy, http_proxy, no_proxy.
    """
  static let options: [Option<Settings>] = [
    .optionalText("output", "FILE", \.output, "the model file to write (default NAME.safetensors)")
      .called("o"),
    .optionalText(
      "from", "ADDRESS", \.from, "for a NAME: folder of a mirror, or the .pth file itself"),
    .optionalText("labels", "FILE", \.parts.labels, "one label per line, instead of ImageNet's"),
    .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
    .optionalChoice("activation", \.parts.activation, ModelParts.activationHelp),
    .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
    .optionalText("arch", "VARIANT", \.parts.variant, ModelParts.variantHelp),
    .optionalText("output-name", "NAME", \.parts.outputName, ModelParts.outputNameHelp),
    .modelName("name", \.parts.name, "the model's name in answers"),
    .integer("retries", "N", \.retries, in: 0...20, "attempts after the first one"),
    .flag("force", \.force, "replace OUTPUT if it exists"),
    .flag("list", \.list, "show the names"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    if settings.list {
      guard operands.isEmpty else { throw UsageError("--list takes no name") }
      StandardOutput.write(list)
      return .success
    }
    guard operands.count == 1 else {
      throw UsageError(
        operands.isEmpty
          ? "name the weights to fetch; --list shows them"
          : "one name at a time, not \(operands.count): -o FILE says where they are written")
    }
    if let output = settings.output {
      try WrittenFile.check(
        output, "--output", holds: .safetensors,
        onnxRemedy: "convert makes ONNX of it: resnetd convert IN OUT.onnx")
    }
    if let model = EmbeddedModel(rawValue: operands[0]) {
      return try write(model, settings)
    }
    let subject = try PullSubject(operands[0], from: settings.from)
    guard subject.weights != nil || settings.parts.labels != nil else {
      throw UsageError(
        "an ADDRESS needs --labels, a file with one label per line: PyTorch's files contain no labels"
      )
    }
    var limits = RemoteLimits()
    limits.retryLimit = settings.retries
    let download: Download
    do throws(RemoteError) {
      download = try Download(subject.address, digits: subject.weights?.digits, limits: limits)
    } catch {
      throw UsageError(error.description)
    }
    let output = settings.output ?? "\(subject.name).safetensors"
    // Checked first: the work would be wasted.
    try WrittenFile.checkFree(
      output, replaces: settings.force,
      remedies: "--force replaces it, another --output leaves it")
    try WrittenFile.checkPlace(output)
    let options = try modelOptions(settings.parts, subject)
    let partial = try asFailure { () throws(RemoteError) in try PartialFile(output + ".partial") }
    let version = try fetch(download, into: partial)
    let model = try converted(partial.path, subject, options, version)
    do throws(CheckpointError) {
      try model.write(to: output)
    } catch {
      throw Failure("\(output): \(error)")
    }
    partial.remove()
    tellWritten(model, output)
    return .success
  }

  private static func tellWritten(_ model: Model, _ output: String) {
    StandardOutput.write(
      "\(output): \(model.name), \(model.labels.count) classes, version \(model.version)")
  }

  /// Writes the file of an embedded model, which needs no network.
  private static func write(_ model: EmbeddedModel, _ settings: Settings) throws -> ExitCode {
    guard settings.from == nil, settings.parts == ModelParts() else {
      throw UsageError(
        "\(model.name) is part of the program and is written as it is: --from, --labels and the like are "
          + "for weights that are fetched; `resnetd convert \(model.name) OUT` takes some of them")
    }
    let output = settings.output ?? "\(model.name).safetensors"
    try WrittenFile.checkFree(
      output, replaces: settings.force,
      remedies: "--force replaces it, another --output leaves it")
    try WrittenFile.checkPlace(output)
    do throws(CheckpointError) {
      try model.write(to: output)
      tellWritten(try Model.embedded(model), output)
    } catch {
      throw Failure("\(output): \(error)")
    }
    return .success
  }

  package static func modelOptions(
    _ parts: ModelParts, _ subject: PullSubject
  ) throws(Failure) -> ModelOptions {
    var options: ModelOptions
    do throws(CheckpointError) { options = try ModelSource.options(parts) } catch {
      throw Failure(error.description)
    }
    options.name = options.name ?? subject.name
    if let weights = subject.weights {
      options.labels = options.labels ?? Labels.imageNet
      options.preprocessing = options.preprocessing ?? weights.preprocessing
      if options.variant.isEmpty { options.variant = .usual }
    }
    return options
  }

  private static func fetch(
    _ download: Download, into partial: PartialFile
  ) throws(Failure) -> ModelVersion {
    StandardError.write("fetching \(download.address)")
    let file = download.address.split(separator: "/").last ?? ""
    var bar = ProgressBar(String(file), total: 0, unit: .bytes)
    defer { bar.interrupt() }
    return try asFailure { () throws(RemoteError) in
      try download.run(into: partial, wait: wait) { error, delay in
        bar.interrupt()
        StandardError.write("\(error); trying again in \(OptionValue.text(delay))")
      } progress: { byteCount, announced in
        bar.advance(to: byteCount, of: announced ?? 0)
      }
    }
  }

  /// Converts a plain file to a model, with the known facts about it.
  package static func converted(
    _ path: String, _ subject: PullSubject, _ options: ModelOptions, _ version: ModelVersion
  ) throws(Failure) -> Model {
    do throws(CheckpointError) {
      let plain = try Model.load(path: path, options: options)
      ModelSource.tell(of: plain, path, ModelSource.warn)
      return try plain.with(subject.provenance(version))
    } catch {
      throw Failure("\(subject.address): \(error)")
    }
  }

  private static func wait(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    // A signal may end it early, which does no harm.
    unsafe nanosleep(&time, nil)
  }

  private static func asFailure<Result>(
    _ body: () throws(RemoteError) -> Result
  ) throws(Failure) -> Result {
    do throws(RemoteError) { return try body() } catch { throw Failure(error.description) }
  }

  private static var list: String {
    let rows = PublishedWeights.all.map { weights in
      [weights.name, weights.fileName, "\(Decimal.text(weights.accuracy * 100, digits: 2)) %"]
    }
    let embedded = EmbeddedModel.allCases.map { model in
      let accuracy = (try? Model.embedded(model))?.provenance?.accuracy
      return [
        model.name, "part of the program",
        accuracy.map { "\(Decimal.text($0 * 100, digits: 2)) %" } ?? "",
      ]
    }
    return TextTable(rows: [["name", "file", "top-1"]] + rows + embedded).text
  }
}
