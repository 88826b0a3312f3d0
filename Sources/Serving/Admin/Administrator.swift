/// Who asks for a change, for the audit.
struct Administrator: Sendable {
  /// How they were let in: by the token, the Unix socket, or from this machine.
  var credential: String
  var address: String
  var requestID: String

  var description: String { "\(credential) from \(address)" }
}
