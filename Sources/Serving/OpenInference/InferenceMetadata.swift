import Checkpoint
import HTTPCore
import Inference
import JSON

/// Answers of the Open Inference Protocol about the server and its model.
enum InferenceMetadata {
  /// What the server calls itself there, and the platform of its models.
  static let name = "resnetd"
  static let extensions = ["classification", "binary_tensor_data"]

  static func server(version: String) -> Response {
    response([
      "name": .string(name), "version": .string(version),
      "extensions": .array(extensions.map(JSONValue.string)),
    ])
  }

  /// Describes the inputs, of which a request has one, and the outputs. A length of -1 is the number
  /// of images.
  static func model(_ model: CompiledModel) -> Response {
    response([
      "name": .string(model.name), "versions": [.string(model.version.short)],
      "platform": .string(name),
      "inputs": .array(
        InferenceInputKind.allCases.map { kind in
          tensor(kind.rawValue, kind.datatype, kind == .image ? [] : model.inputShape)
        }),
      "outputs": .array(
        InferenceOutputKind.all(of: model).map { kind in
          tensor(kind.rawValue, "FP32", [kind.count(of: model)])
        }),
    ])
  }

  private static func tensor(_ name: String, _ datatype: String, _ shape: [Int]) -> JSONValue {
    [
      "name": .string(name), "datatype": .string(datatype),
      "shape": .array(([-1] + shape).map(JSONValue.integer)),
    ]
  }

  static let live = response(["live": true])

  /// Says whether the server is ready; with the reason why it is not.
  static func ready(_ problem: Problem?, name: String? = nil) -> Response {
    var document: JSONObject = name.map { ["name": .string($0)] } ?? [:]
    document.append("ready", .boolean(problem == nil))
    guard let problem else { return response(document) }
    document.append("error", .string(problem.detail))
    var response = response(document)
    response.status = problem.status
    response.fields["Retry-After"] = problem.response.fields["Retry-After"]
    response.notes.problem = problem.kind
    return response
  }

  private static func response(_ document: JSONObject) -> Response {
    Response(
      status: 200, contentType: "application/json", body: JSONValue.object(document).line)
  }
}
