import COpenSSL
import CZip
import Imaging
import JSON
import ResNet

/// The JSON document under the key `resnetd` of a model file: everything but the numbers.
///
/// Unknown keys are ignored, so that a file may say more; an unknown format version is rejected.
/// Files with a graph also have version 1: a program that does not know graphs rejects them for
/// lack of an architecture.
struct ModelDocument: Codable {
  static let metadataKey = "resnetd"
  static let currentFormat = 1

  let format: Int
  let name: String
  let architecture: ArchitectureDocument?
  /// Graph in place of an architecture; absent from ONNX files, which are graphs themselves.
  let graph: GraphDocument?
  let labels: [String]
  let preprocessing: Preprocessing
  /// Meaning of the outputs; absent from files that were written before there was a choice.
  let output: OutputRule?
  let calibration: Calibration?
  let provenance: Provenance?
  /// What the model answered before it was taught from examples.
  let former: FormerHeadDocument?

  private enum CodingKeys: String, CodingKey {
    case format = "format_version"
    case name, architecture, graph, labels, preprocessing, output, calibration, provenance, former
  }

  /// Describes a model.
  ///
  /// - Parameter isComplete: False next to an ONNX graph, which needs no other; the ranges would be
  ///   those of other nodes to anybody who reads the file.
  init(_ model: Model, isComplete: Bool = true) {
    format = Self.currentFormat
    name = model.name
    architecture = model.architecture.map { ArchitectureDocument($0) }
    graph = model.architecture == nil && isComplete ? GraphDocument(model.graph) : nil
    labels = model.labels
    preprocessing = model.preprocessing
    output = model.output == OutputRule() ? nil : model.output
    calibration = isComplete ? model.calibration : nil
    provenance = model.provenance
    // An ONNX file has no tensors beside its graph's.
    former = isComplete ? model.formerHead.map { FormerHeadDocument($0) } : nil
  }

  init(json: String) throws(CheckpointError) {
    let tree: JSONTree
    do { tree = try unsafe JSONTree(json.utf8Span.span.bytes, allowsNUL: true) } catch {
      throw .metadata(reason: "JSON: \(error.reason), byte \(error.offset)")
    }
    do {
      let version = try tree.decode(FormatVersion.self).value
      guard version == Self.currentFormat else {
        throw CheckpointError.metadata(
          reason: "format version \(version), this program reads \(Self.currentFormat)")
      }
      self = try tree.decode(Self.self)
    } catch let error as CheckpointError {
      throw error
    } catch ImagingError.invalidContract(let reason) {
      throw .metadata(reason: "preprocessing: \(reason)")
    } catch {
      throw .metadata(reason: Self.reason(of: error))
    }
  }

  /// The network that the document describes.
  func network() throws(CheckpointError) -> (architecture: Architecture?, graph: Graph) {
    switch (architecture?.architecture, graph) {
    case (let architecture?, nil): return (architecture, try Model.graph(of: architecture))
    case (nil, let graph?): return (nil, try graph.graph())
    case (nil, nil): throw .metadata(reason: "architecture is missing, and so is graph")
    case (_?, _?): throw .metadata(reason: "architecture and graph exclude each other")
    }
  }

  /// Encodes the document with sorted keys, so that equal models make equal files.
  func json() throws(CheckpointError) -> String {
    do { return try JSONValue.encoded(self).text } catch { throw .metadata(reason: "\(error)") }
  }

  /// The version alone, read before everything else because a later format may have other keys.
  private struct FormatVersion: Decodable {
    let value: Int
    private enum CodingKeys: String, CodingKey { case value = "format_version" }
  }

  /// Describes the fault in a document and its place.
  static func reason(of error: any Error) -> String {
    if case .invalidContract(let reason)? = error as? ImagingError { return reason }
    guard let error = error as? DecodingError else { return "\(error)" }
    let path: [any CodingKey]
    let what: String
    switch error {
    case .keyNotFound(let key, let context):
      (path, what) = (context.codingPath, "\(key.stringValue) is missing")
    case .valueNotFound(_, let context):
      (path, what) = (context.codingPath, "the value is null")
    case .typeMismatch(_, let context), .dataCorrupted(let context):
      (path, what) = (context.codingPath, context.debugDescription)
    @unknown default: (path, what) = ([], "\(error)")
    }
    let place = path.map { $0.stringValue }.joined(separator: ".")
    return place.isEmpty ? what : "\(place): \(what)"
  }
}

/// Versions of the libraries that read model files.
package enum ModelFileVersions {
  /// Name and version of each library as loaded, in a fixed order.
  package static var all: [(name: String, version: String)] {
    [
      ("OpenSSL", openSSL), ("jansson", JSONTree.libraryVersion),
      ("libzip", unsafe String(cString: zip_libzip_version())),
    ]
  }

  private static var openSSL: String {
    guard let text = unsafe OpenSSL_version(OPENSSL_VERSION_STRING) else { return "unknown" }
    return unsafe String(cString: text)
  }
}
