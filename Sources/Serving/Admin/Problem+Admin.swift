import ModelStore

extension Problem {
  /// While the first model is loaded that an option or the store names.
  static let starting = Problem(
    503, "starting", "the first model is being loaded", retryAfterSeconds: 1)

  /// What a client of the admin endpoint learns of a failed swap.
  init(_ failure: SwapFailure) {
    switch failure.kind {
    case .busy: self.init(409, "swap-in-progress", failure.reason, retryAfterSeconds: 1)
    case .refused: self.init(422, "model-refused", failure.description)
    case .insufficientMemory: self.init(507, "insufficient-memory", failure.description)
    case .insufficientTime: self.init(422, "model-too-slow", failure.description)
    case .cancelled: self.init(409, "swap-cancelled", failure.description)
    case .internal: self = .internalError
    }
    if failure.kind != .busy, failure.kind != .internal { step = failure.step.rawValue }
  }

  /// Paths and reasons of the system stay in the log.
  init(_ error: StoreError) {
    switch error {
    case .full(_, let needed, let available):
      // A quota, or a write that nobody had announced.
      let count = needed == 0 ? "no" : "\(available) bytes of"
      let need = needed == 0 ? "" : ", and \(needed) are needed, the reserve among them"
      self.init(
        507, "store-full",
        "the disk of the model store has \(count) room\(need); delete versions, or make room on the disk"
      )
    case .noRoom, .noVersionFree: self.init(507, "store-full", error.description)
    case .uploadTooLarge: self.init(413, "upload-too-large", error.description)
    case .tooManyUploads:
      self.init(429, "too-many-uploads", error.description, retryAfterSeconds: 1)
    case .emptyUpload, .wrongLength: self.init(400, "malformed-upload", error.description)
    case .malformedVersion: self.init(400, "malformed-version", error.description)
    case .unknownVersion: self.init(404, "unknown-version", error.description)
    case .ambiguousVersion: self.init(409, "version-conflict", error.description)
    case .versionInUse: self.init(409, "version-in-use", error.description)
    case .cancelled: self.init(409, "swap-cancelled", error.description)
    case .textTooLong: self.init(400, "text-too-long", error.description)
    case .damaged: self.init(409, "version-damaged", "the bytes of this version are damaged")
    case .file, .folderInUse, .uploadEnded, .notStaged, .malformedRecord: self = .internalError
    }
  }
}
