import Checkpoint
import HTTPCore
import ModelStore
import Telemetry

/// Parameters of an upload's request.
struct UploadParameters: Sendable {
  static let names = ["dry_run", "inherit", "weights", "arch", "canary"]
  /// Bytes of the name of a network.
  private static let weightsByteCountLimit = 256

  /// Whether to only prove the model.
  private(set) var dryRun = false
  /// Whether a file without labels and preprocessing takes those of the live model.
  private(set) var inherits = false
  /// Share of the requests that the model is to answer beside the live one, instead of becoming
  /// live.
  private(set) var canary: CanaryPercent?
  /// Which of the file's networks is meant, and which network its tensors belong to.
  private(set) var choice = NetworkChoice()
  let digest: ContentDigest

  /// Throws if a value is wrong; `AdminRoute.checkParameters` has checked the names.
  init(_ head: RequestHead) throws(Problem) {
    digest = try ContentDigest(head.fields)
    for item in head.target.query {
      if item.name == "weights" {
        guard 1...Self.weightsByteCountLimit ~= item.value.utf8.count else {
          throw .parameter(
            "weights is the name of a network in the file, of 1 to "
              + "\(Self.weightsByteCountLimit) bytes, not \(Quotation.value(item.value))")
        }
        choice.weights = item.value
        continue
      }
      if item.name == "arch" {
        do throws(CheckpointError) {
          choice.variant = try NetworkVariant(item.value)
        } catch {
          throw .parameter("arch: \(error)")
        }
        continue
      }
      if item.name == "canary" {
        // Not every number of Swift is one of JSON: 0x10 is none.
        guard
          let percent = NumberText.value(item.value, as: Double.self).flatMap(CanaryPercent.init)
        else {
          throw .parameter(
            "canary is a number from 0 to 100 with at most two decimal places, the percentage of "
              + "requests that the model is to answer, not \(Quotation.value(item.value))")
        }
        canary = percent
        continue
      }
      guard item.value == "true" || item.value == "false" else {
        throw .parameter("\(item.name) is true or false, not \(Quotation.value(item.value))")
      }
      if item.name == "dry_run" { dryRun = item.value == "true" }
      if item.name == "inherit" { inherits = item.value == "true" }
    }
    if dryRun, canary != nil {
      throw .parameter("a dry run begins no canary; give dry_run or canary, not both")
    }
  }

  /// Whether another file is made of the one that came, complete in itself.
  var completes: Bool { inherits || !choice.isEmpty }

  /// Name of the action in the audit.
  var action: String { dryRun ? "dry run" : canary == nil ? "upload" : "canary" }

  /// Returns the complete upload, with the digest that was announced.
  func finish(
    _ sink: UploadSink, in store: ModelStore, _ log: Log
  ) throws(Problem) -> StagedModel {
    let uploaded = try sink.finish(log)
    if let wanted = digest.sha256, wanted != uploaded.version {
      store.discard(uploaded)
      throw Problem(
        400, .digestMismatch,
        "the body has SHA-256 \(uploaded.version.hex), Content-Digest says \(wanted.hex)")
    }
    return uploaded
  }
}
