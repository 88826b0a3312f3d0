import Checkpoint
import HTTPCore
import Inference
import JSON
import Machine
import Time

extension AdminAnswer {
  /// Shows what the server is at and how much it has to do: small enough to be asked for every
  /// second.
  ///
  /// - Parameters:
  ///   - waiting: Why no model is live; nil if one is.
  ///   - keepsModels: Whether uploads have a folder to go to.
  static func status(
    _ traffic: Traffic?, _ summary: TrafficSummary?, waiting: Problem?, keepsModels: Bool,
    queueLimit: Int?
  ) -> Response {
    response([
      "live": JSONValue(traffic?.live.model.version.short),
      "canary": JSONValue(traffic?.canary?.version.short),
      "waiting": waiting?.json ?? .null,
      "keeps_models": .boolean(keepsModels),
      "traffic": JSONValue(summary.map { members($0, queueLimit: queueLimit) }),
    ])
  }

  private static func members(_ summary: TrafficSummary, queueLimit: Int?) -> JSONObject {
    let answers = summary.answerCounts.enumerated().dropFirst().map { index, count in
      ("\(index + 1)xx", JSONValue.integer(count))
    }
    let uses = summary.memory.map { ($0.use.name, JSONValue.integer($0.byteCount)) }
    return [
      "answers": .object(JSONObject(answers)),
      "latency": [
        "bounds_ms": .array(
          summary.latencyBounds.map { milliseconds(.nanoseconds($0)) }),
        "counts": .array(summary.latencyCounts.map(JSONValue.integer)),
      ],
      "queue": [
        "waiting": .integer(summary.queueDepth), "limit": JSONValue(queueLimit),
        "in_flight": .integer(summary.inFlight),
      ],
      "memory": [
        "limit_bytes": JSONValue(summary.memoryLimit), "uses": .object(JSONObject(uses)),
      ],
    ]
  }
}
