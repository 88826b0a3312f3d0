import Checkpoint
import Decoding
import Glibc
import Inference
import ResNet

/// Settings of `resnetd train`.
struct TrainSettings: DecodingSettings {
  /// Parameters of a network that are learned.
  enum Tuning: Sendable, Equatable {
    /// What suits the number of images and the time.
    case auto
    /// A new last layer, on features that the rest of the network gives as it is.
    case head
    /// So many stages, and a new last layer.
    case last(Int)
    case all
  }

  /// Changes to images in every epoch.
  enum AugmentationChoice: String, CaseIterable, Sendable {
    /// Crops and flips.
    case auto
    case none
    /// Crops alone, where left and right differ.
    case crop
    /// Crops, flips and colours.
    case colour
  }

  var output: String?
  var from: String?
  var parts = ModelParts()
  var tuning = Tuning.auto
  var time: Duration?
  var epochCount: Int?
  var batchImageCount: Int?
  var rate: Double?
  var weightDecay: Double?
  var augmentation = AugmentationChoice.auto
  var regularization: Double?
  var smoothing: Float = 0
  var isBalanced = false
  var heldOutShare: Float = 0.2
  var grouping: GroupPattern?
  var seed = 0
  var jobs: Int?
  var report: String?
  var resumes = false
  var force = false
  var json = false
  var head = HeadOptions()
  var decoders = DecoderSettings()

  /// Network of the table that is trained from scratch: named without a file to begin with.
  var freshArchitecture: Architecture? {
    from == nil ? parts.variant.flatMap { Architecture.named($0) } : nil
  }

  /// The first option that only the training of layers has.
  var layerOption: String? {
    let options: [(String, Bool)] = [
      ("--resume", resumes), ("--time", time != nil), ("--epochs", epochCount != nil),
      ("--batch", batchImageCount != nil), ("--learning-rate", rate != nil),
      ("--weight-decay", weightDecay != nil), ("--augment", augmentation != .auto),
    ]
    return options.first { $0.1 }?.0
  }

  var lastCount: Int? { if case .last(let count) = tuning { count } else { nil } }

  /// Files that the training writes.
  var files: TrainedFiles { TrainedFiles(model: output ?? "", report: report) }

  /// Throws if an option would do nothing, or something else than it says.
  func check() throws(UsageError) {
    guard let output else {
      throw UsageError("--output is needed: name the model file to write")
    }
    try WrittenFile.check(
      output, "--output", holds: .safetensors,
      onnxRemedy: "`resnetd convert --to onnx` makes an ONNX file of it")
    guard heldOutShare <= 0.9 else {
      throw UsageError("--held-out is from 0 to 0.9, so that something is left to learn from")
    }
    guard smoothing < 1 else {
      throw UsageError("--label-smoothing is from 0 to below 1; 0.1 is usual")
    }
    if time != nil, epochCount != nil {
      throw UsageError("--time decides the number of epochs: give it or --epochs, not both")
    }
    if let architecture = parts.variant, freshArchitecture != nil {
      switch tuning {
      case .auto, .all: break
      case .head, .last:
        throw UsageError(
          "--arch \(architecture) without --from is a network from scratch, all of whose layers must be "
            + "trained: name a trained network by --from, or leave out --tune")
      }
    }
    if tuning == .head, let option = layerOption {
      throw UsageError(
        "\(option) is for the training of layers, and --tune head trains none but the last: give "
          + "--tune all or last:N, or leave it out")
    }
  }

