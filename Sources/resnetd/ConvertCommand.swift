import Checkpoint

/// `resnetd convert`: writes a model file of any form as safetensors.
enum ConvertCommand: Command {
  /// What the written file is for.
  enum Form: String, CaseIterable, Sendable {
    /// A model file with everything needed to use it rightly.
    case native
    /// The weights alone, as other tools read them.
    case plain
  }

  struct Settings: CommandSettings {
    var form = Form.native
    var parts = ModelParts()
  }

  static let name = "convert"
  static let summary = "write a model file as safetensors"
  static let operands = "IN OUT"
  static let discussion = """
    Reads a model file of any form that serve reads and writes it as safetensors: native, with
    labels, preprocessing, calibration and golden samples, or plain, the weights alone under
    torchvision's names. OUT appears complete or not at all, and may be IN.
    """
  static let options: [Option<Settings>] = [
    .choice("to", \.form, "native for resnetd, plain for other tools"),
    .optionalText("labels", "FILE", \.parts.labels, ModelParts.labelsHelp),
    .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
    .optionalText("name", "NAME", \.parts.name, "the model's name in answers"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 2 else { throw UsageError("name the file to read and one to write") }
    let (input, output) = (operands[0], operands[1])
    let isPlain = settings.form == .plain
    let model = try ModelSource.load(input, settings.parts, numbersClasses: isPlain)
    do throws(CheckpointError) {
      if isPlain { try model.writePlain(to: output) } else { try model.write(to: output) }
    } catch {
      throw Failure("\(output): \(error)")
    }
    return .success
  }
}
