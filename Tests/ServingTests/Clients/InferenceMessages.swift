import Decoding
import Foundation
import HTTPCore
import Imaging
import Inference
import Testing

/// Requests and answers of the Open Inference Protocol.
enum InferenceMessages {
  static let name = "resnet20-cifar10"
  static let path = "/v2/models/\(name)/infer"
  static let classCount = 10
  static let shape = [1, 3, 32, 32]

  static func base64(_ images: [[UInt8]], _ more: String = "") -> [UInt8] {
    let texts = images.map { #""\#(Data($0).base64EncodedString())""# }.joined(separator: ",")
    return Array(
      (#"{"inputs":[{"name":"image","shape":[\#(images.count)],"datatype":"BYTES","#
        + #""parameters":{"content_type":"base64"},"data":[\#(texts)]}]\#(more)}"#).utf8)
  }

  static func tensor(_ data: String, shape: String = "[1,3,32,32]", _ more: String = "") -> [UInt8]
  {
    Array(
      (#"{"inputs":[{"data":\#(data),"name":"input","datatype":"FP32","shape":\#(shape)}]"#
        + "\(more)}").utf8)
  }

  /// Returns a body of JSON and the bytes of its one input, and the field with the JSON's length.
  static func binary(
    _ bytes: [UInt8], input: String, _ more: String = "", size: Int? = nil
  ) -> (body: [UInt8], fields: [(String, String)]) {
    let json =
      #"{"inputs":[{\#(input),"parameters":{"binary_data_size":\#(size ?? bytes.count)}}]\#(more)}"#
    let length = String(json.utf8.count)
    return (Array(json.utf8) + bytes, [("Inference-Header-Content-Length", length)])
  }

  static let imageInput = #""name":"image","shape":[1],"datatype":"BYTES""#
  static let tensorInput = #""name":"input","shape":[1,3,32,32],"datatype":"FP32""#

  static func prefixed(_ image: [UInt8]) -> [UInt8] {
    littleEndian(UInt32(image.count)) + image
  }

  static func bytes(_ numbers: [Float]) -> [UInt8] {
    numbers.flatMap { littleEndian($0.bitPattern) }
  }

  private static func littleEndian(_ number: UInt32) -> [UInt8] {
    stride(from: 0, to: 32, by: 8).map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
  }

  /// Returns an image's numbers `[C, H, W]` as the model's contract prepares them.
  static func numbers(_ image: [UInt8], _ model: CompiledModel) throws -> [Float] {
    let preprocessor = ImagePreprocessor(model.preprocessing)
    var numbers = [Float](repeating: 0, count: preprocessor.outputCount)
    var span = numbers.mutableSpan
    try preprocessor.prepare(image.span, into: &span)
    return numbers
  }
}

extension Response {
  /// Returns the outputs of an inference by name: their data in JSON.
  func outputs() throws -> [String: [Float]] {
    #expect(status == 200, "\(String(decoding: body, as: UTF8.self))")
    let outputs = try #require(try json()["outputs"] as? [[String: Any]])
    return try Dictionary(
      uniqueKeysWithValues: outputs.map { output in
        let name = try #require(output["name"] as? String)
        return (name, try #require(output["data"] as? [NSNumber]).map(\.floatValue))
      })
  }

  /// Returns the JSON of a binary answer, and the bytes after it.
  func parts() throws -> (json: [String: Any], bytes: [UInt8]) {
    #expect(fields["Content-Type"] == "application/octet-stream")
    let text = try #require(fields["Inference-Header-Content-Length"])
    let length = try #require(Int(text))
    let document = try JSONSerialization.jsonObject(with: Data(body[..<length]))
    return (try #require(document as? [String: Any]), Array(body[length...]))
  }

  /// Returns the words of a problem of the Open Inference Protocol.
  func inferenceError() throws -> String {
    #expect(status >= 400 && fields["Content-Type"] == "application/json")
    let document = try json()
    #expect(document.count == 1)
    return try #require(document["error"] as? String)
  }
}
