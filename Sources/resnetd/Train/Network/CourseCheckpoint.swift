import Checkpoint
import Files
import JSON
import ResNet
import Training
import Words

/// State of a training that goes on later, in a file of its own beside the model.
///
///     course/…     parameters and running statistics, by their names
///     optimizer/…  momenta and average
///     best/…       parameters of the best epoch so far
struct CourseCheckpoint {
  /// What must be the same for the training to go on to the same bits.
  struct Identity: Codable, Equatable {
    var program: String
    /// SHA-256 of the images and their labels.
    var data: String
    var parent: String
    var recipe: String
    var seed: Int
  }

  private struct Document: Codable {
    var identity: Identity
    var stepCount: Int
    var optimizerStepCount: Int
    var record: CourseRecord
  }

  private static let metadataKey = "resnetd_training"
  private static let digestKey = "resnetd_training_sha256"

  /// What to do about a file with which no training can go on.
  private static let remedy =
    "put back a copy of it if you have one, or begin anew with --force in place of --resume"

  var identity: Identity
  var state: Course.State
  var record: CourseRecord
  /// Parameters of `record.best`.
  var best: Weights?

  init(identity: Identity, state: Course.State, record: CourseRecord, best: Weights?) {
    (self.identity, self.state, self.record, self.best) = (identity, state, record, best)
  }

  func write(to path: String) throws(CheckpointError) {
    var tensors = Weights()
    for (prefix, part) in [
      ("course/", state.weights), ("optimizer/", state.optimizer.tensors), ("best/", best),
    ] {
      guard let part else { continue }
      for name in part.names { tensors[prefix + name] = part[name] }
    }
    let document = Document(
      identity: identity, stepCount: state.stepCount,
      optimizerStepCount: state.optimizer.stepCount, record: record)
    let text = JSONValue(encoding: document).text
    let metadata = [
      Self.metadataKey: text, Self.digestKey: try Self.digest(of: tensors, text),
    ]
    try TensorArchive(tensors: tensors, metadata: metadata).write(to: path)
  }

  /// Returns the SHA-256, in hexadecimal, of everything in a checkpoint.
  private static func digest(
    of tensors: Weights, _ text: String
  ) throws(CheckpointError) -> String {
    do throws(DigestError) {
      var digest = try SHA256()
      for part in [text] + tensors.names.sorted() {
        // SAFETY: the elements are bytes or numbers, which any bytes are.
        digest.update(unsafe (Array(part.utf8) + [0]).span.bytes)
        tensors[part]?.withValues { digest.update(unsafe $0.bytes) }
      }
      return HexDigits.text(digest.finish())
    } catch {
      throw .metadata(reason: "\(error)")
    }
  }

  init(path: String) throws(Failure) {
    do {
      let archive = try TensorArchive(path: path)
      guard let text = archive.metadata[Self.metadataKey] else {
        throw Failure("it is not the state of a training; \(Self.remedy)")
      }
      guard try Self.digest(of: archive.tensors, text) == archive.metadata[Self.digestKey] else {
        throw Failure(
          "it is damaged: its contents do not have the digest that it states; \(Self.remedy)")
      }
      let document = try unsafe JSONTree(text.utf8Span.span.bytes, allowsNUL: true)
        .decode(Document.self)
      var parts: [String: Weights] = [:]
      for name in archive.tensors.names {
        guard let slash = name.firstIndex(of: "/") else { continue }
        parts[String(name[..<slash]), default: Weights()][
          String(name[name.index(after: slash)...])] = archive.tensors[name]
      }
      identity = document.identity
      record = document.record
      best = parts["best"]
      state = Course.State(
        stepCount: document.stepCount, weights: parts["course"] ?? Weights(),
        optimizer: Optimizer.Snapshot(
          stepCount: document.optimizerStepCount, tensors: parts["optimizer"] ?? Weights()))
    } catch let failure as Failure {
      throw Failure("\(path): \(failure.message)")
    } catch let error as CheckpointError {
      throw Failure("\(path): \(Self.reason(error)); \(Self.remedy)")
    } catch {
      throw Failure("\(path): it is damaged: \(error); \(Self.remedy)")
    }
  }

  /// Returns why a file cannot be read, without the advice for model files, which came from somewhere.
  private static func reason(_ error: CheckpointError) -> String {
    switch error {
    case .file(_, let doing, let reason):
      // What a model file lacks is told with what to do about that.
      "cannot \(doing) it: \(reason.parts(between: ";").first.map(String.init) ?? reason)"
    case .outOfMemory: error.description
    default: "it is incomplete, damaged or not the state of a training"
    }
  }

  /// Throws unless the training that is to go on is the same.
  func check(_ wanted: Identity, path: String) throws(Failure) {
    guard identity != wanted else { return }
    let differences = [
      ("the program", identity.program == wanted.program),
      ("the images or how they are divided", identity.data == wanted.data),
      ("the model that it began with", identity.parent == wanted.parent),
      (Self.difference(identity.recipe, wanted.recipe), identity.recipe == wanted.recipe),
      ("the seed (\(identity.seed))", identity.seed == wanted.seed),
    ].filter { !$0.1 }.map(\.0)
    throw Failure(
      "\(path) is of another training, by \(differences.joined(separator: ", ")); give the same "
        + "options as then, or begin anew with --force in place of --resume")
  }

  /// Returns what two texts of options have that the other has not, in words.
  private static func difference(_ then: String, _ now: String) -> String {
    let (old, new) = (parts(then), parts(now))
    func words(_ parts: [String], without others: [String]) -> String {
      let own = parts.filter { !others.contains($0) }
      return own.isEmpty ? "none of it" : PlainText.line(own.joined(separator: ", "))
    }
    return "the options (then: \(words(old, without: new)); now: \(words(new, without: old)))"
  }

  private static func parts(_ recipe: String) -> [String] {
    recipe.split(whereSeparator: { $0 == "," || $0.isNewline }).map { part in
      String(part.drop { $0 == " " })
    }
  }

  /// Throws if its counts are none that a training with so many steps in an epoch can have.
  func checkCounts(stepsPerEpoch: Int, epochLimit: Int, path: String) throws(Failure) {
    let epochs = 1...epochLimit
    guard record.stepsPerEpoch == stepsPerEpoch, epochs ~= record.epochCount,
      0...record.epochCount * stepsPerEpoch ~= state.stepCount,
      0...state.stepCount ~= state.optimizer.stepCount,
      record.epochs.count <= record.epochCount, record.hasSoundPlan
    else {
      throw Failure(
        "\(path) has counts that no training has: step \(state.stepCount) of "
          + "\(record.epochCount) epochs of \(record.stepsPerEpoch) steps; somebody has changed it: "
          + "begin anew with --force in place of --resume")
    }
  }
}
