package import Checkpoint

/// Order to make a model live.
package struct SwapRequest: Sendable {
  /// A file that nobody changes any more; without meaning if the model is made.
  package var path: String
  package var options: ModelOptions
  /// Returns the path of the file to take in place of that one, while nothing else is prepared; what
  /// reading takes is asked of its argument.
  package var completion: (@Sendable (LoadingMemory) throws(SwapFailure) -> String)?
  /// Returns the model in place of reading any file, likewise.
  package var make: (@Sendable (LoadingMemory) throws(SwapFailure) -> Model)?
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
