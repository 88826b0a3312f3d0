import Synchronization

/// Limits of changes in progress on the admin endpoint, counted after authentication.
package enum AdminLimits {
  /// Uploads, activations, canaries and removals that wait or compute; beyond that the answer is
  /// 429.
  package static let changeCountLimit = 8
  /// Places that only rollbacks and the end of a swap or canary take, so that they always get
  /// through; beyond that 429.
  package static let urgentCountLimit = 16
}

/// Places for changes in progress; each change holds one until it is answered.
final class ChangePlaces: Sendable {
  private let counts = Mutex((ordinary: 0, urgent: 0))

  /// Takes a place. Returns false if none is left.
  func take(isUrgent: Bool) -> Bool {
    counts.withLock { counts in
      if isUrgent {
        guard counts.urgent < AdminLimits.urgentCountLimit else { return false }
        counts.urgent += 1
      } else {
        guard counts.ordinary < AdminLimits.changeCountLimit else { return false }
        counts.ordinary += 1
      }
      return true
    }
  }

  func giveBack(isUrgent: Bool) {
    counts.withLock { counts in
      if isUrgent { counts.urgent -= 1 } else { counts.ordinary -= 1 }
    }
  }
}
