import Checkpoint
import Engine
import HTTPCore
import Inference
import JSON
import ModelStore
import Time

/// Answers of the admin endpoint, as JSON.
enum AdminAnswer {
  /// Shows what is live, under its tag. The store's record is shown if it is about the same
  /// version.
  static func model(_ traffic: Traffic, _ store: ModelStore?) -> Response {
    let live = traffic.live
    let model = live.model
    let (record, standing) = (store?.live, store?.standing)
    let isRecorded = record?.version == model.version
    let since = isRecorded ? record?.since.description : live.liveSince.map(moment)
    let fault = isRecorded ? store?.recordFault : nil
    let members: JSONObject = [
      "precision": .string(model.precision.rawValue),
      "since": JSONValue(since),
      "by": .string(isRecorded ? record?.by ?? live.by : live.by),
      "previous": JSONValue(isRecorded ? record?.previous?.hex : nil),
      "kept": .boolean(store?.path(of: model.version) != nil),
      "recorded": .boolean(isRecorded && fault == nil),
      "record_fault": JSONValue(fault),
      "recovered": JSONValue(isRecorded ? standing?.recovery : nil),
      "canary": canary(traffic.canary),
      "preprocessing": JSONValue(encoding: model.preprocessing),
      "labels": .array(model.labels.map(JSONValue.string)),
      "output": JSONValue(encoding: model.output),
    ]
    var response = response(identity(model.name, model.version) + members)
    response.fields["ETag"] = EntityTag.text(model.version)
    return response
  }

  /// Answers a client that has already seen what is live (RFC 9110, section 15.4.5).
  static func notModified(_ version: ModelVersion) -> Response {
    Response(status: 304, fields: HeaderFields([("ETag", EntityTag.text(version))]))
  }

  /// Shows the swap in progress and the arriving uploads.
  static func swap(
    inProgress status: SwapTurn.Status?, arriving: [ArrivingUpload.Status]
  ) -> Response {
    response(["swap": JSONValue(status.map(members)), "arriving": list(arriving)])
  }

  static func swap(ended: EndedSwaps) -> Response {
    response(["ended": JSONValue(ended.swap.map(members)), "ended_arriving": list(ended.arriving)])
  }

  private static func list(_ uploads: [ArrivingUpload.Status]) -> JSONValue {
    .array(
      uploads.map { upload in
        [
          "action": .string(upload.action), "by": .string(upload.by),
          "since": .string(upload.since.description),
          "received_bytes": .integer(upload.receivedByteCount),
          "expected_bytes": JSONValue(upload.expectedByteCount),
        ]
      })
  }

  private static func members(_ status: SwapTurn.Status) -> JSONObject {
    [
      "action": .string(status.action), "by": .string(status.by),
      "since": .string(status.since.description), "step": .string(status.step.rawValue),
    ]
  }

  static func removed(_ version: StoredVersion) -> Response {
    let members = identity(version.name, version.version)
    return response(["removed": .object(members + ["bytes": .integer(version.byteCount)])])
  }

  /// Lists the kept versions. A canary is not live, nor by itself the version that a rollback goes
  /// to.
  static func versions(_ versions: [StoredVersion], canary: Canary?) -> Response {
    let items = versions.map { version in
      let members: JSONObject = [
        "bytes": .integer(version.byteCount), "stored_at": .string(version.storedAt.description),
        "by": .string(version.by), "state": .string(version.state.rawValue),
        "canary": .boolean(version.version == canary?.version),
      ]
      return JSONValue.object(identity(version.name, version.version) + members)
    }
    return response(["versions": .array(items)])
  }

  /// Shows the configuration.
  ///
  /// - Parameter plan: Nil if no model is live.
  static func configuration(
    _ options: [(name: String, value: String)], _ plan: CPUPlan?
  ) -> Response {
    response([
      "plan": JSONValue(plan.map(members)),
      "options": .object(JSONObject(options.map { ($0.name, .string($0.value)) })),
    ])
  }

  private static func members(_ plan: CPUPlan) -> JSONObject {
    [
      "workers": .integer(plan.workers), "threads": .integer(plan.threads),
      "batch_sizes": .array(plan.batchSizes.map(JSONValue.integer)),
      "max_queue_delay_ms": milliseconds(plan.maxQueueDelay),
      "summary": .string(plan.description),
    ]
  }

