import Checkpoint
import Engine
import FoundationEssentials
import HTTPCore
import Imaging
import Inference
import ModelStore
import Telemetry
import Time

/// The JSON of the admin endpoint's answers.
enum AdminAnswer {
  /// What is live, under its tag. What `store` says of it is shown where it is about the same version.
  static func model(_ traffic: Traffic, _ store: ModelStore?) -> Response {
    let live = traffic.live
    let model = live.model
    let labels = model.labels.map(Log.quoted).joined(separator: ",")
    let (record, standing) = (store?.live, store?.standing)
    let isRecorded = record?.version == model.version
    let since = isRecorded ? record?.since.description : live.liveSince.map(moment)
    let fault = isRecorded ? standing?.recordFault : nil
    var response = json(
      #"{\#(identity(model.name, model.version)),"precision":"\#(model.precision.rawValue)","#
        + #""since":\#(quoted(since)),"by":\#(Log.quoted(isRecorded ? record?.by ?? live.by : live.by)),"#
        + #""previous":\#(quoted(isRecorded ? record?.previous?.hex : nil)),"#
        + #""kept":\#(store?.path(of: model.version) != nil),"#
        + #""recorded":\#(isRecorded && fault == nil),"record_fault":\#(quoted(fault)),"#
        + #""recovered":\#(quoted(isRecorded ? standing?.recovery : nil)),"#
        + #""canary":\#(canary(traffic.canary)),"#
        + #""preprocessing":\#(encoded(model.preprocessing)),"labels":[\#(labels)]}"#)
    response.fields["ETag"] = EntityTag.text(model.version)
    return response
  }

  /// To a client that has seen what is live (RFC 9110, section 15.4.5).
  static func notModified(_ version: ModelVersion) -> Response {
    Response(status: 304, fields: HeaderFields([("ETag", EntityTag.text(version))]))
  }

  /// What is in progress.
  static func swap(
    inProgress status: SwapTurn.Status?, arriving: [ArrivingUpload.Status]
  ) -> Response {
    json(#"{"swap":\#(status.map(members) ?? "null"),"arriving":\#(list(arriving))}"#)
  }

  static func swap(ended: EndedSwaps) -> Response {
    json(
      #"{"ended":\#(ended.swap.map(members) ?? "null"),"ended_arriving":\#(list(ended.arriving))}"#)
  }

  private static func list(_ uploads: [ArrivingUpload.Status]) -> String {
    let items = uploads.map { upload in
      let expected = upload.expectedByteCount.map(String.init) ?? "null"
      return #"{"action":\#(Log.quoted(upload.action)),"by":\#(Log.quoted(upload.by)),"#
        + #""since":"\#(upload.since)","received_bytes":\#(upload.receivedByteCount),"#
        + #""expected_bytes":\#(expected)}"#
    }
    return "[\(items.joined(separator: ","))]"
  }

  private static func members(_ status: SwapTurn.Status) -> String {
    #"{"action":\#(Log.quoted(status.action)),"by":\#(Log.quoted(status.by)),"#
      + #""since":"\#(status.since)","step":"\#(status.step.rawValue)"}"#
  }

  static func removed(_ version: StoredVersion) -> Response {
    json(
      #"{"removed":{\#(identity(version.name, version.version)),"bytes":\#(version.byteCount)}}"#)
  }

  /// A canary is neither live nor, by itself, what a rollback goes to.
  static func versions(_ versions: [StoredVersion], canary: Canary?) -> Response {
    let items = versions.map { version in
      let isCanary = version.version == canary?.version
      return #"{\#(identity(version.name, version.version)),"bytes":\#(version.byteCount),"#
        + #""stored_at":"\#(version.storedAt)","by":\#(Log.quoted(version.by)),"#
        + #""state":"\#(version.state.rawValue)","canary":\#(isCanary)}"#
    }
    return json(#"{"versions":[\#(items.joined(separator: ","))]}"#)
  }

  /// - Parameter plan: Nil where no model is live.
  static func configuration(
    _ options: [(name: String, value: String)], _ plan: CPUPlan?
  ) -> Response {
    let members = options.map { #"\#(Log.quoted($0.name)):\#(Log.quoted($0.value))"# }
    return json(
      #"{"plan":\#(plan.map(text) ?? "null"),"options":{\#(members.joined(separator: ","))}}"#)
  }

  private static func text(_ plan: CPUPlan) -> String {
    let sizes = plan.batchSizes.map(String.init).joined(separator: ",")
    return #"{"workers":\#(plan.workers),"threads":\#(plan.threads),"batch_sizes":[\#(sizes)],"#
      + #""max_queue_delay_ms":\#(milliseconds(plan.maxQueueDelay)),"#
      + #""summary":\#(Log.quoted(plan.description))}"#
  }

  /// What a swap did, step by step.
  static func swap(_ report: SwapReport) -> Response { json("{\(members(report))}") }

  static func members(_ report: SwapReport) -> String {
    let steps = report.steps.map {
      #"{"step":"\#($0.step.rawValue)","ms":\#(milliseconds($0.duration))}"#
    }
    let available = report.availableByteCount.map(String.init) ?? "null"
    let ended = report.endedCanary.map {
      #"{"version":"\#($0.status.version.short)","reason":"\#($0.reason.rawValue)"}"#
    }
    let labels = report.labelChange.map {
      #"{"former":\#($0.formerCount),"now":\#($0.count),"differing":\#($0.differingCount)}"#
    }
    return
      #"\#(identity(report.name, report.version)),"former":\#(quoted(report.formerVersion?.short)),"#
      + #""labels_changed":\#(labels != nil),"label_counts":\#(labels ?? "null"),"#
      + #""recorded":\#(!report.isDryRun && !report.isCanary && report.recordFault == nil),"#
      + #""record_fault":\#(quoted(report.recordFault)),"#
      + #""dry_run":\#(report.isDryRun),"ended_canary":\#(ended ?? "null"),"#
      + #""precision":"\#(report.precision.rawValue)","#
      + #""plan":\#(Log.quoted(report.plan.description)),"#
      + #""memory":{"estimated_bytes":\#(report.estimatedByteCount),"available_bytes":\#(available)},"#
      + #""ms":\#(milliseconds(report.duration)),"steps":[\#(steps.joined(separator: ","))]"#
  }

  static func identity(_ name: String, _ version: ModelVersion) -> String {
    #""name":\#(Log.quoted(name)),"version":"\#(version.short)","digest":"sha256:\#(version.hex)""#
  }

  private static func quoted(_ text: String?) -> String { text.map(Log.quoted) ?? "null" }

  private static func moment(_ secondsSince1970: Int) -> String {
    WallTime(millisecondsSince1970: secondsSince1970 * 1000).description
  }

  /// With three decimal places.
  private static func milliseconds(_ duration: Duration) -> String {
    let microseconds = duration.microseconds
    let rest = String(microseconds % 1000)
    return "\(microseconds / 1000)."
      + String(repeating: "0", count: 3 - rest.utf8.count) + rest
  }

  private static func encoded(_ preprocessing: Preprocessing) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(preprocessing) else {
      preconditionFailure("a contract of finite numbers is encodable")
    }
    return String(decoding: data, as: UTF8.self)
  }

  static func json(_ text: String) -> Response {
    Response(status: 200, contentType: "application/json", text: text + "\n")
  }
}

extension AdminAnswer {
  /// The canary and how the last one ended, each null where there is none; with what beginning it did, if it has just begun.
  static func canary(_ traffic: Traffic, begun report: SwapReport? = nil) -> Response {
    let last = traffic.lastEnd.map { end in
      #"{\#(members(end.status)),"reason":"\#(end.reason.rawValue)","ended":"\#(end.at)"}"#
    }
    let gate = report.map { #","gate":{\#(members($0))}"# } ?? ""
    return json(#"{"canary":\#(canary(traffic.canary)),"last":\#(last ?? "null")\#(gate)}"#)
  }

  static func canary(_ canary: Canary?) -> String {
    canary.map { "{\(members($0.status))}" } ?? "null"
  }

  private static func members(_ status: CanaryStatus) -> String {
    let (rules, counts) = (status.rules, status.counts)
    return #"\#(identity(status.name, status.version)),"percent":\#(rules.percent),"#
      + #""header":\#(rules.obeysHeader),"#
      + #""max_disagreement":\#(rules.maxDisagreement.map { "\($0)" } ?? "null"),"#
      + #""compared":\#(status.isCompared),"since":"\#(status.since)","#
      + #""by":\#(Log.quoted(status.by)),"requests":\#(counts.requests),"errors":\#(counts.errors),"#
      + #""comparisons":\#(counts.comparisons),"disagreements":\#(counts.disagreements)"#
  }
}
