import ModelStore

extension Problem {
  /// Problem while the first model is being loaded, which an option or the store names.
  static let starting = Problem(
    503, .starting, "the first model is being loaded", retryAfterSeconds: 1)

  /// Problem of a web page that is not this server's.
  static let crossOrigin = Problem(
    403, .crossOrigin, "requests from other web pages are refused here", isRefusal: true)

  /// Problem of a missing or wrong token.
  static let unauthorized = Problem(
    401, .unauthorized,
    "a valid token is needed: Authorization: Bearer TOKEN; people sign in at /admin/",
    isRefusal: true)

  /// Describes a failed swap to a client of the admin endpoint.
  init(_ failure: SwapFailure) {
    if let cause = failure.cause {
      self = cause
      return
    }
    switch failure.kind {
    case .busy: self.init(409, .swapInProgress, failure.reason, retryAfterSeconds: 1)
    case .refused: self.init(422, .modelRefused, failure.description)
    case .insufficientMemory: self.init(507, .insufficientMemory, failure.description)
    case .insufficientTime: self.init(422, .modelTooSlow, failure.description)
    case .cancelled: self.init(409, .swapCancelled, failure.description)
    // Without a cause, the reason may name a path.
    case .stateFolder, .internal:
      self = .internalError
      return
    }
    if failure.kind != .busy { step = failure.step.rawValue }
  }

  /// Describes a failure of the store; paths stay in the log.
  init(_ error: StoreError) {
    switch error {
    case .full(_, let needed, let available):
      // A quota has no room though the disk has.
      let isShort = needed > available
      let count = isShort ? "\(available) bytes of" : "no"
      let need = isShort ? ", and \(needed) are needed, the reserve among them" : ""
      self.init(
        507, .storeFull,
        "the disk of the model store has \(count) room\(need); delete versions, or make room on the disk"
      )
    case .noRoom, .noVersionFree: self.init(507, .storeFull, error.description)
    case .uploadTooLarge: self.init(413, .uploadTooLarge, error.description)
    case .tooManyUploads:
      self.init(429, .tooManyUploads, error.description, retryAfterSeconds: 1)
    case .emptyUpload, .wrongLength: self.init(400, .malformedUpload, error.description)
    case .malformedVersion: self.init(400, .malformedVersion, error.description)
    case .unknownVersion: self.init(404, .unknownVersion, error.description)
    case .ambiguousVersion: self.init(409, .versionConflict, error.description)
    case .versionInUse: self.init(409, .versionInUse, error.description)
    case .cancelled: self.init(409, .swapCancelled, error.description)
    case .textTooLong: self.init(400, .textTooLong, error.description)
    case .damaged:
      self.init(
        409, .versionDamaged, "the bytes of this version are damaged on the disk; upload it again")
    case .damagedExamples(let offset, _, let wholeCount):
      let remedy =
        wholeCount == 0
        ? "" : "; or `truncate -s \(offset) examples` there keeps those alone, without a restart"
      self.init(
        409, .examplesDamaged,
        "\(error.description), and nothing was changed: put a copy of this file of the state folder "
          + "back if you have one, or remove all examples by DELETE /admin/examples?all=true and send "
          + "their images again\(remedy)")
    case .file(_, let doing, let reason):
      self.init(
        507, .storeFailed,
        "the server cannot \(doing) a file in its state folder: \(reason); see the folder's owner, "
          + "modes and mount, and the server's log for the path")
    case .folderFault(let fault):
      self.init(
        507, .storeFailed,
        "\(fault.words); nothing was changed, since a restart would not find it: bring the folder back, or "
          + "start the server anew with one that stays; its log has the path")
    case .folderInUse, .uploadEnded, .notStaged, .malformedRecord: self = .internalError
    }
  }
}
