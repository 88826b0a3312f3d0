/// The variables of the environment that tell this program something, and what is odd about them.
///
/// Kubernetes sets variables for each Service of a namespace in every pod, after the Service's name: of one called `resnetd`
/// RESNETD_PORT is `tcp://10.0.0.1:80`
/// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables).
struct EnvironmentVariables {
  static let prefix = "RESNETD_"

  /// Beside those of options: of the engine, of this project's own scripts, of its manifest.
  private static let others = [
    "RESNETD_MAX_CPU_ISA", "RESNETD_URL", "RESNETD_ADMIN_URL", "RESNETD_PID", "RESNETD_FUZZ",
  ]

  /// Those that are neither empty, which counts as unset, nor of a Service's making.
  private let values: [String: String]
  private let links: Set<String>
  /// What has no meaning here, with the nearest name that has one.
  let warnings: [String]

  /// - Parameter optionVariables: Of the options of all commands: one environment serves them all.
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

  /// Why a variable is passed over that Kubernetes has set.
  func linkWarning(_ name: String) -> String? {
    guard links.contains(name) else { return nil }
    return "the variable \(name) is ignored: Kubernetes sets it for a Service of this name; "
      + "say enableServiceLinks: false in the pod"
  }

  private static func isLink(_ name: String, _ value: String) -> Bool {
    name.hasSuffix("_PORT") && ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) }
  }

  /// Whether it is another of the variables that come with a Service.
  private static func isOfService(_ name: String) -> Bool {
    name.wholeMatch(
      of:
        /.*_(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)/
    ) != nil
  }
}
