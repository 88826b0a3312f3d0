import Checkpoint
import Engine
import FoundationEssentials
import HTTPCore
import Imaging
import ModelStore
import Telemetry

/// The JSON of the admin endpoint's answers.
enum AdminAnswer {
  /// What is live.
  static func model(_ traffic: Traffic, _ record: LiveRecord?) -> Response {
    let live = traffic.live
    let model = live.model
    let labels = model.labels.map(Log.quoted).joined(separator: ",")
    let isRecorded = record?.version == model.version
    let since = isRecorded ? record?.since.description : live.liveSince.map(moment)
    return json(
      #"{\#(identity(model.name, model.version)),"precision":"\#(model.precision.rawValue)","#
        + #""since":\#(quoted(since)),"by":\#(Log.quoted(isRecorded ? record?.by ?? live.by : live.by)),"#
        + #""previous":\#(quoted(isRecorded ? record?.previous?.hex : nil)),"#
        + #""canary":\#(canary(traffic.canary)),"#
        + #""preprocessing":\#(encoded(model.preprocessing)),"labels":[\#(labels)]}"#)
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

  static func configuration(_ options: [(name: String, value: String)], _ plan: CPUPlan) -> Response
  {
    let members = options.map { #"\#(Log.quoted($0.name)):\#(Log.quoted($0.value))"# }
    let sizes = plan.batchSizes.map(String.init).joined(separator: ",")
    return json(
      #"{"plan":{"workers":\#(plan.workers),"threads":\#(plan.threads),"batch_sizes":[\#(sizes)],"#
        + #""max_queue_delay_ms":\#(milliseconds(plan.maxQueueDelay)),"#
        + #""summary":\#(Log.quoted(plan.description))},"#
        + #""options":{\#(members.joined(separator: ","))}}"#)
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
    return #"\#(identity(report.name, report.version)),"former":"\#(report.formerVersion.short)","#
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

  /// With three digits behind the point.
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
