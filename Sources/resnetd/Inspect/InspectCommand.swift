import Checkpoint
import Engine
import ResNet

/// `resnetd inspect`: reports the parts of a network and their cost.
enum InspectCommand: Command {
  struct Settings: CommandSettings {
    var variant = Architecture.StridePlacement.in3x3
    var plan = false
    var batchSizes = [1]
    var threads = 1
    var team: Int?
    var winograd = WinogradPolicy.measured
    var precision = PrecisionPolicy.fp32
    var parts = ModelParts()
    var json = false
    var contract = false
  }

  static let name = "inspect"
  static let summary = "show a network's layers, parameters and multiply-adds"
  static let operands = "[NAME|FILE]"
  static let operandWords = EmbeddedModel.allCases.map(\.name)
  static let discussion = """
    Shows the layers of a network of the family (resnet50, resnet1202-cifar, …), of a model file,
    or without an argument of the embedded model. Multiply-adds are those of convolutions and
    linear layers for one image; blocks compare as in Figure 5 of He et al. 2015.

    With --contract it prints the model's preprocessing contract alone, every key with its value, as
    a file to edit and give back with --preprocess.

    With --plan it compiles the network for this CPU and shows what each step of it runs.
    """
  static let options: [Option<Settings>] = [
    .choice(
      "variant", \.variant,
      "for a NAME: where bottlenecks stride, v1 the paper's first 1x1, v1.5 torchvision's 3x3"),
    .flag("plan", \.plan, "show the steps that run and what computes them"),
    .integers("batch", "N,…", \.batchSizes, in: 1...256, "with --plan: images per batch"),
    .integer("threads", "N", \.threads, in: 1...256, "with --plan: threads of one worker"),
    .optionalInteger(
      "team", "N", \.team, in: 2...256, "with --plan: threads that a lone image may run on besides"),
    .choice("winograd", \.winograd, "with --plan: when 3x3 convolutions use our Winograd kernels"),
    .choice("precision", \.precision, "with --plan: numbers of activations and weights"),
    .optionalText("labels", "FILE", \.parts.labels, "for a FILE: " + ModelParts.labelsHelp),
    .optionalText(
      "preprocess", "CONTRACT", \.parts.preprocess, "for a FILE: " + ModelParts.preprocessHelp),
    .optionalChoice(
      "activation", \.parts.activation, "for a FILE: " + ModelParts.activationHelp),
    .optionalText("weights", "NAME", \.parts.weights, "for a FILE: " + ModelParts.weightsHelp),
    .optionalText("arch", "VARIANT", \.parts.variant, "for a FILE: " + ModelParts.variantHelp),
    .optionalText(
      "output-name", "NAME", \.parts.outputName, "for a FILE: " + ModelParts.outputNameHelp),
    .flag("json", \.json, "print JSON"),
    .flag(
      "contract", \.contract, "print the model's preprocessing contract, to edit and give back"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count <= 1 else { throw UsageError("name one network or file") }
    if settings.contract {
      guard !settings.plan else { throw UsageError("--contract and --plan exclude each other") }
      StandardOutput.write(try contract(operands.first, settings))
    } else if settings.plan {
      let report = try plan(operands.first, settings)
      StandardOutput.write(settings.json ? report.json : report.text)
    } else {
      let report = try report(operands.first, settings)
      StandardOutput.write(settings.json ? report.json : report.text)
    }
    return .success
  }

  private static func contract(_ name: String?, _ settings: Settings) throws -> String {
    let variant: NetworkVariant
    do throws(CheckpointError) { variant = try ModelSource.options(settings.parts).variant } catch {
      throw Failure(error.description)
    }
    guard let name else {
      let model = try ModelSource.load(nil, settings.parts)
      return Contract.text(of: model.preprocessing, model.output, variant)
    }
    switch try ModelSource.network(name, settings.parts) {
    case .architecture:
      throw Failure("\(name) is a network without a file, so it has no contract: name a model file")
    case .model(let model):
      return Contract.text(of: model.preprocessing, model.output, variant)
    }
  }

  private static func plan(_ name: String?, _ settings: Settings) throws -> PlanReport {
    var options = CompilationOptions()
    options.batchSizes = settings.batchSizes
    options.threads = settings.threads
    options.teamThreads = settings.team
    options.winograd = settings.winograd
    let subject = try BenchSubject(
      name, settings.precision, variant: settings.variant, parts: settings.parts)
    let network = try subject.compiled(options)
    return PlanReport(name ?? "embedded model", subject.precision, network)
  }

  private static func report(_ name: String?, _ settings: Settings) throws -> InspectReport {
    guard let name else {
      let model = try ModelSource.load(nil, settings.parts)
      return try InspectReport(model.name, model.architecture, model.graph, model)
    }
    // The report contains the warnings.
    switch try ModelSource.network(name, settings.parts, warn: { _ in }) {
    case .architecture(var architecture):
      architecture.stridePlacement = settings.variant
      return try InspectReport(name, architecture, try Graph(architecture), nil)
    case .model(let model):
      return try InspectReport(model.name, model.architecture, model.graph, model)
    }
  }
}
