import Checkpoint
import Decoding
import Engine
import FoundationEssentials
import HTTPCore
import Imaging
import Inference
import JSON
import Serving
import Telemetry

/// `resnetd classify`: gives the server's answers without a server.
enum ClassifyCommand: Command {
  struct Settings: DecodingSettings {
    var model: String?
    var parts = ModelParts()
    var precision = PrecisionPolicy.auto
    var topK = ClassificationParameters.defaultTopK
    var minimumProbability: Float = 0
    var decoding = DecodingLimits()
    var decoders = DecoderSettings()
    var json = false

    /// Least probability of what is shown, or nil for no limit.
    var minimum: Float? { minimumProbability > 0 ? minimumProbability : nil }
  }

  /// Limit of one file's bytes, the same as of one request's body.
  private static let fileByteCountLimit = ServingLimits().bodyByteLimit

  static let name = "classify"
  static let summary = "classify images in files"
  static let operands = "FILE…"
  static let discussion = """
    Classifies images (JPEG, PNG, WebP, GIF, BMP; TIFF, AVIF and HEIC if their libraries are
    installed) as the server does; - is standard input. A file that cannot be classified is
    reported, the others still are, and the exit code is 1.
    """
  static let options: [Option<Settings>] =
    [
      .optionalText("model", "FILE", \.model, "model file instead of the embedded default"),
      .optionalText("labels", "FILE", \.parts.labels, ModelParts.labelsHelp),
      .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
      .optionalChoice("activation", \.parts.activation, ModelParts.activationHelp),
      .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
      .optionalText("arch", "VARIANT", \.parts.variant, ModelParts.variantHelp),
      .optionalText("output-name", "NAME", \.parts.outputName, ModelParts.outputNameHelp),
      .choice("precision", \.precision, "numbers it computes with, as for serve"),
      .integer("top-k", "K", \.topK, in: 1...1_000_000, "classes to show"),
      .fraction("min-probability", "P", \.minimumProbability, "show no class below this"),
      .integer(
        "pixel-limit", "N", \.decoding.pixelCountLimit, in: 1...DecodingLimits.pixelCountCeiling,
        "width x height of an image"),
      .flag("json", \.json, "print JSON as the server answers it"),
    ] + Option.decoding
  static let decodes = true

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    guard !operands.isEmpty else { throw UsageError("name one or more images") }
    let live: CompiledModel
    let classifier: Classifier
    let model = try ModelSource.load(settings.model, settings.parts)
    let precision = try ModelSource.precision(settings.precision, for: model)
    do throws(EngineError) {
      live = try CompiledModel(model, precision: precision)
      classifier = try Classifier(live, limits: settings.decoding)
    } catch {
      throw Failure("the model cannot be compiled: \(error)")
    }
    guard settings.minimum == nil || live.output.givesProbabilities else {
      throw Failure(
        "--min-probability does not apply: the outputs of \(model.name) are scores, not "
          + "probabilities; leave it out")
    }
    let decoder = settings.decoders.source(spawner, say: StandardError.write).makeDecoder()
    let answer = ClassificationAnswer(live)
    var items: [JSONObject] = []
    var failureCount = 0
    for path in operands {
      let result = try classify(path, settings, live, classifier, decoder)
      if case .failure(let problem) = result {
        failureCount += 1
        StandardError.write("resnetd classify: \(path): \(problem.detail)")
      }
      if settings.json {
        items.append(answer.item(result, file: operands.count > 1 ? path : nil))
      } else if case .success(let ranking) = result {
        show(ranking, live, heading: operands.count > 1 ? path : nil)
      }
    }
    if settings.json {
      let report = operands.count > 1 ? answer.list(items) : answer.document(items[0])
      StandardOutput.write(report.text)
    }
    return failureCount == 0 ? .success : .failure
  }

  private static func classify(
    _ path: String, _ settings: Settings, _ model: CompiledModel, _ classifier: Classifier,
    _ decoder: any ImageDecoder
  ) throws(Failure) -> Result<Ranking, Problem> {
    let bytes: [UInt8]
    do throws(Failure) {
      bytes = try FileBytes.read(path, limit: fileByteCountLimit)
    } catch {
      return .failure(Problem(400, .unreadableFile, error.message))
    }
    do throws(EngineError) {
      let result = try classifier.classify(
        [bytes[...]], by: decoder, until: .now + ServingLimits().requestTimeout)[0]
      return result.mapError(Problem.init).map {
        Ranking($0, by: model.output, count: settings.topK, minimum: settings.minimum)
      }
    } catch {
      throw Failure(error.description)
    }
  }

  private static func show(_ ranking: Ranking, _ live: CompiledModel, heading: String?) {
    if let heading { StandardOutput.write("\(heading):") }
    let rows = ranking.entries.map { entry in
      let label = live.labels[entry.index]
      return [
        Decimal.text(Double(entry.value), digits: 4), live.output.displayNames[label] ?? label,
      ]
    }
    StandardOutput.write(TextTable(rows: rows).text)
    if ranking.isUnsure == true {
      StandardOutput.write("unsure: nothing reaches the model's threshold")
    }
  }
}

extension ProblemKind {
  /// Kind that only this command uses, in place of a problem with a request's body.
  fileprivate static let unreadableFile = ProblemKind("unreadable-file")
}
