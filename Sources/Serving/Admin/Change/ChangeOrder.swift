/// A change that somebody asks for, and its conditions.
struct ChangeOrder: Sendable {
  let actor: Administrator
  /// Condition on what is live for it to be made.
  var precondition = Precondition()
  /// Returns whether whoever asked has gone, which withdraws the order.
  var isAbandoned: @Sendable () -> Bool = { false }
  /// Upload of the file that came with it.
  var upload: ArrivingUpload?

  var by: String { actor.description }
}

/// Person or program that asks for a change, for the audit.
struct Administrator: Sendable {
  /// Credential that let them in: the token, the Unix socket, or being on this machine.
  var credential: String
  var address: String
  var requestID: String
  /// Line that the request for it leaves; nil for what no request asks for.
  var trail: AuditTrail?

  var description: String { "\(credential) from \(address)" }
}
