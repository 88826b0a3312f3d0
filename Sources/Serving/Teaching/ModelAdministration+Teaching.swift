import Checkpoint
import Inference
import ModelStore

/// Teaching of the live model.
extension ModelAdministration {
  /// Reason why a taught model is recorded nowhere on a server without a state folder.
  package static let keepsNoModels = "this server keeps no models: start it with --state-dir"

  /// Learns a last layer from the examples, proves the model, and unless it is a dry run keeps it and
  /// makes it live.
  func teach(
    _ parameters: TeachParameters, _ order: ChangeOrder
  ) throws(Problem) -> (report: SwapReport, lesson: LessonReport) {
    var told = LessonReport()
    let report = try log.audited(parameters.action, by: order.actor) { digits throws(Problem) in
      digits = pool.live.model.version.hex
      // What is refused at once needs no turn.
      try requireFolder()
      let source = try source(of: pool.live.model)
      try checkSource(source)
      return try inTurn(parameters.action, order) { turn throws(Problem) in
        let lesson = Lesson(
          parameters,
          Lesson.Surroundings(
            live: pool.live.model, network: network, examples: examples, context: pool.context,
            store: store),
          turn)
        defer { lesson.discard() }
        var request = SwapRequest(path: "-", dryRun: parameters.dryRun, by: order.by)
        request.make = lesson.run
        let report = try deploy(request, of: lesson, in: turn, by: order.by)
        told = lesson.report
        return report
      }
    }
    return (report, told)
  }

  private func deploy(
    _ request: SwapRequest, of lesson: Lesson, in turn: SwapTurn, by who: String
  ) throws(Problem) -> SwapReport {
    do throws(SwapFailure) {
      return try deployer.deploy(request, in: turn) { model throws(SwapFailure) in
        guard let store, let staged = lesson.staged else {
          if let unfiled = lesson.unfiled { network.remember(unfiled) }
          return Self.keepsNoModels
        }
        keepFirst()
        return try ModelRecorder(store: store, subject: .staged(staged), by: who, log: log)
          .record(model.name, model.version)
      }
    } catch {
      throw Problem(error)
    }
  }
}
