/// What of the live model's record is not as it should be; all nil where nothing is wrong.
package struct LiveStanding: Sendable, Hashable {
  /// Why another version than the one recorded last is live, or what tells that this one was.
  package var recovery: String?
  /// Why nothing is live although something was, or may have been.
  package var loss: String?
  /// Why what is live could not be recorded, so that a restart will not know of it.
  package var recordFault: String?

  package init() {}
}
