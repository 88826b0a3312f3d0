import Checkpoint
import ResNet
import Words

/// The subject of `resnetd pull`: published weights by name, or a file by its address.
package struct PullSubject {
  private static let nameByteLimit = 100

  /// Name without the digits of the digest.
  package let name: String
  package let address: String
  /// Published weights; nil for an address.
  package let weights: PublishedWeights?

  /// - Parameter source: Address that a name is fetched from instead of its own.
  package init(_ text: String, from source: String?) throws {
    if text.containsText("://") {
      guard source == nil else { throw UsageError("--from goes with a name, not with an address") }
      (name, address, weights) = (Self.name(of: text), text, nil)
      return
    }
    guard let weights = PublishedWeights.named(text) else {
      let names =
        PublishedWeights.all.flatMap { [$0.name, $0.network] } + EmbeddedModel.allCases.map(\.name)
      let nearest = Suggestion.nearest(to: text, among: names)
      throw UsageError(
        "no weights are called \"\(text)\"" + (nearest.map { "; did you mean \($0)?" } ?? "")
          + "; --list shows them")
    }
    var base = source ?? PublishedWeights.base
    while base.hasSuffix("/") { base.removeLast() }
    address = base.hasSuffix(".pth") ? base : "\(base)/\(weights.fileName)"
    name = weights.name
    self.weights = weights
  }

  /// Returns the part of the file's name that may name a model and a file here.
  private static func name(of address: String) -> String {
    let stem = address.split(separator: "/").last?.split(separator: ".").first ?? ""
    let name = stem.lastIndex(of: "-").map { stem[..<$0] } ?? stem
    let plain = name.utf8.prefix(nameByteLimit).map { byte in
      let isPlain =
        byte == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
        || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
      return isPlain ? byte : UInt8(ascii: "_")
    }
    return plain.isEmpty ? "model" : String(decoding: plain, as: UTF8.self)
  }

  func provenance(_ version: ModelVersion) -> Provenance {
    if let weights { return weights.provenance(from: address, version: version) }
    var provenance = Provenance()
    provenance.data = "weights \(address)"
    provenance.parent = version.hex
    return provenance
  }
}
