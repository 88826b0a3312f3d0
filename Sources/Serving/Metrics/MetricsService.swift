package import HTTPCore
package import HTTPServer

/// Service of the metrics' own port: `/metrics` and nothing else.
package final class MetricsService: RequestHandler {
  private let metrics: ServingMetrics
  private let accessLog: AccessLog

  package init(_ metrics: ServingMetrics, accessLog: AccessLog) {
    self.metrics = metrics
    self.accessLog = accessLog
  }

  package func receive(_ head: RequestHead, from address: String = "-") -> Reception {
    .answer(RequestIdentity(head.fields).marking(answer(head)))
  }

  private func answer(_ head: RequestHead) -> Response {
    guard RoutedPath(head.target.path)?.route == .metrics else {
      return Problem(404, .notFound, "there is nothing but /metrics on this port").response
    }
    let methods = Route.metrics.methods
    guard methods.contains(head.method) else {
      return Problem.method(head.method, head.target.path, allow: methods).response
    }
    return head.method == "OPTIONS" ? .options(methods) : metrics.response()
  }

  package func isEssential(_ head: RequestHead) -> Bool { true }

  package func answer(_ failure: ParseFailure, fields: HeaderFields?) -> Response {
    RequestIdentity(fields).marking(Problem(failure).response)
  }

  package func finished(_ record: ExchangeRecord) {
    metrics.answered(
      RouteLabels(record.head), status: record.status, after: record.duration)
    accessLog.write(record, on: .metrics)
  }

  package func written(_ head: RequestHead?, after duration: Duration) {}
}
