import Checkpoint
import Imaging
import Inference
import Serving
import Training

extension TrainSettings {
  static let options =
    basic + learning + HeadOptions.options.map { $0.inside(\.head) } + files + Option.decoding

  private static let basic: [Option<TrainSettings>] = [
    .optionalText("output", "FILE", \.output, "the model file to write").called("o"),
    .optionalText(
      "from", "FILE|NAME", \.from,
      "trained model to begin with (default: the embedded \(EmbeddedModel.usual.name))"),
    .optionalText(
      "list", "FILE", \.list,
      "images and classes: lines of a path, a blank and a class, or a table with both columns; DIR is "
        + "where relative paths begin"),
    .optionalText(
      "label-separator", "TEXT", \.labelSeparator,
      "with --list and --activation sigmoid: what is between two labels of an image, such as '|'"),
    .tuning(
      "tune", \.tuning,
      "what is learned: a new last layer, the last N stages with it, or all layers"),
    .optionalDuration(
      "time", \.time, in: .seconds(1)...Duration.seconds(30 * 24 * 3600),
      "how long the training of layers may take"),
    .optionalInteger(
      "epochs", "N", \.epochCount, in: 1...10_000, "passes over the images, instead of a time"),
    .fraction(
      "held-out", "P", \.heldOutShare,
      "share of each class that judges the result; 0 judges by cross-validation"),
    .grouping(
      "group-by", \.grouping,
      "keep images together whose paths agree in what this expression matches"),
    .integer("seed", "N", \.seed, in: 0...Int(Int32.max), "decides what is held out"),
    .flag("resume", \.resumes, "go on with a training that was interrupted"),
    .optionalInteger(
      "jobs", "N", \.jobs, in: 1...CPUPlan.workerLimit,
      "threads to compute with (default: the cores that may be used); they change no result"
    ).called("j"),
  ]

  private static let learning: [Option<TrainSettings>] = [
    .optionalInteger(
      "batch", "N", \.batchImageCount, in: 1...4096, "images of a step (default: by their size)"),
    .choice("optimizer", \.optimizer, "how parameters are changed by their gradients"),
    .positive("learning-rate", \.rate, "the highest rate (default: by optimizer and batch)"),
    .flag(
      "find-rate", \.findsRate,
      "only look for a rate: try rising ones, draw their losses, suggest one, and end"),
    .choice("schedule", \.schedule, "how the rate rises and falls"),
    .choice(
      "precision", \.precision,
      "numbers that layers are trained in: bf16 is faster where the CPU has avx512_amx, and rounds"),
    .positive("weight-decay", \.weightDecay, "decay of weights (default: by optimizer)"),
    .positive("clip-norm", \.normLimit, "largest norm of all gradients together"),
    .number(
      "average", "P", \.averageDecay, in: 0...0.999999,
      "share of the old in the running average of the parameters (default: 0.995); 0 for none"),
    .augmentation(
      "augment", \.augmentation,
      "changes to images: crops and flips, none, or a list of crop, flip, colour and erase"),
    .number(
      "mixup", "ALPHA", \.mixupAlpha, in: Mixup.alphaLimit,
      "mix images in pairs, by shares from Beta(ALPHA, ALPHA)"),
    .choice(
      "activation", \.labelling,
      "what folders mean: classes, of which an image has one, or independent labels (sigmoid)"),
    .optionalText(
      "negatives", "NAME", \.negatives,
      "with --activation sigmoid: the folder of images that have none of the labels"),
    .positive(
      "regularization", \.regularization,
      "factor of the squared weights in the loss, instead of the best of a search"),
    .fraction(
      "label-smoothing", "P", \.smoothing, "share of each target that goes to all classes alike"),
    .flag("balance", \.balances, "let each class weigh the same, however many images it has"),
    .optionalChoice(
      "balance-by", \.balancing,
      "the same, by weights in the loss (as --balance) or by showing rare classes more often"),
  ]

  private static let files: [Option<TrainSettings>] = [
    .modelName("name", \.parts.name, "name of the model (default: that of the file)"),
    .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
    .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
    .optionalText(
      "arch", "VARIANT", \.parts.variant,
      "without --from: a network to train from scratch, such as resnet20-cifar; with it: "
        + ModelParts.variantHelp),
    .optionalText(
      "report", "FILE", \.report, "page with the results (default: the output's .report.html)"),
    .flag("force", \.force, "replace the model file and its report if they are there"),
    .flag("json", \.json, "print the results as JSON"),
    .integer(
      "pixel-limit", "N", \.decoding.pixelCountLimit, in: 1...DecodingLimits.pixelCountCeiling,
      "width x height of an image"),
    .push(
      "push", \.push, "make the model live on the server whose admin endpoint is there"),
    .optionalText(
      "canary", "P", \.canary,
      "with --push: let the model answer this percentage of the requests, instead of making it live"
    ),
    .optionalText(
      "admin-token-file", "FILE", \.tokenFile,
      "file with the token that the server of --push wants; --token-file is the same"
    ).alsoNamed("token-file"),
  ]
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
      guard let value = NumberText.value(text, as: Double.self), value > 0 else {
        throw InvalidValue(expected: "a number above 0", advice: NumberText.advice(text))
      }
      settings[keyPath: path] = value
    } defaultText: { _ in
      nil
    }
  }

  fileprivate static func number(
    _ name: String, _ valueName: String, _ path: any Path<Double?>,
    in range: ClosedRange<Double>, _ help: String
  ) -> Option {
    Option(name: name, valueName: valueName, help: help) { (settings, text) throws(InvalidValue) in
      guard let value = NumberText.value(text, as: Double.self), range.contains(value) else {
        throw InvalidValue(
          expected: "a number from \(range.lowerBound) to \(range.upperBound)",
          advice: NumberText.advice(text))
      }
      settings[keyPath: path] = value
    } defaultText: { _ in
      nil
    }
  }

  fileprivate static func augmentation(
    _ name: String, _ path: any Path<AugmentationChoice>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "auto|none|LIST", help: help) {
      (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try AugmentationChoice(text)
    } defaultText: { _ in
      "auto"
    }
  }

  fileprivate static func push(
    _ name: String, _ path: any Path<PushAddress?>, _ help: String
  ) -> Option {
    Option(name: name, valueName: "ADDRESS", help: help) { (settings, text) throws(InvalidValue) in
      settings[keyPath: path] = try PushAddress(text)
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
