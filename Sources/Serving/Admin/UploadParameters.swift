import Checkpoint
import HTTPCore
import ModelStore
import Telemetry

/// What an upload's request says beside the file.
struct UploadParameters: Sendable {
  /// Only prove the model.
  private(set) var dryRun = false
  /// Take labels and preprocessing of the live model for a file without.
  private(set) var inherits = false
  let digest: ContentDigest

  /// Throws for what is unknown or given twice, so that no misspelt dry run replaces a model.
  init(_ head: RequestHead) throws(Problem) {
    digest = try ContentDigest(head.fields)
    var seen: Set<String> = []
    for item in head.target.query {
      guard seen.insert(item.name).inserted else {
        throw .parameter("\(item.name) is given twice")
      }
      guard item.value == "true" || item.value == "false" else {
        throw .parameter("\(item.name) is true or false")
      }
      switch item.name {
      case "dry_run": dryRun = item.value == "true"
      case "inherit": inherits = item.value == "true"
      default: throw .parameter("there are dry_run and inherit, not \(item.name)")
      }
    }
  }

  /// As the audit calls it.
  var action: String { dryRun ? "dry run" : "upload" }

  /// The whole upload, with the digest that was announced.
  func finish(
    _ sink: UploadSink, in store: ModelStore, _ log: Log
  ) throws(Problem) -> StagedModel {
    let uploaded = try log.stored { () throws(StoreError) in try sink.finish() }
    if let wanted = digest.sha256, wanted != uploaded.version {
      store.discard(uploaded)
      throw Problem(
        400, "digest-mismatch",
        "the body has SHA-256 \(uploaded.version.hex), Content-Digest says \(wanted.hex)")
    }
    return uploaded
  }
}
