package import Checkpoint
package import ModelStore
package import Telemetry

/// Way to make a model of what the server has.
package typealias Making =
  @Sendable (LoadingMemory, (Model) throws(SwapFailure) -> Void) throws(SwapFailure) -> Model

/// Order to make a model live.
package struct SwapRequest: Sendable {
  /// A file that nobody changes any more; without meaning if the model is made.
  package var path: String
  package var options: ModelOptions
  /// Returns the path of the file to take in place of that one, while nothing else is prepared; what
  /// reading takes is asked of its argument.
  package var completion: (@Sendable (LoadingMemory) throws(SwapFailure) -> String)?
  /// Returns the model in place of reading any file, likewise; its second argument throws if a model
  /// like the given one would not fit, before work on it.
  package var make: Making?
  /// The kept version that the file is to be; nil for a file that is not kept.
  package var kept: KeptFile?
  /// Whether to stop when the candidate has proved itself.
  package var dryRun: Bool
  /// Whether it brings back the former model. Then neither an estimate of memory nor a lack of time
  /// rejects it.
  ///
  /// It has served here, and whoever goes back has a reason.
  package var isReturn = false
  /// Name of who asks, for people.
  package var by: String

  package init(
    path: String, options: ModelOptions = ModelOptions(), dryRun: Bool = false,
    by: String
  ) {
    self.path = path
    self.options = options
    self.dryRun = dryRun
    self.by = by
  }
}

/// A version that a store keeps, as a candidate.
package struct KeptFile: Sendable {
  package let version: ModelVersion
  /// Returns the fault of its bytes on the disk, or nil if they are whole; reads all of them.
  private let find: @Sendable () -> Problem?

  package init(_ version: ModelVersion, in store: ModelStore, log: Log) {
    self.version = version
    find = {
      do throws(StoreError) {
        try store.verify(version)
        return nil
      } catch {
        guard case .file(_, let doing, let reason) = error else { return log.problem(error) }
        _ = log.problem(error)
        return Problem(
          409, .versionDamaged,
          "the server cannot \(doing) the file of this version: \(reason); upload it again")
      }
    }
  }

  /// Returns a candidate's failure with the fault of the file in its place, if it has one.
  func explaining(_ failure: SwapFailure) -> SwapFailure {
    guard failure.kind == .refused, failure.cause == nil, let cause = find() else {
      return failure
    }
    return SwapFailure(step: failure.step, reason: cause.detail, kind: .stateFolder, cause: cause)
  }

  /// Throws if a model that was read is another than this version.
  func check(_ model: Model) throws(SwapFailure) {
    guard model.version != version else { return }
    throw SwapFailure(
      step: .validate, reason: "the file is not that of this version", kind: .refused)
  }
}
