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

/// Who asks for a change, for the audit.
struct Administrator: Sendable {
  /// How they were let in: by the token, the Unix socket, or from this machine.
  var credential: String
  var address: String
  var requestID: String

  var description: String { "\(credential) from \(address)" }
}