  /// Reports a swap, step by step.
  static func swap(_ report: SwapReport) -> Response { response(members(report)) }

  static func members(_ report: SwapReport) -> JSONObject {
    let ended = report.endedCanary.map { end -> JSONObject in
      [
        "version": .string(end.status.version.short), "reason": .string(end.reason.rawValue),
      ]
    }
    let labels = report.labelChange.map { change -> JSONObject in
      [
        "former": .integer(change.formerCount), "now": .integer(change.count),
        "differing": .integer(change.differingCount),
      ]
    }
    let isRecorded = !report.isDryRun && !report.isCanary && report.recordFault == nil
    return identity(report.name, report.version) + [
      "former": JSONValue(report.formerVersion?.short),
      "assumed": .array(report.assumptions.map(JSONValue.string)),
      "labels_changed": .boolean(labels != nil), "label_counts": JSONValue(labels),
      "changed": .array(
        report.contractChanges.map {
          ["what": .string($0.what), "former": .string($0.former), "now": .string($0.now)]
        }),
      "recorded": .boolean(isRecorded), "record_fault": JSONValue(report.recordFault),
      "dry_run": .boolean(report.isDryRun), "ended_canary": JSONValue(ended),
      "precision": .string(report.precision.rawValue), "plan": .string(report.plan.description),
      "memory": [
        "estimated_bytes": .integer(report.estimatedByteCount),
        "available_bytes": JSONValue(report.availableByteCount),
      ],
      "ms": milliseconds(report.duration),
      "steps": .array(
        report.steps.map {
          ["step": .string($0.step.rawValue), "ms": milliseconds($0.duration)]
        }),
    ]
  }

  private static func identity(_ name: String, _ version: ModelVersion) -> JSONObject {
    [
      "name": .string(name), "version": .string(version.short),
      "digest": .string("sha256:\(version.hex)"),
    ]
  }

  private static func moment(_ secondsSince1970: Int) -> String {
    WallTime(millisecondsSince1970: secondsSince1970 * 1000).description
  }

  /// Writes milliseconds with three decimal places.
  static func milliseconds(_ duration: Duration) -> JSONValue {
    .thousandths(duration.microseconds)
  }

  static func response(_ document: JSONObject) -> Response {
    Response(
      status: 200, contentType: "application/json", body: JSONValue.object(document).line)
  }
}

extension AdminAnswer {
  /// Shows the canary and the end of the last one, each null if there is none, and after an upload or
  /// a change whether it goes on, or the swap report of one that has begun.
  static func canary(_ traffic: Traffic, begun report: SwapReport? = nil) -> Response {
    let last = traffic.lastEnd.map { end in
      members(end.status) + [
        "reason": .string(end.reason.rawValue), "ended": .string(end.at.description),
      ]
    }
    var document: JSONObject = ["canary": canary(traffic.canary), "last": JSONValue(last)]
    if let report {
      document.append("goes_on", .boolean(report.goesOn))
      if !report.goesOn { document.append("gate", .object(members(report))) }
    }
    return response(document)
  }

  private static func canary(_ canary: Canary?) -> JSONValue {
    JSONValue(canary.map { members($0.status) })
  }

  private static func members(_ status: CanaryStatus) -> JSONObject {
    let (rules, counts) = (status.rules, status.counts)
    return identity(status.name, status.version) + [
      "percent": rules.percent.json, "header": .boolean(rules.obeysHeader),
      "max_disagreement": rules.maxDisagreement.map(JSONValue.double) ?? nil,
      "compared": .boolean(status.isCompared), "since": .string(status.since.description),
      "by": .string(status.by), "requests": .integer(counts.requests),
      "errors": .integer(counts.errors), "comparisons": .integer(counts.comparisons),
      "disagreements": .integer(counts.disagreements),
    ]
  }
}

extension CanaryPercent {
  /// The number with the decimal places that it needs: 5, 0.5, 0.25.
  fileprivate var json: JSONValue {
    hundredths.isMultiple(of: 100) ? .integer(hundredths / 100) : .double(Double(hundredths) / 100)
  }
}
