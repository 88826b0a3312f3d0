import Checkpoint
import HTTPCore
import JSON
import ModelStore
import Telemetry

/// What became of an image that was sent as an example.
enum ExampleOutcome: String, MetricLabel {
  case kept
  /// It was an example of its label already.
  case known
  /// It could not be used, or is an example of another label.
  case refused

  static let labelName = "outcome"
}

/// What became of the images of a request.
struct ExampleReport: Sendable {
  enum Item: Sendable {
    case kept(digest: ModelVersion)
    case known(digest: ModelVersion)
    case refused(Problem)

    var outcome: ExampleOutcome {
      switch self {
      case .kept: .kept
      case .known: .known
      case .refused: .refused
      }
    }
  }

  let label: String
  let items: [Item]
  /// Whether the request could have had several images.
  let isList: Bool
  let summary: ExampleStore.Summary

  func count(_ outcome: ExampleOutcome) -> Int { items.count { $0.outcome == outcome } }
}

/// What the examples are, and where.
struct ExampleOverview: Sendable {
  let summary: ExampleStore.Summary
  let isOnDisk: Bool
  /// Whether the live model's features are those of the examples; nil if there are no examples, or
  /// the model has no features.
  let fits: Bool?
}

extension AdminAnswer {
  static func examples(_ report: ExampleReport) throws(Problem) -> Response {
    // As with a classification, a single image that is refused is the request's problem.
    if !report.isList, case .refused(let problem) = report.items[0] { throw problem }
    let items = report.items.map { item -> JSONValue in
      switch item {
      case .kept(let digest): ["kept": true, "digest": .string("sha256:\(digest.hex)")]
      case .known(let digest):
        ["kept": false, "known": true, "digest": .string("sha256:\(digest.hex)")]
      case .refused(let problem): ["kept": false, "error": problem.json]
      }
    }
    let counts: JSONObject = [
      "label": .string(report.label), "kept": .integer(report.count(.kept)),
      "known": .integer(report.count(.known)), "refused": .integer(report.count(.refused)),
      "results": .array(items),
    ]
    return response(counts + members(report.summary))
  }

  static func examples(_ overview: ExampleOverview) -> Response {
    response(
      members(overview.summary) + [
        "bytes": .integer(overview.summary.byteCount),
        "stored": .string(overview.isOnDisk ? "state folder" : "memory"),
        "source": JSONValue(
          overview.summary.source.map { source -> JSONObject in
            [
              "digest": .string("sha256:\(source.digest.hex)"),
              "features": .integer(source.featureCount),
            ]
          }),
        "fits_live_model": overview.fits.map(JSONValue.boolean) ?? nil,
      ])
  }

  static func examplesRemoved(_ count: Int, _ summary: ExampleStore.Summary) -> Response {
    response(["removed": .integer(count)] + members(summary))
  }

  private static func members(_ summary: ExampleStore.Summary) -> JSONObject {
    [
      "examples": .integer(summary.count),
      "labels": .array(
        summary.labels.map { label in
          [
            "label": .string(label.label), "examples": .integer(label.count),
            "images": .integer(label.imageCount), "bytes": .integer(label.byteCount),
          ]
        }),
    ]
  }

  /// Reports what was taught, and the swap.
  static func taught(_ report: SwapReport, _ lesson: LessonReport) -> Response {
    let accuracy: JSONObject? = lesson.accuracy.map {
      ["accuracy": .double($0), "examples": .integer(lesson.judgedCount)]
    }
    let taught: JSONObject = [
      "keep_classes": .boolean(lesson.keepsClasses), "classes": .integer(lesson.classCount),
      "new_classes": .array(lesson.newLabels.map(JSONValue.string)),
      "removed_classes": .array(lesson.removedLabels.map(JSONValue.string)),
      "examples": .integer(lesson.exampleCount),
      "labels": .array(
        lesson.labels.map { ["label": .string($0.label), "examples": .integer($0.count)] }),
      "cross_validation": JSONValue(accuracy),
      "regularization": .double(lesson.regularization),
      "golden_samples": .integer(lesson.goldenSampleCount),
      "golden_note": JSONValue(lesson.goldenNote),
      "ms": milliseconds(lesson.duration),
    ]
    return response(["taught": .object(taught)] + members(report))
  }
}
