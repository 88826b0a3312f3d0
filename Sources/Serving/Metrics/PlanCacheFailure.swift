package import Files
import Glibc
package import Telemetry

/// Cause for which a measured plan was not written.
package enum PlanCacheFailure: String, MetricLabels, CaseIterable {
  /// The disk, or the user's quota on it, has no room.
  case full
  /// The system does not let this user make the folder or the file.
  case refused

  package static let all = allCases

  package init(_ error: FileError) {
    self = error.number == ENOSPC || error.number == EDQUOT ? .full : .refused
  }

  package var index: Int { self == .full ? 0 : 1 }

  package var pairs: MetricLabelPairs { [("reason", rawValue)] }
}