  static let options: [Option<TrainSettings>] =
    [
      .optionalText("output", "FILE", \.output, "the model file to write").called("o"),
      .optionalText(
        "from", "FILE", \.from, "trained model to begin with, instead of the embedded one"),
      .tuning(
        "tune", \.tuning,
        "what is learned: a new last layer, the last N stages with it, or all layers"),
      .optionalDuration(
        "time", \.time, in: .seconds(1)...Duration.seconds(30 * 24 * 3600),
        "how long the training of layers may take"),
      .optionalInteger(
        "epochs", "N", \.epochCount, in: 1...10_000, "passes over the images, instead of a time"),
      .optionalInteger(
        "batch", "N", \.batchImageCount, in: 1...4096, "images of a step (default: by their size)"),
      .positive("learning-rate", \.rate, "the highest rate (default: by the batch)"),
      .positive("weight-decay", \.weightDecay, "decay of weights"),
      .choice(
        "augment", \.augmentation,
        "changes to images: crops and flips, none, crops alone, or colours too"),
      .positive(
        "regularization", \.regularization,
        "factor of the squared weights in the loss, instead of the best of a search"),
      .fraction(
        "label-smoothing", "P", \.smoothing, "share of each target that goes to all classes alike"),
      .flag("balance", \.isBalanced, "let each class weigh the same, however many images it has"),
      .fraction(
        "held-out", "P", \.heldOutShare,
        "share of each class that judges the result; 0 judges by cross-validation"),
      .grouping(
        "group-by", \.grouping,
        "keep images together whose paths agree in what this expression matches"),
      .integer("seed", "N", \.seed, in: 0...Int(Int32.max), "decides what is held out"),
      .optionalText("name", "NAME", \.parts.name, "name of the model (default: that of the file)"),
      .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
      .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
      .optionalText(
        "arch", "VARIANT", \.parts.variant,
        "without --from: a network to train from scratch, such as resnet20-cifar; with it: "
          + ModelParts.variantHelp),
      .optionalInteger(
        "jobs", "N", \.jobs, in: 1...CPUPlan.workerLimit,
        "threads to compute with (default: the cores that may be used); they change no result"
      ).called("j"),
      .optionalText(
        "report", "FILE", \.report, "page with the results (default: the output's .report.html)"),
      .flag("resume", \.resumes, "go on with a training that was interrupted"),
      .flag("force", \.force, "replace the model file and its report if they are there"),
      .flag("json", \.json, "print the results as JSON"),
    ] + HeadOptions.options.map { $0.inside(\.head) } + Option.decoding
}

extension ModelParts {
  /// The same parts without the name of a network.
  var withoutVariant: ModelParts {
    var parts = self
    parts.variant = nil
    return parts
  }
}

extension Option {
  fileprivate static func tuning(
    _ name: String, _ path: any Path<TrainSettings.Tuning>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "auto|head|last:N|all", help: help) {
      (settings, text) throws(InvalidValue) in
      switch text {
      case "auto": settings[keyPath: path] = .auto
      case "head": settings[keyPath: path] = .head
      case "all": settings[keyPath: path] = .all
      default:
        guard text.hasPrefix("last:"), let count = Int(text.dropFirst(5)), 1...100 ~= count else {
          throw InvalidValue(
            expected: "auto, head, all, or last:N for the last N stages, such as last:1")
        }
        settings[keyPath: path] = .last(count)
      }
    } defaultText: { _ in
      "auto"
    }
  }

  fileprivate static func optionalDuration(
    _ name: String, _ path: any Path<Duration?>, in range: ClosedRange<Duration>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "TIME", help: help) { (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try OptionValue.duration(text, in: range)
    } defaultText: { _ in
      nil
    }
  }

  fileprivate static func positive(
    _ name: String, _ path: any Path<Double?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "X", help: help) { (settings, text) throws(InvalidValue) in
      guard let value = Double(text), value.isFinite, value > 0 else {
        throw InvalidValue(expected: "a number above 0")
      }
      settings[keyPath: path] = value
    } defaultText: { _ in
      nil
    }
  }

  fileprivate static func grouping(
    _ name: String, _ path: any Path<GroupPattern?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "REGEX", help: help) { (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try GroupPattern(text)
    } defaultText: { _ in
      nil
    }
  }
}
