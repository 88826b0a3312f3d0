package import Imaging
package import JSON
import Words

/// A contract from outside a model file: how images are prepared, and what the outputs mean.
package struct Contract: Sendable, Hashable {
  package let preprocessing: Preprocessing
  /// Meaning of the outputs under the key `output`; nil if the contract does not say.
  package let output: OutputRule?
  /// What a file's tensors leave open of their network, under the key `arch`.
  package private(set) var variant = NetworkVariant()

  /// Reads a preset's name, JSON if the string begins with `{`, or else a file of JSON.
  package static func read(_ text: String) throws(CheckpointError) -> Contract {
    if let preset = try preset(text) { return Contract(preset, nil) }
    let given: GivenJSON
    do { given = try GivenJSON(text) } catch {
      guard case .file(_, _, let reason) = error else { throw error }
      guard !isNumbers(text) else {
        throw .contract(
          source: "\"\(text.prefix(200))\"",
          reason: "numbers alone are no contract, they belong under its keys mean and std; write a "
            + "preset (\(presets.joined(separator: ", "))), or the whole contract as JSON, as `resnetd "
            + "inspect --contract` prints that of a model")
      }
      let meant = Suggestion.nearest(to: text, among: presets)
      throw .contract(
        source: "\"\(text.prefix(200))\"",
        reason: "not a preset (\(presets.joined(separator: ", "))), and as a file it cannot be "
          + "opened: \(reason)" + (meant.map { "; did you mean \($0)?" } ?? ""))
    }
    return try given.decoded(Contract.self) { .contract(source: given.source, reason: $0) }
  }

  private static let outputKey = "output"
  private static let variantKey = "arch"

  private init(_ preprocessing: Preprocessing, _ output: OutputRule?) {
    (self.preprocessing, self.output) = (preprocessing, output)
  }

  private static let presets = ["imagenet", "imagenet-v2", "imagenet-64", "cifar10"]

  /// Returns a contract as a file that `read` gives the same contract for, every key in it.
  ///
  /// - Parameter variant: What was said of the network; left out if nothing was.
  package static func text(
    of preprocessing: Preprocessing, _ output: OutputRule,
    _ variant: NetworkVariant = NetworkVariant()
  ) -> String {
    let members =
      document(of: preprocessing, output).members
      + (variant.isEmpty ? [] : [(variantKey, .string(variant.text))])
    return "{\n"
      + members.map { "  \(JSONValue.string($0.0).text): \($0.1.text)" }
      .joined(separator: ",\n") + "\n}"
  }

  /// Returns a contract as an object, every key in it, in the order of `text`.
  package static func document(
    of preprocessing: Preprocessing, _ output: OutputRule
  ) -> JSONObject {
    guard case .object(let document) = JSONValue(encoding: preprocessing) else {
      preconditionFailure("a contract must be an object")
    }
    return JSONObject(
      document.members.sorted { Preprocessing.order(of: $0.0, before: $1.0) }
        + [(outputKey, JSONValue(encoding: output))])
  }

  /// Returns whether a text is nothing but numbers, such as those of a mean.
  private static func isNumbers(_ text: String) -> Bool {
    let fields = text.split { "[], ".contains($0) }
    return !fields.isEmpty && fields.allSatisfy { Double($0) != nil }
  }

  private static func preset(_ name: String) throws(CheckpointError) -> Preprocessing? {
    switch name {
    case "imagenet": return .imageNet
    case "imagenet-v2": return .imageNetV2
    case "imagenet-64": return .imageNet64
    case "cifar10":
      do {
        // Measured over the pixels of the 50,000 training images.
        return try .cifar10(mean: [0.4914, 0.4822, 0.4465], std: [0.2470, 0.2435, 0.2616])
      } catch { throw .contract(source: name, reason: error.description) }
    default: return nil
    }
  }
}

extension Contract: Decodable {
  private enum CodingKeys: String, CodingKey { case output, arch }

  /// A key that stands beside those of a contract and belongs below one of them.
  private struct OutputKey: CodingKey {
    let stringValue: String
    let intValue: Int? = nil
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  package init(from decoder: any Decoder) throws {
    for key in OutputRule.keys
    where try decoder.container(keyedBy: OutputKey.self).contains(OutputKey(stringValue: key)) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: decoder.codingPath,
          debugDescription:
            "\"\(key)\" is a key of the outputs' meaning; write it under \(Self.outputKey), as in "
            + "\"\(Self.outputKey)\": {\"\(key)\": …}"))
    }
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try Preprocessing(from: decoder, besides: [Self.outputKey, Self.variantKey]),
      try container.decodeIfPresent(OutputRule.self, forKey: .output))
    if let text = try container.decodeIfPresent(String.self, forKey: .arch) {
      variant = try NetworkVariant(text)
    }
  }
}
