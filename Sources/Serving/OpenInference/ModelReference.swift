import Checkpoint
import Inference

/// Model that a path names, with its version or without.
struct ModelReference: Sendable, Hashable {
  let name: String
  /// The digest or at least its first eight digits, in either case, `sha256:` before them or not;
  /// nil for whatever version is live.
  var version: String?

  /// Throws unless it names this model.
  func check(_ model: CompiledModel) throws(Problem) {
    guard name == model.name else {
      throw Problem(
        404, .unknownModel,
        "the model \(Quotation.of(name)) is not here; \(model.name) is, version "
          + model.version.short)
    }
    guard let version, !model.version.isNamed(version) else { return }
    throw Problem(
      404, .unknownModel,
      "version \(Quotation.of(version)) of \(model.name) is not here; \(model.version.short) is")
  }
}
