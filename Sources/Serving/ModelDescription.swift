import Checkpoint
import Engine
import Files
import HTTPCore
import Inference
import JSON

/// Description of the live model at `/model`, with its tag.
struct ModelDescription: Sendable {
  let version: ModelVersion
  private let answer: LastingAnswer
  /// Nil if there is no digest.
  private let tag: String?

  init(_ model: CompiledModel) {
    version = model.version
    let body = JSONValue.object(Self.members(model)).line
    // Not the version alone: options change what is described, and programs how.
    tag = (try? SHA256.digest(of: body)).map { digest in
      #""\#(model.version.short)-\#(HexDigits.text(digest).prefix(16))""#
    }
    var response = Response(status: 200, contentType: "application/json", body: body)
    response.fields["ETag"] = tag
    // To be kept, and asked about each time.
    response.fields["Cache-Control"] = "no-cache"
    answer = LastingAnswer(response)
  }

  private static func members(_ model: CompiledModel) -> JSONObject {
    let shape = model.inputShape
    var members: JSONObject = [
      "name": .string(model.name), "version": .string(model.version.short),
      "digest": .string("sha256:\(model.version.hex)"),
      "precision": .string(model.precision.rawValue),
      "class_count": .integer(model.labels.count),
      "labels": .array(model.labels.map(JSONValue.string)),
    ]
    if !model.output.displayNames.isEmpty {
      let names = model.labels.compactMap { label in
        model.output.displayNames[label].map { (label, JSONValue.string($0)) }
      }
      // A label may stand for several classes.
      var seen: Set<String> = []
      members.append(
        "display_names", .object(JSONObject(names.filter { seen.insert($0.0).inserted })))
    }
    members += [
      "answers": .string(model.output.givesProbabilities ? "probability" : "score"),
      "activation": .string(model.output.activation.rawValue),
      "feature_count": (try? model.featureCount.get()).map(JSONValue.integer) ?? .null,
      "cam": (try? model.classActivation.get()).map { maps in
        ["height": .integer(maps.height), "width": .integer(maps.width)]
      } ?? .null,
      "input": [
        "channels": .integer(shape[0]), "height": .integer(shape[1]), "width": .integer(shape[2]),
      ],
      "contract": .object(Contract.document(of: model.preprocessing, model.output)),
    ]
    return members
  }

  /// Answers with the description, or that the client has it. Throws for a malformed condition.
  func response(_ fields: HeaderFields) throws(Problem) -> Response {
    let known = try EntityTag.List("If-None-Match", fields)
    var response = answer.response(to: fields)
    guard let tag, known?.names(tag) == true else { return response }
    // The fields that tell caches what they have (RFC 9110, section 15.4.5).
    response.fields["Content-Type"] = nil
    response.fields["Content-Encoding"] = nil
    (response.status, response.body) = (304, [])
    return response
  }
}
