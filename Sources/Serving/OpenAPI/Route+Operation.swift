import JSON

/// What `/openapi.json` says of each route.
extension Route {
  private typealias Schemas = OpenAPISchemas

  var operation: OpenAPIOperation {
    switch self {
    case .home: Self.plain("Page for people", "text/html")
    case .classify: Self.classifyOperation
    case .model: Self.modelOperation
    case .openAPI: Self.json("This description", "server", ["type": "object"])
    case .live: Self.plain("Whether the process lives", "text/plain")
    case .ready: Self.plain("Whether requests should be sent here", "text/plain")
    case .started: Self.plain("Whether a model has been live", "text/plain")
    case .metrics: Self.plain("Metrics in Prometheus' text format", "text/plain")
    case .ping:
      Self.json("Readiness, as TorchServe says it", "TorchServe", Schemas.reference("Ping"))
    case .predictions: Self.predictionsOperation
    case .server, .serverLive, .serverReady, .modelMetadata, .modelReady: protocolOperation
    case .infer: Self.inferOperation
    }
  }

  private static func plain(_ summary: String, _ type: String) -> OpenAPIOperation {
    let content: JSONValue = ["schema": ["type": "string"]]
    return OpenAPIOperation(
      summary: summary, tag: "server", answers: [(200, JSONObject([(type, content)]))])
  }

  private static func json(_ summary: String, _ tag: String, _ schema: JSONValue)
    -> OpenAPIOperation
  {
    OpenAPIOperation(
      summary: summary, tag: tag, answers: [(200, ["application/json": ["schema": schema]])])
  }

  // MARK: Images

  /// Fields of the header that requests with images may have, by name.
  static let sharedParameters = JSONObject(
    [
      OpenAPIOperation.header(
        "X-Request-Timeout-Ms", "Deadline, counted from the request's first byte.",
        ["type": "integer", "minimum": 1, "maximum": 3_600_000]),
      OpenAPIOperation.header(
        "X-Priority", "Requests of low priority give way.",
        ["type": "string", "enum": ["low", "normal"]]),
      OpenAPIOperation.header(
        "X-Resnetd-Canary", "Which model answers while a canary is tried.",
        ["type": "string", "enum": ["always", "never"]]),
    ])

  private static let headers = sharedParameters.members.map { name, _ in
    OpenAPIOperation.reference("parameters", name)
  }

  /// Parameters of the query, each of which a form and JSON may have instead.
  private static func query(_ names: ImageRequestNames) -> [JSONValue] {
    names.query.map { name in
      OpenAPIOperation.parameter(name, in: "query", meaning(name), Schemas.parameters[name] ?? true)
    }
  }

  private static func meaning(_ name: String) -> String {
    switch name {
    case "top_k": "Number of classes; at most those of the model. 5 by default."
    case "min_probability": "Probability below which a class is left out."
    case "features": "Whether the features of each image are wanted beside its classes."
    case "explain": "How each class is explained: by a class activation map."
    default: name
    }
  }

  /// Returns the bodies with images: the bytes decide, not the type.
  private static func images(_ json: String) -> JSONObject {
    [
      "image/*": [:], "application/octet-stream": [:],
      "multipart/form-data": [
        "schema": [
          "type": "object",
          "properties": [
            "image": ["type": "string", "contentMediaType": "application/octet-stream"]
          ],
          "required": ["image"],
        ]
      ],
      "application/json": ["schema": Schemas.reference(json)],
    ]
  }

  private static let classifyOperation = OpenAPIOperation(
    summary: "Classify one image or several", tag: "classification",
    parameters: query(.classification) + headers, body: images("Images"),
    answers: [(200, ["application/json": ["schema": Schemas.reference("Classification")]])])

  private static let modelOperation = OpenAPIOperation(
    summary: "The live model", tag: "classification",
    parameters: [
      OpenAPIOperation.parameter(
        "If-None-Match", in: "header", "Tags of descriptions that the client has.",
        ["type": "string", "pattern": #"^(\*|(W/)?"[!#-~]*")$"#])
    ],
    answers: [
      (200, ["application/json": ["schema": Schemas.reference("Model")]]), (304, [:]),
    ])

  private static let predictionsOperation = OpenAPIOperation(
    summary: "Classify an image, as TorchServe does", tag: "TorchServe",
    parameters: query(.prediction) + headers, body: images("Image"),
    answers: [(200, ["application/json": ["schema": Schemas.reference("Predictions")]])])

  // MARK: Open Inference Protocol

  private static let inferOperation = OpenAPIOperation(
    summary: "Infer by the Open Inference Protocol, version 2", tag: protocolTag,
    parameters: headers + [
      OpenAPIOperation.parameter(
        "Inference-Header-Content-Length", in: "header",
        "Bytes of the JSON before binary tensors; 0 if the body is one encoded image.",
        ["type": "integer", "minimum": 0])
    ],
    body: [
      "application/json": ["schema": Schemas.reference("InferenceRequest")],
      "application/octet-stream": [:],
    ],
    answers: [
      (
        200,
        [
          "application/json": ["schema": Schemas.reference("InferenceReply")],
          "application/octet-stream": [:],
        ]
      )
    ], isProtocol: true)

  private static let protocolTag = "Open Inference Protocol"

  private var protocolOperation: OpenAPIOperation {
    let (summary, schema) =
      switch self {
      case .serverLive: ("Whether the process lives", "Live")
      case .serverReady: ("Whether requests should be sent here", "Ready")
      case .modelReady: ("Whether the model answers", "Ready")
      case .modelMetadata: ("Inputs and outputs of the live model", "ModelMetadata")
      default: ("Name, version and extensions", "ServerMetadata")
      }
    var operation = Self.json(summary, Self.protocolTag, Schemas.reference(schema))
    operation.isProtocol = true
    return operation
  }
}
