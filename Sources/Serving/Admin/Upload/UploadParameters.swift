import Checkpoint
import HTTPCore
import ModelStore
import Telemetry

/// What an upload's request says beside the file.
struct UploadParameters: Sendable {
  static let names = ["dry_run", "inherit"]

  /// Only prove the model.
  private(set) var dryRun = false
  /// Take labels and preprocessing of the live model for a file without.
  private(set) var inherits = false
  let digest: ContentDigest

  /// Throws for what is wrong with the values; names have been checked by `AdminRoute.checkParameters`.
  init(_ head: RequestHead) throws(Problem) {
    digest = try ContentDigest(head.fields)
    for item in head.target.query {
      guard item.value == "true" || item.value == "false" else {
        throw .parameter("\(item.name) is true or false, not \(Self.shown(item.value))")
      }
      if item.name == "dry_run" { dryRun = item.value == "true" }
      if item.name == "inherit" { inherits = item.value == "true" }
    }
  }

  private static func shown(_ value: String) -> String {
    value.isEmpty ? "nothing" : "\"\(value.prefix(40))\""
  }

  /// As the audit calls it.
  var action: String { dryRun ? "dry run" : "upload" }

  /// The whole upload, with the digest that was announced.
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
