import Words

/// The environment variables that concern this program, and warnings about odd ones.
///
/// Kubernetes sets variables in every pod for each Service of its namespace, named after the
/// Service: for one called `resnetd`, RESNETD_PORT is `tcp://10.0.0.1:80`
/// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
struct EnvironmentVariables {
  static let prefix = "RESNETD_"

  /// Variables besides those of options: of the engine, this project's scripts, its manifest.
  private static let others = [
    "RESNETD_MAX_CPU_ISA", "RESNETD_URL", "RESNETD_ADMIN_URL", "RESNETD_PID", "RESNETD_FUZZ",
  ]

  /// Variables that are neither empty, which counts as unset, nor set for a Service.
  private let values: [String: String]
  private let links: Set<String>
  /// Warnings about names that mean nothing here, with the nearest name that does.
  let warnings: [String]

  /// - Parameter optionVariables: Those of the options of all commands, which share one
  ///   environment.
  init(_ environment: [String: String], optionVariables: [String]) {
    let own = environment.filter { $0.key.hasPrefix(Self.prefix) && !$0.value.isEmpty }
    links = Set(own.filter { Self.isLink($0.key, $0.value) }.keys)
    values = own.filter { [links] in !links.contains($0.key) }
    let known = Set(optionVariables + Self.others)
    warnings = values.keys.sorted()
      .filter { !known.contains($0) && !Self.isOfService($0) }
      .map { name in
        let bare = { (name: String) in String(name.dropFirst(Self.prefix.count)) }
        let nearest = Suggestion.nearest(to: bare(name), among: known.sorted().map(bare))
        return "the variable \(name) means nothing to this program"
          + (nearest.map { "; did you mean \(Self.prefix)\($0)?" } ?? "")
      }
  }

  subscript(name: String) -> String? { values[name] }

  /// Returns why a variable that Kubernetes has set is ignored.
  func linkWarning(_ name: String) -> String? {
    guard links.contains(name) else { return nil }
    return "the variable \(name) is ignored: Kubernetes sets it for a Service of this name; "
      + "say enableServiceLinks: false in the pod"
  }

  private static func isLink(_ name: String, _ value: String) -> Bool {
    name.hasSuffix("_PORT") && ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) }
  }

  private static let servicePattern = try? RegularExpression(
    #"^.*_(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_[0-9]+_(?:TCP|UDP|SCTP)"#
      + #"(?:_(?:PROTO|PORT|ADDR))?)\z"#)

  /// Returns whether it is another of the variables that come with a Service.
  private static func isOfService(_ name: String) -> Bool {
    (try? servicePattern?.captured(in: name)) != nil
  }
}
