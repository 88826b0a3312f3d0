import Checkpoint
import Engine
import Glibc
import ResNet

/// Where a command takes its model from.
enum ModelSource {
  /// The file, or the embedded default where none is named.
  static func load(
    _ path: String?, labels labelsPath: String?, name: String? = nil
  ) throws(Failure) -> Model {
    do throws(CheckpointError) {
      var options = ModelOptions(name: name)
      if let labelsPath { options.labels = try Labels.read(path: labelsPath) }
      guard let path else { return try Model.embeddedDefault(options: options) }
      return try Model.load(path: path, options: options)
    } catch {
      throw Failure(path.map { "\($0): \(error)" } ?? error.description)
    }
  }

  /// As `load`, with numbers for labels where the file has none.
  static func loadUnlabelled(_ path: String) throws(Failure) -> Model {
    do throws(CheckpointError) {
      do throws(CheckpointError) {
        return try Model.load(path: path, options: ModelOptions())
      } catch {
        guard case .labelsMissing(let classCount) = error else { throw error }
        let labels = (0..<classCount).map(String.init)
        return try Model.load(path: path, options: ModelOptions(labels: labels))
      }
    } catch {
      throw Failure("\(path): \(error)")
    }
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

  static func network(_ nameOrPath: String) throws(Failure) -> Network {
    if let architecture = Architecture.named(nameOrPath) { return .architecture(architecture) }
    guard unsafe access(nameOrPath, F_OK) == 0 else {
      throw Failure(
        "\"\(nameOrPath)\" is neither a file nor a network; networks are "
          + Architecture.knownNames.joined(separator: ", ")
          + " and resnetD-cifar for a depth D = 6n + 2")
    }
    return .model(try loadUnlabelled(nameOrPath))
  }
}
