import HTTPCore

/// A change that a request to the admin endpoint asks for, worked out at its head.
enum AdminChange: Sendable {
  case activate(String)
  case remove(String)
  case rollBack
  /// The canary's share and rules are in the body.
  case setCanary
  case endCanary
  case endSwap
  case upload(UploadSink, UploadParameters)
  /// Shows the examples, which takes a look at the disk.
  case showExamples
  case addExamples(ExampleUpload)
  case removeExamples(ExampleRemoval)
  case teach(TeachParameters)

  /// Returns nil for a request that changes nothing, and for uploads of models and examples, which
  /// have bodies of their own. Throws for a wrong parameter.
  init?(_ route: AdminRoute, _ head: RequestHead) throws(Problem) {
    let method = head.method
    switch (route, method) {
    case (.activate(let digits), "POST"): self = .activate(digits)
    case (.version(let digits), "DELETE"): self = .remove(digits)
    case (.rollback, "POST"): self = .rollBack
    case (.canary, "PUT"): self = .setCanary
    case (.canary, "DELETE"): self = .endCanary
    case (.swap, "DELETE"): self = .endSwap
    case (.examples, "GET"), (.examples, "HEAD"): self = .showExamples
    case (.examples, "DELETE"):
      self = .removeExamples(try ExampleRemoval(head.target.query))
    case (.teach, "POST"): self = .teach(try TeachParameters(head.target.query))
    default: return nil
    }
  }

  /// Throws for a body that is not empty where none is read: whoever sends one means another change,
  /// perhaps a dry run.
  func checkBody(_ body: [UInt8]) throws(Problem) {
    switch self {
    case .setCanary, .upload, .addExamples, .showExamples: return
    case .activate, .remove, .rollBack, .endCanary, .endSwap, .removeExamples, .teach:
      guard !body.isEmpty else { return }
      throw .body(
        "this request has a body of \(body.count) byte\(body.count == 1 ? "" : "s"), where none is read; nothing was changed: send "
          + "no body, and parameters in the address, as in POST /admin/teach?dry_run=true")
    }
  }

  /// Whether it has a place that uploads cannot take.
  var isUrgent: Bool {
    switch self {
    case .rollBack, .endCanary, .endSwap: true
    case .activate, .remove, .setCanary, .upload: false
    case .showExamples, .addExamples, .removeExamples, .teach: false
    }
  }

  /// Whether it removes something, which has no tag of its own: like other changes, it
  /// depends on what is live.
  var isDeletion: Bool {
    switch self {
    case .remove, .endCanary, .endSwap: true
    case .activate, .rollBack, .setCanary, .upload: false
    case .showExamples, .addExamples, .removeExamples, .teach: false
    }
  }
}

/// Images that have arrived as examples.
struct ExampleUpload: Sendable {
  let content: RequestContent
  let parameters: ExampleParameters
  let identity: RequestIdentity
  /// Time of the request's first byte, from which its deadline counts.
  let receivedAt: ContinuousClock.Instant
}
