import Checkpoint
import Engine
import ONNX

/// `resnetd run`: runs an ONNX graph, or a model as it serves, once on arrays from files.
enum RunCommand: Command {
  struct Settings: CommandSettings {
    var inputs: [String] = []
    var outputs: [String] = []
    var usesEngine = false
    var precision = PrecisionPolicy.fp32
    var parts = ModelParts()
  }

  /// Limit of the bytes of a model's or an array's file.
  private static let fileByteCountLimit = Int(Int32.max)

  static let name = "run"
  static let summary = "run an ONNX graph once on arrays in .npy files"
  static let operands = "MODEL"
  static let discussion = """
    Runs any graph of the known operators once, plainly and not fast: to check a model against
    another program. Tensors outside MODEL are read from its own folder only. NAME may be left
    out where there is just one. Outputs are the graph's, or any tensor between its nodes.
    With --engine MODEL is any model file, and its network computes as the server's does, from
    images [N, C, H, W] that are prepared already. Outputs are logits [N, classes], features (the
    input of the last linear layer) and those of any layer or module: conv1, layer4, layer3.0.relu.
    Without NAME it is logits.
    """
  static let options: [Option<Settings>] = [
    .texts("input", "[NAME=]FILE", \.inputs, "array for an input of the graph; repeat for more"),
    .texts("output", "[NAME=]FILE", \.outputs, "where an output is written; repeat for more")
      .called("o"),
    .flag("engine", \.usesEngine, "compile the model as for serve and run it on images"),
    .choice("precision", \.precision, "numbers that the engine computes with"),
    .optionalText("preprocess", "CONTRACT", \.parts.preprocess, ModelParts.preprocessHelp),
    .optionalText("weights", "NAME", \.parts.weights, ModelParts.weightsHelp),
    .optionalText("arch", "VARIANT", \.parts.variant, ModelParts.variantHelp),
    .optionalText("output-name", "NAME", \.parts.outputName, ModelParts.outputNameHelp),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 1 else { throw UsageError("name one model file") }
    guard !settings.outputs.isEmpty else { throw UsageError("name at least one --output") }
    let path = operands[0]
    if settings.usesEngine { return try runEngine(path, settings) }
    let model: ONNXModel
    let results: [String: DenseTensor]
    let outputs: [String: String]
    let bytes = try read(path)
    do throws(ONNXError) {
      // SAFETY: an array owns the bytes, which the call only reads.
      model = try unsafe ONNXModel(bytes: bytes.span.bytes)
    } catch {
      throw Failure("\(path): \(error) (--engine runs a model file of any format)")
    }
    let inputs = try files(settings.inputs, for: model.inputs.map(\.name), "input")
    outputs = try files(
      settings.outputs, for: model.outputs.map(\.name),
      others: Set(model.nodes.flatMap(\.outputs).filter { !$0.isEmpty }), "output")
    for file in outputs.values { try WrittenFile.check(file, "--output", holds: .npy) }
    var arrays: [String: DenseTensor] = [:]
    for (name, file) in inputs { arrays[name] = try array(file) }
    do throws(ONNXError) {
      let external = try ExternalData(besideFile: path)
      results = try Evaluator().run(model, inputs: arrays, wanted: Set(outputs.keys)) {
        (tensor) throws(ONNXError) in try external.bytes(of: tensor)
      }
    } catch {
      throw Failure("\(path): \(error)")
    }
    for (name, file) in outputs {
      guard let tensor = results[name] else { throw Failure("\(path): no output \(name)") }
      try FileBytes.write(NPYFile.bytes(tensor), to: file)
    }
    return .success
  }

  private static func runEngine(_ path: String, _ settings: Settings) throws -> ExitCode {
    guard settings.inputs.count == 1 else { throw UsageError("the engine takes one --input") }
    let images = try array(settings.inputs[0])
    let model = try ModelSource.load(path, settings.parts, numbersClasses: true)
    let outputs = try EngineOutputs(settings.outputs, in: model.graph)
    let precision = try ModelSource.precision(settings.precision, for: model)
    let run = try EngineRun(model, precision: precision, nodes: outputs.nodes)
    try outputs.write(run.outputs(of: images))
    return .success
  }

  private static func array(_ file: String) throws(Failure) -> DenseTensor {
    try NPYFile.read(path: file, limit: fileByteCountLimit)
  }

  private static func read(_ path: String) throws(Failure) -> [UInt8] {
    do throws(Failure) {
      return try FileBytes.read(path, limit: fileByteCountLimit)
    } catch {
      throw Failure("\(path): \(error.message)")
    }
  }

  /// Returns files by the graph's names. Without a name there must be just one input or output.
  ///
  /// - Parameter others: Names that may be given too, but are not counted.
  private static func files(
    _ texts: [String], for names: [String], others: Set<String> = [], _ kind: String
  ) throws -> [String: String] {
    var files: [String: String] = [:]
    for text in texts {
      let named = try NamedFile(
        text, isName: { names.contains($0) || others.contains($0) },
        refusal: { name in
          let more = others.isEmpty ? "" : ", and any of the \(others.count) results of its nodes"
          return Failure(
            "the graph has no \(kind) \(name); "
              + "\(NamedFile.suggestion(for: name, "it", has: names))\(more). " + NamedFile.hint)
        })
      guard let name = named.name ?? (names.count == 1 ? names[0] : nil) else {
        throw Failure(
          "\"\(text)\" must begin with the name of an \(kind) and \"=\"; "
            + NamedFile.suggestion(for: text, "the graph", has: names))
      }
      guard files.updateValue(named.file, forKey: name) == nil else {
        throw UsageError("two files for the \(kind) \(name)")
      }
    }
    return files
  }
}
