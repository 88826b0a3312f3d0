import Following
import ModelStore
import RemoteModels
import Serving
import Telemetry
import Words

/// Settings of `resnetd serve` for a remote store that it follows.
struct FollowSettings: CommandSettings {
  /// Address of the store; nil if none is followed.
  var source: String?
  var interval = Duration.seconds(10)

  private static let intervals = Duration.milliseconds(100)...Duration.seconds(24 * 3600)

  static let options: [Option<FollowSettings>] = [
    .optionalText(
      "model-store", "SOURCE", \.source,
      "folder, http(s):// address or s3://bucket/prefix whose current.json names the model to serve"
    ),
    .duration(
      "model-store-interval", \.interval, in: intervals,
      "time between polls; longer while it cannot be reached"),
  ]

  /// Throws if the source cannot be one, or there is no folder for its models.
  func check(stateFolder: String?) throws(UsageError) {
    guard let source else { return }
    guard stateFolder != nil else {
      throw UsageError(
        "--model-store needs --state-dir, a folder in which to keep its models")
    }
    do throws(RemoteError) { _ = try remoteSource(source) } catch {
      throw UsageError("--model-store: \(error)")
    }
  }

  /// Whether a store is followed over TLS.
  var usesTLS: Bool { source.flatMap { try? remoteSource($0).isEncrypted } ?? false }

  private func remoteSource(_ source: String) throws(RemoteError) -> RemoteSource {
    let environment = ProgramEnvironment.all
    let given = try RemoteSource(source, environment: environment)
    guard case .folder(let path) = given else { return given }
    // Records about a folder are read from other folders as well.
    return try RemoteSource(AbsolutePath.of(path), environment: environment)
  }

  /// Reason why a followed folder names no model now; nil if it does, or is none: other stores are
  /// asked by a start alone.
  var folderFault: String? {
    guard let source, case .folder(let path)? = try? remoteSource(source) else { return nil }
    var models = RemoteModels(.folder(path))
    do throws(RemoteError) { _ = try models.pointer() } catch { return "\(error)" }
    return nil
  }

  /// Returns nil if nothing is followed; throws if the source cannot be followed.
  func follower(
    into store: ModelStore?, metrics: ServingMetrics, log: Log
  ) throws(Failure) -> Follower? {
    guard let source, let store else { return nil }
    do throws(RemoteError) {
      let source = try remoteSource(source)
      let counted = ModelStoreMetrics()
      metrics.show(counted)
      log.write(
        "following a model store",
        ["source": .text(source.description), "interval": .text(OptionValue.text(interval))])
      return Follower(
        RemoteModels(source), into: store, every: interval, metrics: counted, log: log)
    } catch {
      throw Failure("--model-store: \(error)")
    }
  }
}
