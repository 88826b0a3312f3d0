/// A change that somebody asks for, and on what terms.
struct ChangeOrder: Sendable {
  let actor: Administrator
  /// What must be live, or must not be, for it to be made.
  var precondition = Precondition()
  /// Whether whoever asked has gone and takes the order back by it.
  var isAbandoned: @Sendable () -> Bool = { false }
  /// The file that came with it.
  var upload: ArrivingUpload?

  var by: String { actor.description }
}
