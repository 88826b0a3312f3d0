/// What an audit line says of a change beside who asked for it.
struct AuditNote: Sendable {
  /// Of the model concerned, once known.
  var digest = "-"
  var outcome = "done"
}
