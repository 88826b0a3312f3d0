import Checkpoint
import Engine
import Glibc
import ResNet
import Serving
import Words

/// Sources of a command's model.
enum ModelSource {
  /// Loads the file, or the usual embedded model if there is none; `warn` gets warnings for the
  /// operator.
  ///
  /// - Parameters:
  ///   - resizes: Whether the contract may ask for another size of images than the file's network.
  ///   - isNamed: Whether the operator named the file, so that it may consist of several.
  static func load(
    _ path: String?, _ parts: ModelParts = ModelParts(), numbersClasses: Bool = false,
    resizes: Bool = false, isNamed: Bool = true, memory: LoadingMemory = LoadingMemory(),
    warn: (String) -> Void = warn
  ) throws(Failure) -> Model {
    do throws(CheckpointError) {
      var options = try Self.options(parts)
      options.numbersClasses = numbersClasses
      options.resizesNetwork = resizes
      options.readsExternalData = isNamed
      options.memory = memory
      let model =
        if let path { try Model.load(path: path, options: options) } else {
          try Model.embedded(options: options)
        }
      tell(of: model, path ?? model.name, warn)
      return model
    } catch {
      throw failure(error, path)
    }
  }

  /// Loads the file by choices of how it is read, without a word; throws the reader's own error.
  static func load(
    _ path: String, _ parts: ModelParts, numbersClasses: Bool, as reading: ModelReading
  ) throws(CheckpointError) -> Model {
    var options = try options(parts)
    options.numbersClasses = numbersClasses
    options.readsExternalData = true
    if !reading.variant.isEmpty { options.variant = reading.variant }
    if let activation = reading.activation { options.activation = activation }
    if let name = reading.outputName { options.outputName = name }
    return try Model.load(path: path, options: options)
  }

  static func failure(_ error: CheckpointError, _ path: String?) -> Failure {
    Failure(path.map { "\($0): \(error)\(meant($0))" } ?? error.description)
  }

  /// Words for a path that leads nowhere and ends in the name of a network, or nearly in that of
  /// an embedded model or of published weights.
  private static func meant(_ path: String) -> String {
    guard unsafe access(path, F_OK) != 0, EmbeddedModel(path: path) == nil else { return "" }
    // Servers know paths from the root alone.
    let last = path.split(separator: "/").last.map(String.init) ?? path
    let published = PublishedWeights.named(last)
    if published != nil || Architecture.named(last) != nil {
      return "; \(last) is a network, and a trained model of it is wanted: the embedded models are "
        + EmbeddedModel.allCases.map(\.name).joined(separator: " and ")
        + (published == nil
          ? "" : ", and `resnetd pull \(last)` fetches published weights to a file")
    }
    if let name = Suggestion.nearest(to: last, among: EmbeddedModel.allCases.map(\.name)) {
      return "; did you mean the embedded model \(name)?"
    }
    let names = PublishedWeights.all.flatMap { [$0.network, $0.name] }
    guard let name = Suggestion.nearest(to: last, among: names) else { return "" }
    return "; did you mean \(name)? `resnetd pull \(name)` fetches its weights to a file"
  }

  /// Tells what the operator should know of a file: warnings, and what was assumed.
  static func tell(of model: Model, _ path: String, _ warn: (String) -> Void) {
    for warning in model.warnings { warn("\(path): \(warning)") }
    guard !model.assumptions.isEmpty else { return }
    warn(
      "\(path): the file does not say, so it is assumed that "
        + model.assumptions.joined(separator: "; "))
  }

  static func warn(_ text: String) { StandardError.write("resnetd: warning: \(text)") }

  /// Returns the source of the model that `load` gives, for a store to load later.
  ///
  /// - Parameter isChosen: Whether it stays live over restarts.
  static func first(
    _ path: String?, _ parts: ModelParts, isChosen: Bool
  ) throws(Failure) -> FirstModel {
    do throws(CheckpointError) {
      var options = try options(parts)
      options.readsExternalData = true
      return FirstModel(path: path, options: options, isChosen: isChosen)
    } catch {
      throw Failure(error.description)
    }
  }

  /// Reads the parts of the model that the command line gives.
  static func options(_ parts: ModelParts) throws(CheckpointError) -> ModelOptions {
    var options = ModelOptions(name: parts.name)
    options.weights = parts.weights
    options.outputName = parts.outputName
    if let path = parts.labels {
      let (labels, note) = try Labels.contents(path: path)
      (options.labels, options.labelsNote) = (labels, note)
    }
    if let text = parts.preprocess {
      let contract = try Contract.read(text)
      (options.preprocessing, options.output) = (contract.preprocessing, contract.output)
      options.variant = contract.variant
    }
    if let variant = parts.variant { options.variant = try NetworkVariant(variant) }
    options.activation = parts.activation
    return options
  }

  /// Returns the precision that the model runs in; rejects int8 without measured ranges.
  static func precision(
    _ policy: PrecisionPolicy, for model: Model
  ) throws(Failure) -> Precision {
    let precision = policy.precision(for: model.calibration)
    guard precision != .int8 || model.calibration != nil else {
      throw Failure(
        "\(model.name) has no calibration for int8: `resnetd quantize` makes a model file with one")
    }
    return precision
  }

  /// A network of the table or one of a model file.
  enum Network {
    case architecture(Architecture)
    case model(Model)
  }

  /// Returns a network; its file need not contain labels.
  static func network(
    _ nameOrPath: String, _ parts: ModelParts = ModelParts(), warn: (String) -> Void = warn
  ) throws(Failure) -> Network {
    if let architecture = Architecture.named(nameOrPath) { return .architecture(architecture) }
    guard unsafe access(nameOrPath, F_OK) == 0 || EmbeddedModel(path: nameOrPath) != nil else {
      let names = EmbeddedModel.allCases.map(\.name) + Architecture.knownNames
      let nearest = Suggestion.nearest(to: nameOrPath, among: names)
      throw Failure(
        "\"\(nameOrPath)\" is neither a file nor a network; "
          + (nearest.map { "did you mean \($0)? " } ?? "") + "embedded models are "
          + EmbeddedModel.allCases.map(\.name).joined(separator: " and ") + ", networks are "
          + Architecture.knownNames.joined(separator: ", ")
          + ", resnet18-64, resnet18-half-64, resnet34-64, resnet34-half-64, and resnetD-cifar for a "
          + "depth D = 6n + 2")
    }
    return .model(try load(nameOrPath, parts, numbersClasses: true, warn: warn))
  }
}
