import Checkpoint
import Files
import Glibc

/// Files that a training writes: the model, the model as it was at the end if another is the best, the
/// page, and the state to go on with.
struct TrainedFiles {
  /// Bytes of a file's name that leave room for that of the temporary file beside it.
  private static let nameByteCountLimit = 220
  private static let ending = ".safetensors"

  let model: String
  let page: String

  /// - Parameter report: The page; nil for one beside the model.
  init(model: String, report: String?) {
    self.model = model
    page = report ?? model + ".report.html"
  }

  var last: String {
    model.hasSuffix(Self.ending)
      ? model.dropLast(Self.ending.count) + ".last" + Self.ending : model + ".last"
  }

  var checkpoint: String { model + ".checkpoint" }

  /// Folder of features while a last layer is learned, if they do not fit into memory.
  var features: String { model + ".features" }

  /// Page of a search for a rate, which writes nothing else.
  static func rates(_ settings: TrainSettings) -> String {
    settings.report ?? (settings.output ?? "") + ".rates.html"
  }

  /// Throws if the page of a search for a rate cannot be written or would be lost.
  static func checkRates(_ settings: TrainSettings) throws {
    let path = rates(settings)
    try WrittenFile.check(path, "--report", holds: .html)
    try WrittenFile.checkFree(
      path, replaces: settings.force,
      remedies: "--force replaces it, another --report leaves it")
    try WrittenFile.checkPlace(path)
  }

  /// Throws if a file cannot be written or would be lost, before the work instead of after it.
  func check(_ settings: TrainSettings) throws {
    try WrittenFile.check(page, "--report", holds: .html)
    let others =
      [model, last, checkpoint].map(OutputLock.resolvedPlace) + [OutputLock.path(for: model)]
    guard !others.contains(OutputLock.resolvedPlace(of: page)) else {
      throw UsageError("--report \(page) is the name of another file of this training")
    }
    for path in [model, page, last, checkpoint] {
      let name = path.split(separator: "/").last ?? ""
      guard name.utf8.count <= Self.nameByteCountLimit else {
        throw UsageError(
          "the name \(name.prefix(40))… has \(name.utf8.count) bytes, and files are written under names "
            + "of at most \(Self.nameByteCountLimit): give a shorter --output")
      }
    }
    for path in [model, page, last] {
      try WrittenFile.checkFree(
        path, replaces: settings.force, remedies: "--force replaces it, another --output leaves it")
      try WrittenFile.checkPlace(path)
    }
    var status = stat()
    guard unsafe stat(model, &status) != 0 || RegularFile.isRegular(status) else {
      throw Failure("cannot write \(model): it is not a regular file; name one, or a new file")
    }
    guard unsafe stat(checkpoint, &status) != 0 || RegularFile.isRegular(status) else {
      throw Failure(
        "\(checkpoint) is not a regular file, and layers are trained with their state in a file of this "
          + "name: rename it, or give another --output")
    }
    guard settings.resumes else {
      return try WrittenFile.checkFree(
        checkpoint, replaces: settings.force,
        remedies: "--resume goes on with that training, --force begins anew")
    }
    guard unsafe access(checkpoint, R_OK) == 0 else {
      throw Failure("--resume: \(checkpoint) is not there to go on with: \(SystemError.text())")
    }
  }

  /// Writes everything, each file complete or not at all; the state goes when the model is there.
  func write(_ result: TrainingResult, page text: String) throws(Failure) {
    do throws(CheckpointError) { try result.model.write(to: model) } catch {
      throw Failure("\(model): \(error)")
    }
    do throws(CheckpointError) { try result.last?.write(to: last) } catch {
      TrainingProgress.tell("\(last): \(error); \(model) is complete without it")
    }
    unsafe unlink(checkpoint)
    do throws(Failure) { try FileBytes.write(Array(text.utf8), to: page) } catch {
      throw Failure("\(error.message); \(model) is complete")
    }
  }
}
