import HTTPCore
import HTTPServer
import Inference
import Synchronization

/// Changes that administrators ask for, each made on a thread of its own.
extension AdminService {
  /// Makes a change, on a thread of its own since it takes seconds, and answers.
  func perform(
    _ change: AdminChange, _ body: [UInt8], _ order: ChangeOrder, _ identity: RequestIdentity,
    _ exchange: Exchange
  ) {
    guard places.take(isUrgent: change.isUrgent) else {
      let problem = Problem(
        429, .tooManyChanges, "too many changes are under way", retryAfterSeconds: 1)
      order.actor.trail?.refuse(problem)
      exchange.respond(identity.marking(problem.response))
      return
    }
    let thread = WorkerThread { [self] in
      let response: Response
      do throws(Problem) {
        response = try make(change, body, order)
      } catch {
        order.actor.trail?.refuse(error)
        response = Self.response(to: error)
      }
      places.giveBack(isUrgent: change.isUrgent)
      exchange.respond(identity.marking(response))
    }
    if let thread {
      thread.detach()
    } else {
      places.giveBack(isUrgent: change.isUrgent)
      let problem = Problem(503, .overloaded, "no thread can be started", retryAfterSeconds: 1)
      order.actor.trail?.refuse(problem)
      exchange.respond(identity.marking(problem.response))
    }
  }

  private func make(
    _ change: AdminChange, _ body: [UInt8], _ order: ChangeOrder
  ) throws(Problem) -> Response {
    try change.checkBody(body)
    switch stage.withLock({ $0 }) {
    case .starting: throw .starting
    case .vacant(let vacancy):
      if change.isDeletion { try order.precondition.check(nil) }
      return try make(change, order, vacancy)
    case .ready(let ready):
      if change.isDeletion { try order.precondition.check(ready.pool.live.model.version) }
      return try make(change, body, order, ready)
    }
  }

  private func make(
    _ change: AdminChange, _ body: [UInt8], _ order: ChangeOrder, _ ready: ModelAdministration
  ) throws(Problem) -> Response {
    switch change {
    case .activate(let digits): return AdminAnswer.swap(try ready.activate(digits, order))
    case .remove(let digits):
      return AdminAnswer.removed(try ready.remove(digits, by: order.actor))
    case .rollBack: return AdminAnswer.swap(try ready.rollBack(order))
    case .setCanary:
      let report = try ready.setCanary(CanaryParameters(body), order)
      return AdminAnswer.canary(ready.pool.traffic, begun: report)
    case .endCanary:
      try ready.endCanary(by: order.actor)
      return AdminAnswer.canary(ready.pool.traffic)
    case .endSwap: return AdminAnswer.swap(ended: try ready.endSwap(by: order.actor))
    case .upload(let sink, let parameters):
      let report = try ready.upload(sink, parameters, order)
      return report.isCanary
        ? AdminAnswer.canary(ready.pool.traffic, begun: report) : AdminAnswer.swap(report)
    case .showExamples: return AdminAnswer.examples(try ready.overview())
    case .addExamples(let upload):
      return try AdminAnswer.examples(ready.addExamples(upload, order))
    case .removeExamples(let removal):
      let removed = try ready.removeExamples(removal, order)
      return AdminAnswer.examplesRemoved(removed.count, removed.summary)
    case .teach(let parameters):
      let taught = try ready.teach(parameters, order)
      return AdminAnswer.taught(taught.report, taught.lesson)
    }
  }

  private func make(
    _ change: AdminChange, _ order: ChangeOrder, _ vacancy: Vacancy
  ) throws(Problem) -> Response {
    switch change {
    case .activate(let digits): AdminAnswer.swap(try vacancy.activate(digits, order))
    case .remove(let digits):
      AdminAnswer.removed(try vacancy.remove(digits, by: order.actor))
    case .rollBack, .setCanary, .endCanary, .showExamples, .addExamples, .removeExamples, .teach:
      throw noModel(.vacant(vacancy))
    case .endSwap: AdminAnswer.swap(ended: try vacancy.endSwap(by: order.actor))
    case .upload(let sink, let parameters):
      AdminAnswer.swap(try vacancy.upload(sink, parameters, order))
    }
  }
}
