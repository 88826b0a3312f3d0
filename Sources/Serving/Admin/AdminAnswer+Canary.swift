import HTTPCore
import Telemetry

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
