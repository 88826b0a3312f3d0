/// Paths that are served. Names in braces stand for any.
enum Route: Int, Sendable, Hashable, CaseIterable {
  case home, classify, model, openAPI
  case live, ready, started, metrics
  /// TorchServe's.
  case ping, predictions
  /// The Open Inference Protocol's, version 2.
  case server, serverLive, serverReady, modelMetadata, modelReady, infer

  /// The path, or the first of several; a label of metrics.
  var path: String { paths[0] }

  var paths: [String] {
    switch self {
    case .home: ["/"]
    case .classify: ["/classify"]
    case .model: ["/model"]
    case .openAPI: ["/openapi.json"]
    case .live: ["/livez"]
    case .ready: ["/readyz", "/healthz"]
    case .started: ["/startupz"]
    case .metrics: ["/metrics"]
    case .ping: ["/ping"]
    case .predictions: ["/predictions/{model}", "/predictions/{model}/{version}"]
    case .server: ["/v2"]
    case .serverLive: ["/v2/health/live"]
    case .serverReady: ["/v2/health/ready"]
    case .modelMetadata: ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"]
    case .modelReady: ["/v2/models/{model}/ready", "/v2/models/{model}/versions/{version}/ready"]
    case .infer: ["/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer"]
    }
  }

  var methods: [String] {
    switch self {
    case .classify, .predictions: ["POST", "PUT", "OPTIONS"]
    case .infer: ["POST", "OPTIONS"]
    case .home, .model, .openAPI, .live, .ready, .started, .metrics, .ping, .server, .serverLive,
      .serverReady, .modelMetadata, .modelReady:
      ["GET", "HEAD", "OPTIONS"]
    }
  }

  /// Whether images are sent there.
  var takesImages: Bool {
    switch self {
    case .classify, .predictions, .infer: true
    case .home, .model, .openAPI, .live, .ready, .started, .metrics, .ping, .server, .serverLive,
      .serverReady, .modelMetadata, .modelReady:
      false
    }
  }

  /// Whether it is also served when there is no place for other requests.
  var isEssential: Bool {
    switch self {
    case .live, .ready, .started, .metrics, .ping, .serverLive, .serverReady: true
    case .home, .classify, .model, .openAPI, .predictions, .server, .modelMetadata, .modelReady,
      .infer:
      false
    }
  }

  /// Whether it needs an API key, if the server wants any: what takes images, or tells of the model.
  var needsKey: Bool {
    switch self {
    case .classify, .predictions, .infer, .model, .modelMetadata: true
    case .home, .openAPI, .live, .ready, .started, .metrics, .ping, .server, .serverLive,
      .serverReady, .modelReady:
      false
    }
  }

  static let allMethods = ["GET", "HEAD", "POST", "PUT", "OPTIONS"]
}

/// A path that is served, with the model that stands in it.
struct RoutedPath: Sendable, Hashable {
  let route: Route
  /// Nil if the path names none.
  let model: ModelReference?

  /// Returns nil for a path that is not served.
  init?(_ path: String) {
    if let route = Self.routes[path] {
      (self.route, model) = (route, nil)
      return
    }
    guard path.hasPrefix("/v2/models/") || path.hasPrefix("/predictions/") else { return nil }
    var parts = path.split(separator: "/", omittingEmptySubsequences: false)[1...]
    // The first is the part before all names, the rest may be empty.
    let isProtocol = parts.removeFirst() == "v2"
    if isProtocol { parts.removeFirst() }
    guard let name = parts.popFirst(), !name.isEmpty else { return nil }
    var model = ModelReference(name: String(name))
    let mayHaveVersion = isProtocol ? parts.first == "versions" : !parts.isEmpty
    if mayHaveVersion {
      if isProtocol { parts.removeFirst() }
      guard let version = parts.popFirst(), !version.isEmpty else { return nil }
      model.version = String(version)
    }
    switch (isProtocol, Array(parts)) {
    case (true, []): route = .modelMetadata
    case (true, ["ready"]): route = .modelReady
    case (true, ["infer"]): route = .infer
    case (false, []): route = .predictions
    default: return nil
    }
    self.model = model
  }

  /// Routes without a name in their paths.
  private static let routes: [String: Route] = {
    var routes: [String: Route] = [:]
    for route in Route.allCases {
      for path in route.paths where !path.contains("{") { routes[path] = route }
    }
    return routes
  }()
}
