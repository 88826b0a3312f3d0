import Decoding
import HTTPCore
import HTTPServer
import Inference
import JSON
import Machine
import Time

/// A request that waits for a worker, or for its next turn.
struct ClassificationJob: Sendable {
  let content: RequestContent
  var admission: Admission
  let identity: RequestIdentity
  let exchange: Exchange
  /// Time from which an answer is no longer of use.
  let deadline: ContinuousClock.Instant
  let queuedAt: ContinuousClock.Instant
  /// Registry that answers it, and nothing else does.
  let pending: any AnswerRegistry
  /// Work done so far, while it waits for another turn.
  var progress: ServedJob?
  /// Receiver of the images' features, for whom it is run instead of a client that wants classes;
  /// such a job counts for no metric of the model.
  var collector: FeatureCollector?
  /// Whether a worker has found that it takes long.
  var isSlow = false

  var deployment: Deployment { admission.deployment }
  var parameters: ClassificationParameters { admission.parameters }

  /// Whether it has no answer yet.
  var isOpen: Bool { pending.isOpen(self) }

  /// Answers, unless somebody was faster.
  ///
  /// - Parameter outcome: Given if the status does not tell it.
  func respond(_ response: Response, as outcome: ClassificationOutcome? = nil) {
    pending.answer(self, response, outcome ?? ClassificationOutcome(status: response.status))
  }

  /// Answers with a problem of the whole request, likewise.
  ///
  /// - Parameter stages: Those that it has passed.
  func respond(
    _ problem: Problem, as outcome: ClassificationOutcome? = nil, stages: [TimedStage] = []
  ) {
    collector?.refuse(problem)
    var response = response(to: problem)
    response.stages = stages
    respond(response, as: outcome)
  }

  /// Answers without counting an outcome for the model, which has not seen the request or has
  /// already failed it.
  func reject(_ problem: Problem) { pending.answer(self, response(to: problem), nil) }

  /// Returns the answer with a problem, in the client's language.
  func response(to problem: Problem) -> Response { content.dialect.response(to: problem) }

  /// Whether somebody still waits for the answer. If not, it is answered as expired, since work for
  /// it is wasted.
  var isWanted: Bool {
    pending.expire(self, at: .now)
    return isOpen
  }
}
