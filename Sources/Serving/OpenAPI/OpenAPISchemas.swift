import JSON

/// Schemas of bodies and answers in `/openapi.json` (JSON Schema 2020-12).
enum OpenAPISchemas {
  static func reference(_ name: String) -> JSONValue { OpenAPIOperation.reference("schemas", name) }

  /// Schemas of the parameters that the query, a form and JSON may have.
  static let parameters: [String: JSONValue] = [
    "top_k": ["type": "integer", "minimum": 1],
    "min_probability": ["type": "number", "minimum": 0, "maximum": 1],
    "features": ["enum": [true, false, 1, 0]], "explain": choice(["cam"]),
  ]

  /// Returns all schemas, of servers that fetch images that requests name, or of others.
  static func all(fetchesImages: Bool) -> JSONObject {
    common + ["Images": images(.classification, namesOne: fetchesImages)] + classification
      + description + openInference
  }

  /// An image of one pixel, GIF, in base64.
  private static let example = "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs="

  private static let string: JSONValue = ["type": "string"]
  private static let integer: JSONValue = ["type": "integer"]
  private static let number: JSONValue = ["type": "number"]
  private static let boolean: JSONValue = ["type": "boolean"]

  private static func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }

  /// Returns an object with these members, all of them required but those that are named.
  private static func object(_ properties: JSONObject, optional: Set<String> = []) -> JSONValue {
    let required = properties.members.map(\.0).filter { !optional.contains($0) }
    return [
      "type": "object", "properties": .object(properties),
      "required": .array(required.map(JSONValue.string)),
    ]
  }

  private static func choice(_ values: [String]) -> JSONValue {
    ["type": "string", "enum": .array(values.map(JSONValue.string))]
  }

  private static let common: JSONObject = [
    "Problem": object([
      "type": ["type": "string", "pattern": "^urn:resnetd:problem:"], "title": string,
      "status": integer, "detail": string,
    ]),
    "ProtocolError": object(
      ["error": string, "ready": boolean, "name": string], optional: ["ready", "name"]),
    "Ping": object(["status": string]),
  ]

  /// Returns the JSON with images and parameters; null is as good as leaving a member out.
  ///
  /// - Parameter namesOne: Whether an image may be named.
  private static func images(_ names: ImageRequestNames, namesOne: Bool = false) -> JSONValue {
    let others = names.query.map { ($0, orNull(parameters[$0] ?? true)) }
    var images: JSONObject = [
      "image": ["type": ["string", "null"], "contentEncoding": "base64"],
      "images": ["type": ["array", "null"], "items": string, "minItems": 1],
    ]
    var choices: [JSONValue] = [["required": ["image"]], ["required": ["images"]]]
    if namesOne {
      images.append("url", ["type": ["string", "null"], "format": "uri"])
      choices.append(["required": ["url"]])
    }
    return [
      "type": "object", "properties": .object(images + JSONObject(others)),
      "anyOf": .array(choices),
      "additionalProperties": false, "examples": [["image": .string(example)]],
    ]
  }

  /// Returns the schema with null beside the values of its one type.
  private static func orNull(_ schema: JSONValue) -> JSONValue {
    guard case .object(let object) = schema else { return schema }
    return .object(
      JSONObject(
        object.members.map { name, value in
          switch (name, value) {
          case ("type", _): (name, .array([value, "null"]))
          case ("enum", .array(let values)): (name, .array(values + [.null]))
          default: (name, value)
          }
        }))
  }

  private static let classification: JSONObject = [
    "Image": images(.prediction),
    "Prediction": object(
      [
        "class": integer, "label": string, "display_name": string, "probability": number,
        "score": number, "cam": list(list(number)),
      ], optional: ["display_name", "probability", "score", "cam"]),
    "Classification": object(
      [
        "model": object(
          ["name": string, "version": string, "activation": string, "feature_count": integer],
          optional: ["activation", "feature_count"]),
        "predictions": list(reference("Prediction")), "unsure": boolean, "features": list(number),
        "results": list(["type": "object"]),
      ], optional: ["predictions", "unsure", "features", "results"]),
    "Predictions": ["type": "object", "additionalProperties": number],
  ]

  private static let description: JSONObject = [
    "Model": object(
      [
        "name": string, "version": string, "digest": string, "precision": string,
        "class_count": integer, "labels": list(string),
        "display_names": ["type": "object", "additionalProperties": string],
        "answers": choice(["probability", "score"]), "activation": string,
        "feature_count": ["type": ["integer", "null"]],
        "cam": orNull(object(["height": integer, "width": integer])),
        "input": object(["channels": integer, "height": integer, "width": integer]),
        "contract": ["type": "object"],
      ], optional: ["display_names"])
  ]

  private static let tensor: JSONValue = object([
    "name": string, "datatype": string, "shape": list(integer),
  ])

  private static let openInference: JSONObject = [
    "Live": object(["live": boolean]),
    "Ready": object(["ready": boolean, "name": string], optional: ["name"]),
    "ServerMetadata": object([
      "name": string, "version": string, "extensions": list(string),
    ]),
    "ModelMetadata": object([
      "name": string, "versions": list(string), "platform": string, "inputs": list(tensor),
      "outputs": list(tensor),
    ]),
    "InferenceRequest": inferenceRequest,
    "InferenceReply": object(
      [
        "model_name": string, "model_version": string, "id": string,
        "outputs": list(
          object([
            "name": string, "datatype": choice(["FP32", "BYTES"]), "shape": list(integer),
            "data": ["type": "array"],
          ])),
      ], optional: ["id"]),
  ]

  /// Closed, since what is not known is refused.
  private static func closed(_ schema: JSONValue, example: JSONValue? = nil) -> JSONValue {
    guard case .object(let members) = schema else { return schema }
    let examples: JSONObject = example.map { ["examples": [$0]] } ?? [:]
    return .object(members + ["additionalProperties": false] + examples)
  }

  private static let count: JSONValue = ["type": "integer", "minimum": 0]

  private static let inferenceExample: JSONValue = [
    "inputs": [
      [
        "name": "image", "datatype": "BYTES", "shape": [1],
        "parameters": ["content_type": "base64"], "data": [.string(example)],
      ]
    ]
  ]

  private static let inferenceRequest = closed(
    object(
      [
        "id": ["type": ["string", "null"], "maxLength": 128],
        "parameters": orNull(
          closed(object(["binary_data_output": boolean], optional: ["binary_data_output"]))),
        "inputs": ["type": "array", "minItems": 1, "maxItems": 1, "items": inferenceInput],
        "outputs": [
          "type": ["array", "null"], "minItems": 1, "maxItems": 2, "items": inferenceOutput,
        ],
      ], optional: ["id", "parameters", "outputs"]), example: inferenceExample)

  private static let inferenceInput = closed(
    object(
      [
        "name": choice(InferenceInputKind.allCases.map(\.rawValue)),
        "datatype": choice(InferenceInputKind.allCases.map(\.datatype)),
        "shape": ["type": "array", "minItems": 1, "maxItems": 4, "items": count],
        "parameters": orNull(
          closed(
            object(
              ["binary_data_size": count, "content_type": choice(["base64", "np"])],
              optional: ["binary_data_size", "content_type"]))),
        "data": ["type": "array"],
      ], optional: ["parameters", "data"]))

  private static let inferenceOutput = closed(
    object(
      [
        "name": choice(InferenceOutputKind.allCases.map(\.rawValue)),
        "parameters": orNull(
          closed(
            object(
              ["binary_data": boolean, "classification": ["type": "integer", "minimum": 1]],
              optional: ["binary_data", "classification"]))),
      ], optional: ["parameters"]))
}
