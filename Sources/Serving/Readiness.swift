/// Where the service is in its life; what probes tell.
package enum Readiness: Sendable {
  /// With what is being done.
  case starting(String)
  case ready(WorkerPool)
  case draining(WorkerPool?)
}
