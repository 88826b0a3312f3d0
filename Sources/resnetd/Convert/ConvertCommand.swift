import Checkpoint
import Glibc

/// `resnetd convert`: writes a model file of any form in another form.
enum ConvertCommand: Command {
  /// Purpose of the written file.
  enum Form: String, CaseIterable, Sendable {
    /// Form that the file's name implies.
    case auto
    /// A model file with everything needed to use it correctly.
    case native
    /// The weights alone, as other tools read them.
    case plain
    /// A graph with its weights, for other tools.
    case onnx
  }

  struct Settings: CommandSettings {
    var form = Form.auto
    var parts = ModelParts()
    /// Files of images and of the logits that are known for them.
    var check: [String] = []
    var format = WeightFormat.f32
    /// Files of images for golden samples.
    var golden: [String] = []
    /// JSON, or a file with JSON.
    var provenance: String?
    var force = false
  }

  static let name = "convert"
  static let summary = "write a model file in another form"
  static let operands = "IN OUT"
  static let discussion = """
    Reads a model file of any form that serve reads and writes it as safetensors or ONNX: native
    safetensors with labels, preprocessing, calibration and golden samples; plain safetensors, the
    weights alone under torchvision's names; or an ONNX graph in single precision with labels and
    preprocessing. OUT appears complete or not at all, and may be IN with --force. Its ending must
    not be that of another format. --dtype f16 halves a file: the weights are rounded, and the
    logits of golden samples are computed from the rounded ones.
    With --check, X.npy holds images as the network takes them, [N, C, H, W], and Y.npy the logits
    that another program gives for them, [N, classes], or their softmax or sigmoid. OUT is written
    only if those of IN agree.
    Where IN leaves open what its network is, which output has the classes or what the outputs mean,
    the variants, outputs and activations are tried, and what agrees is taken and named.
    """
  static let options: [Option<Settings>] =
    [
      .choice(
        "to", \.form, "native for resnetd, plain or onnx for other tools; auto: by OUT's ending")
    ] + ModelParts.options(of: \.parts) + [
      .modelName("name", \.parts.name, "the model's name in answers"),
      .choice("dtype", \.format, "numbers of the weights in the file; onnx has f32"),
      .texts(
        "golden", "IMAGE", \.golden,
        "an image by which the model proves itself when it is loaded, instead of those it has"),
      .optionalText(
        "provenance", "JSON|FILE", \.provenance,
        "what to tell of the model's origin: data, recipe, accuracy, evaluation_data, licence, citations"
      ),
      .pair("check", "X.npy Y.npy", \.check, "compare with known logits, and find the variant"),
      .flag("force", \.force, "replace OUT if it exists"),
    ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 2 else { throw UsageError("name the file to read and one to write") }
    let (input, output) = (operands[0], operands[1])
    var form = settings.form
    if form == .auto { form = output.lowercased().hasSuffix(".onnx") ? .onnx : .native }
    try WrittenFile.check(
      output, "OUT", holds: form == .onnx ? .onnx : .safetensors,
      onnxRemedy: "or leave --to out to write ONNX")
    try WrittenFile.checkFree(
      output, replaces: settings.force,
      remedies: "--force replaces it, another name for the file leaves it")
    try WrittenFile.checkPlace(output)
    try settings.check(form)
    var model = try Self.model(input, settings, numbersClasses: form == .plain)
    if form != .onnx {
      model = try proven(model, settings, needsSamples: form != .plain)
    }
    do throws(CheckpointError) {
      switch form {
      case .auto, .native: try model.write(to: output, storing: settings.format)
      case .plain: try model.writePlain(to: output, storing: settings.format)
      case .onnx:
        try model.writeONNX(to: output, programVersion: Version.number)
        warnOfLosses(of: model)
      }
    } catch {
      throw Failure("\(output): \(error)")
    }
    StandardError.write("resnetd convert: written: \(output)")
    return .success
  }

  /// Returns the model with the numbers that the file will hold, and with golden samples of them.
  private static func proven(
    _ model: Model, _ settings: Settings, needsSamples: Bool
  ) throws -> Model {
    let images =
      settings.golden.isEmpty
      ? GoldenImages(of: model) : try GoldenImages(paths: settings.golden)
    let isRounded = settings.format != .f32
    guard isRounded || !settings.golden.isEmpty || settings.provenance != nil else { return model }
    do {
      var rounded = try model.rounded(to: settings.format)
      if let text = settings.provenance {
        let given = try Provenance.read(text)
        rounded = try rounded.with((rounded.provenance ?? Provenance()).replaced(by: given))
        guard isRounded || !settings.golden.isEmpty else { return rounded }
      }
      guard needsSamples, !images.isEmpty else { return rounded }
      return try rounded.with(goldenSamples: images.samples(of: rounded))
    } catch let error as CheckpointError {
      throw Failure(error.description)
    }
  }

  /// Limit of the bytes of an array's file.
  private static let arrayByteCountLimit = 256 << 20

  /// Loads the model; if known logits are given, as the variant that gives them.
  private static func model(
    _ input: String, _ settings: Settings, numbersClasses: Bool
  ) throws -> Model {
    guard settings.check.count == 2 else {
      return try ModelSource.load(input, settings.parts, numbersClasses: numbersClasses)
    }
    var stated = ModelReading()
    do throws(CheckpointError) {
      stated.variant = try settings.parts.variant.map(NetworkVariant.init) ?? NetworkVariant()
    } catch { throw Failure(error.description) }
    (stated.activation, stated.outputName) = (settings.parts.activation, settings.parts.outputName)
    let known = KnownOutputs(
      images: try NPYFile.read(path: settings.check[0], limit: arrayByteCountLimit),
      outputs: try NPYFile.read(path: settings.check[1], limit: arrayByteCountLimit))
    let search = VariantSearch(known: known) { reading throws(CheckpointError) in
      try ModelSource.load(input, settings.parts, numbersClasses: numbersClasses, as: reading)
    }
    var bar = ProgressBar("trying variants", total: 0)
    var total = 0
    let progress = { (done: Int, count: Int, differ: Bool) in
      if total != count, isatty(STDERR_FILENO) != 1 {
        let reason = differ ? "the logits differ" : "the file is not read as a usual network"
        StandardError.write("resnetd convert: \(reason); trying up to \(count) variants")
      }
      total = count
      bar.advance(to: done, of: count)
    }
    let refused = { (error: CheckpointError) in ModelSource.failure(error, input) }
    let found = try search.run(stated, refused: refused, progress)
    bar.interrupt()
    try CheckReport(found, stated, input: input, images: settings.check[0], settings.check[1])
      .tell()
    return found.model
  }

  /// Warns of the parts that an ONNX file has no place for.
  private static func warnOfLosses(of model: Model) {
    if model.calibration != nil {
      StandardError.write(
        "resnetd: warning: the file is in single precision: the calibration for int8 is left out")
    }
    if !model.goldenSamples.isEmpty {
      StandardError.write("resnetd: warning: the golden samples are left out")
    }
  }
}

extension ConvertCommand.Settings {
  /// Throws if an option asks for something that the written form has no place for.
  fileprivate func check(_ form: ConvertCommand.Form) throws(UsageError) {
    if form == .onnx, format != .f32 {
      throw UsageError(
        "--dtype \(format.rawValue) is for safetensors; the ONNX graph is in single precision")
    }
    guard form == .onnx || form == .plain else { return }
    if let option = golden.isEmpty ? provenance.map({ _ in "--provenance" }) : "--golden" {
      throw UsageError("\(option) is for native files; \(form.rawValue) has no place for it")
    }
  }
}
