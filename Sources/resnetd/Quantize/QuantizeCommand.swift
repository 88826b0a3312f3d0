import Checkpoint
import Decoding
import Engine
import Imaging
import Inference
import JSON
import ResNet
import Serving

/// `resnetd quantize`: measures the ranges for int8 and stores them in a copy of the model file.
enum QuantizeCommand: Command {
  struct Settings: DecodingSettings {
    var calibrate: String?
    var output: String?
    var evaluate: String?
    var parts = ModelParts()
    var images = 500
    var percentile = Percentile(99.99)
    var minimumAgreement: Float = 0.97
    var json = false
    var force = false
    var decoders = DecoderSettings()
  }

  /// Stride of the images of `--calibrate` that are held out to judge the result.
  static let heldOutStride = 5
  private static let heldOutText =
    "one in \(heldOutStride) is held out to judge the result, --evaluate DIR judges by others"
  /// Number of images below which there is a warning: of the 100 to 500 of TensorFlow's guide,
  /// https://ai.google.dev/edge/litert/models/post_training_quantization.
  static let advisedImageCount = 100
  /// Least number of images; fewer say nothing about ranges.
  static let imageCountMinimum = 10

  static let name = "quantize"
  static let summary = "prepare a model for int8"
  static let operands = "MODEL"
  static let discussion = """
    Runs the model over images of the kind that it will see, measures the ranges of its
    activations and writes the model with them to another file, weights unchanged. Every fifth
    image (or all of --evaluate) is held out: the report says how far int8 gives fp32's answers
    there, and nothing is written where the most likely class agrees too seldom.
    """
  static let options: [Option<Settings>] =
    [
      .optionalText("calibrate", "DIR", \.calibrate, "folder of images, with its subfolders"),
      .optionalText("output", "FILE", \.output, "the model file to write").called("o"),
      .optionalText("evaluate", "DIR", \.evaluate, "folder of images to judge the result by"),
    ] + ModelParts.options(of: \.parts) + [
      .integer(
        "pictures", "N", \.images, in: imageCountMinimum...100_000,
        "images taken from a folder at most, spread over all"),
      .percentile(
        "percentile", \.percentile,
        "share of an activation's magnitudes that its range holds; rarer ones are clipped"),
      .fraction(
        "minimum-agreement", "P", \.minimumAgreement,
        "write nothing if top-1 agreement is below this"),
      .flag("force", \.force, "replace the file of --output if it exists"),
      .flag("json", \.json, "print the report as JSON"),
    ] + Option.decoding
  static let decodes = true

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    try run(settings, operands: operands, spawner: nil)
  }

  static func run(_ settings: Settings, operands: [String], spawner: Spawner?) throws -> ExitCode {
    guard operands.count == 1 else { throw UsageError("name one model file") }
    guard let folder = settings.calibrate else {
      throw UsageError("--calibrate is needed: name a folder of images")
    }
    guard let output = settings.output else {
      throw UsageError("--output is needed: name the file to write")
    }
    try WrittenFile.check(
      output, "--output", holds: .safetensors,
      onnxRemedy: "an ONNX file has no place for the calibration")
    try WrittenFile.checkFree(
      output, replaces: settings.force,
      remedies: "--force replaces it, another --output leaves it")
    try WrittenFile.checkPlace(output)
    // The result is judged here before it is written.
    if let refusal = Precision.int8.refusal { throw Failure(refusal) }
    let model = try ModelSource.load(operands[0], settings.parts, numbersClasses: true)
    var (images, heldOut) = (try ImageFolder(folder).sample(settings.images), [String]())
    if let evaluate = settings.evaluate {
      heldOut = try ImageFolder(evaluate).sample(settings.images)
    } else {
      heldOut = images.indices.filter { $0 % heldOutStride == 0 }.map { images[$0] }
      images = images.indices.filter { $0 % heldOutStride != 0 }.map { images[$0] }
    }
    let decoder = settings.decoders.source(spawner, say: StandardError.write).makeDecoder()
    let quantized = try calibrated(model, images, settings, decoder)
    let agreement = try agreement(of: quantized, heldOut, decoder)
    StandardOutput.write(settings.json ? agreement.json.indentedText : text(agreement))
    guard agreement.top1 >= Double(settings.minimumAgreement) else {
      throw Failure(
        "int8 agrees with fp32 on \(percent(agreement.top1)) of the images, less than the bar of "
          + "\(percent(Double(settings.minimumAgreement))); nothing was written")
    }
    do throws(CheckpointError) {
      try quantized.write(to: output)
    } catch {
      throw Failure("\(output): \(error)")
    }
    return .success
  }

  /// Returns the model with the ranges of its activations over `paths`.
  private static func calibrated(
    _ model: Model, _ paths: [String], _ settings: Settings, _ decoder: any ImageDecoder
  ) throws -> Model {
    let calibrator = try Calibrator(model.graph, model.weights)
    let count = try PreparedImages(model.preprocessing, decoder).forEach(of: paths, "ranges") {
      try calibrator.measure($0)
    }
    guard count >= imageCountMinimum else {
      throw Failure(
        "\(count) images to calibrate on, at least \(imageCountMinimum) are needed"
          + (settings.evaluate == nil ? "; \(heldOutText)" : ""))
    }
    if count < advisedImageCount {
      StandardError.write(
        "resnetd quantize: warning: \(count) images to calibrate on"
          + (settings.evaluate == nil ? " (\(heldOutText))" : "")
          + ", at least \(advisedImageCount) are "
          + "advised (TensorFlow's guide to post-training quantisation says 100 to 500): of fewer, "
          + "rare activations are not seen and are clipped")
    }
    let method = "percentile \(settings.percentile.value) over \(count) images"
    var provenance = model.provenance ?? Provenance()
    provenance.parent = model.version.hex
    let calibration = Calibration(
      method: method, ranges: calibrator.ranges(percentile: settings.percentile.value))
    do throws(CheckpointError) { return try model.calibrated(calibration, provenance) } catch {
      throw Failure(error.description)
    }
  }

  /// Compares int8 with fp32 over the images at `paths`.
  private static func agreement(
    of model: Model, _ paths: [String], _ decoder: any ImageDecoder
  ) throws -> Agreement {
    let reference = try Classifier(CompiledModel(model), limits: DecodingLimits())
    let candidate = try Classifier(
      CompiledModel(model, precision: .int8), limits: DecodingLimits())
    let limits = ServingLimits()
    var agreement = Agreement()
    var bar = ProgressBar("agreement", total: paths.count)
    for path in paths {
      defer { bar.advance() }
      guard let bytes = PreparedImages.bytes(of: path) else { continue }
      switch try reference.classify(
        [bytes[...]], by: decoder, until: .now + limits.requestTimeout)[0]
      {
      case .success(let wanted):
        let found = try candidate.classify(
          [bytes[...]], by: decoder, until: .now + limits.requestTimeout)[0].get()
        agreement.record(reference: wanted, candidate: found)
      case .failure(let error):
        PreparedImages.leaveOut(path, error.description)
      }
    }
    guard agreement.imageCount > 0 else {
      throw Failure("none of \(paths.count) images to judge the result by can be read")
    }
    return agreement
  }

  private static func text(_ agreement: Agreement) -> String {
    """
    int8 against fp32 on \(agreement.imageCount) images held out
    top-1 agreement                 \(percent(agreement.top1))
    top-5 agreement                 \(percent(agreement.top5))
    largest probability difference  \
    \(Decimal.text(Double(agreement.largestProbabilityDifference), digits: 4))
    """
  }

  private static func percent(_ share: Double) -> String {
    Decimal.text(share * 100, digits: 2) + " %"
  }
}
