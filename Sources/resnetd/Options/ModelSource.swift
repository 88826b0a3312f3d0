import Checkpoint
import Engine
import Glibc
import ResNet
import Serving

/// Where a command takes its model from.
enum ModelSource {
  /// The file, or the embedded default where none is named; `warn` hears what the operator should know of it.
  ///
  /// - Parameter isNamed: Whether the operator named the file, so that it may consist of several.
  static func load(
    _ path: String?, _ parts: ModelParts = ModelParts(), numbersClasses: Bool = false,
    isNamed: Bool = true,
    warn: (String) -> Void = warn
  ) throws(Failure) -> Model {
    do throws(CheckpointError) {
      var options = try Self.options(parts)
      options.numbersClasses = numbersClasses
      options.readsExternalData = isNamed
      guard let path else { return try Model.embeddedDefault(options: options) }
      let model = try Model.load(path: path, options: options)
      for warning in model.warnings { warn("\(path): \(warning)") }
      return model
    } catch {
      throw Failure(path.map { "\($0): \(error)" } ?? error.description)
    }
  }

  static func warn(_ text: String) { StandardError.write("resnetd: warning: \(text)") }

  /// The model that `load` gives, for a store to have later.
  ///
  /// - Parameter isChosen: Whether it is to stay live over restarts.
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

  /// What the command line says of the model, read.
  static func options(_ parts: ModelParts) throws(CheckpointError) -> ModelOptions {
    var options = ModelOptions(name: parts.name)
    if let labels = parts.labels { options.labels = try Labels.read(path: labels) }
    if let contract = parts.preprocess { options.preprocessing = try Contract.read(contract) }
    return options
  }

  /// What the model runs in; int8 is refused where nobody has measured its ranges.
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

  /// A file need not name its classes here.
  static func network(
    _ nameOrPath: String, _ parts: ModelParts = ModelParts(), warn: (String) -> Void = warn
  ) throws(Failure) -> Network {
    if let architecture = Architecture.named(nameOrPath) { return .architecture(architecture) }
    guard unsafe access(nameOrPath, F_OK) == 0 else {
      throw Failure(
        "\"\(nameOrPath)\" is neither a file nor a network; networks are "
          + Architecture.knownNames.joined(separator: ", ")
          + " and resnetD-cifar for a depth D = 6n + 2")
    }
    return .model(try load(nameOrPath, parts, numbersClasses: true, warn: warn))
  }
}
