import Checkpoint

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
  }

  static let name = "convert"
  static let summary = "write a model file in another form"
  static let operands = "IN OUT"
  static let discussion = """
    Reads a model file of any form that serve reads and writes it as safetensors or ONNX: native
    safetensors with labels, preprocessing, calibration and golden samples; plain safetensors, the
    weights alone under torchvision's names; or an ONNX graph in single precision with labels and
    preprocessing. OUT appears complete or not at all, and may be IN.
    """
  static let options: [Option<Settings>] = [
    .choice(
      "to", \.form, "native for resnetd, plain or onnx for other tools; auto: by OUT's ending"),
    .optionalText("labels", "FILE", \.parts.labels, ModelParts.labelsHelp),
    .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
    .optionalText("output-name", "NAME", \.parts.outputName, ModelParts.outputNameHelp),
    .optionalText("name", "NAME", \.parts.name, "the model's name in answers"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 2 else { throw UsageError("name the file to read and one to write") }
    let (input, output) = (operands[0], operands[1])
    var form = settings.form
    if form == .auto { form = output.hasSuffix(".onnx") ? .onnx : .native }
    let model = try ModelSource.load(input, settings.parts, numbersClasses: form == .plain)
    do throws(CheckpointError) {
      switch form {
      case .auto, .native: try model.write(to: output)
      case .plain: try model.writePlain(to: output)
      case .onnx:
        try model.writeONNX(to: output, programVersion: Version.number)
        warnOfLosses(of: model)
      }
    } catch {
      throw Failure("\(output): \(error)")
    }
    return .success
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
