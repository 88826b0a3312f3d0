import Files
import HTTPCore

/// Routes of the admin endpoint.
enum AdminRoute: Hashable {
  /// The page for people, and for programs what there is.
  case page
  /// Paths from which people are sent to the page.
  case entrance
  case session, status
  case model, versions, configuration, rollback, canary, swap, examples, teach
  /// Activates the version with the digits in the path.
  case activate(String)
  case version(String)

  static let pagePath = "/admin/"

  /// Paths as they are listed, VERSION for the digits of a version.
  static let listed: [(path: String, route: AdminRoute)] =
    ([
      pagePath, "/admin/session", "/admin/status", "/admin/model", "/admin/versions",
      "/admin/versions/VERSION", "/admin/versions/VERSION/activate", "/admin/rollback",
      "/admin/swap", "/admin/canary", "/admin/examples", "/admin/teach", "/admin/config",
    ] as [String]).compactMap { path in AdminRoute(path).map { (path, $0) } }

  /// Returns whether a page asks this again and again for as long as it is open, whether or not
  /// there is anybody before it.
  static func isLook(_ head: RequestHead) -> Bool {
    guard head.method == "GET" else { return false }
    return switch AdminRoute(head.target.path) {
    case .status, .swap, .canary: true
    default: false
    }
  }

  init?(_ path: String) {
    switch path {
    case Self.pagePath: self = .page
    case "/", "/admin": self = .entrance
    case "/admin/session": self = .session
    case "/admin/status": self = .status
    case "/admin/model": self = .model
    case "/admin/versions": self = .versions
    case "/admin/config": self = .configuration
    case "/admin/rollback": self = .rollback
    case "/admin/canary": self = .canary
    case "/admin/swap": self = .swap
    case "/admin/examples": self = .examples
    case "/admin/teach": self = .teach
    default:
      let parts = path.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 4, parts[0].isEmpty, parts[1] == "admin", parts[2] == "versions",
        !parts[3].isEmpty
      else { return nil }
      switch parts[4...] {
      case []: self = .version(String(parts[3]))
      case ["activate"]: self = .activate(String(parts[3]))
      default: return nil
      }
    }
  }

  var methods: [String] {
    switch self {
    case .model: ["GET", "HEAD", "PUT", "OPTIONS"]
    case .page, .entrance, .status, .versions, .configuration: ["GET", "HEAD", "OPTIONS"]
    case .session: ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]
    case .swap: ["GET", "HEAD", "DELETE", "OPTIONS"]
    case .version: ["DELETE", "OPTIONS"]
    case .rollback, .activate, .teach: ["POST", "OPTIONS"]
    case .examples: ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]
    case .canary: ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]
    }
  }

  /// How the path is asked, with the usual port.
  var example: String {
    let start = "http://localhost:8081/admin/"
    return switch self {
    case .page, .entrance: "curl \(start)"
    case .session: "curl -X POST -H 'Authorization: Bearer TOKEN' \(start)session"
    case .status: "curl \(start)status"
    case .model:
      "curl -T model.safetensors \(start)model to make a model live, or curl \(start)model to see it"
    case .versions: "curl \(start)versions"
    case .configuration: "curl \(start)config"
    case .rollback: "curl -X POST \(start)rollback"
    case .canary:
      "curl -X PUT \(start)canary -d '{\"version\": \"VERSION\", \"percent\": 5}'"
    case .swap: "curl -X DELETE \(start)swap to end a swap, or curl \(start)swap to see it"
    case .examples: "curl -F image=@cat.jpg '\(start)examples?label=cat'"
    case .teach: "curl -X POST \(start)teach"
    case .activate(let digits): "curl -X POST \(start)versions/\(Self.shown(digits))/activate"
    case .version(let digits):
      "curl -X DELETE \(start)versions/\(Self.shown(digits)) to remove it, or curl -X POST "
        + "\(start)versions/\(Self.shown(digits))/activate to make it live"
    }
  }

  /// Digits that a client gave, if they are such; else the word that stands for them.
  private static func shown(_ digits: String) -> String {
    digits.utf8.count <= 64 && digits.utf8.allSatisfy { HexDigits.value($0) != nil }
      ? digits : "VERSION"
  }

  /// Returns the problem of a method that the path does not take.
  func refusal(of head: RequestHead) -> Problem {
    .method(head.method, head.target.path, allow: methods, example: example)
  }

  /// Returns the names of the parameters that an address may have.
  func parameters(_ method: String) -> [String] {
    switch self {
    case .model where method == "PUT": UploadParameters.names
    case .examples where method == "POST": ExampleParameters.names.query
    case .examples where method == "DELETE": ["label", "all"]
    case .teach: TeachParameters.names
    case .page, .entrance, .session, .status, .model, .versions, .configuration, .rollback, .canary,
      .swap, .activate, .version,
      .examples:
      []
    }
  }

  /// Throws for a parameter that is unknown or given twice: whoever gives one means another
  /// request, perhaps a dry run.
  func checkParameters(_ head: RequestHead) throws(Problem) {
    let known = KnownNames(names: parameters(head.method))
    var seen: Set<String> = []
    for item in head.target.query {
      guard known.names.contains(item.name) else {
        throw known.unknown(
          item.name, "parameter", "\(head.method) \(head.target.path) takes")
      }
      guard seen.insert(item.name).inserted else {
        throw .parameter("\(item.name) is given twice")
      }
    }
  }
}
