import HTTPCore
import Telemetry

/// Label of a route: paths that are not served are all `other`.
struct RouteLabels: MetricLabels {
  let route: Route?

  init(_ route: Route?) { self.route = route }

  /// Reads the head of a request, which is nil if the bytes were not a request.
  init(_ head: RequestHead?) { route = head.flatMap { RoutedPath($0.target.path)?.route } }

  static let all = Route.allCases.map { RouteLabels($0) } + [RouteLabels(nil as Route?)]

  var index: Int { route?.rawValue ?? Route.allCases.count }
  var pairs: MetricLabelPairs { [("route", route?.path ?? "other")] }
}

/// Labels of a route and the status of an answer.
struct AnswerLabels: MetricLabels {
  private static let statuses = 100...599

  let route: RouteLabels
  let status: Int

  init(_ route: RouteLabels, status: Int) {
    precondition(Self.statuses ~= status, "a status has three digits")
    self.route = route
    self.status = status
  }

  static let all = RouteLabels.all.flatMap { route in
    statuses.map { AnswerLabels(route, status: $0) }
  }

  var index: Int { route.index * Self.statuses.count + status - Self.statuses.lowerBound }
  var pairs: MetricLabelPairs { route.pairs + [("code", String(status))] }
}
