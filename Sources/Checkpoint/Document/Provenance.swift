import FoundationEssentials
import JSON
import Words

/// Origin of a model, as its file tells it; nothing here changes an answer.
package struct Provenance: Sendable, Hashable, Codable {
  /// Training data, with origin and authors.
  package var data: String?
  package var recipe: String?
  /// Share of images that are classified correctly, 0 to 1, on `evaluationData`.
  package var accuracy: Double?
  package var evaluationData: String?
  /// SHA-256, in hexadecimal, of the model file that training started from.
  package var parent: String?
  package var licence: String?
  package var citations: [String]?

  private enum CodingKeys: String, CodingKey, CaseIterable {
    case data, recipe, accuracy, parent, licence, citations
    case evaluationData = "evaluation_data"
  }

  package init() {}

  /// Origin of a model whose training began with another one: its version, and the licence and
  /// citations that go with it.
  package init(after parent: Model) {
    self.parent = parent.version.hex
    licence = parent.provenance?.licence.map {
      $0.hasPrefix(Self.inherited) ? $0 : Self.inherited + $0
    }
    citations = parent.provenance?.citations
  }

  private static let inherited = "of the network that training began with: "
}

// MARK: From outside a file

extension Provenance {
  package static let fileByteCountLimit = 64 << 10

  /// Reads JSON if the string begins with `{`, or else a file of JSON.
  ///
  /// - Throws: `CheckpointError.provenance` for what is no object with members of this type.
  package static func read(_ text: String) throws(CheckpointError) -> Provenance {
    if text.hasPrefix("{") { return try decoded(Array(text.utf8), from: "the JSON given") }
    let bytes = try ModelBytes(mapping: text)
    guard bytes.count <= fileByteCountLimit else {
      throw .overLimit(what: "bytes of \(text)", value: bytes.count, limit: fileByteCountLimit)
    }
    let copy = bytes.withBytes(in: 0..<bytes.count) { span in
      unsafe span.withUnsafeBytes { unsafe [UInt8]($0) }
    }
    return try decoded(copy, from: text)
  }

  private static func decoded(
    _ bytes: [UInt8], from source: String
  ) throws(CheckpointError) -> Provenance {
    do {
      // Of two members with the same name, Foundation's decoder takes one without a word.
      _ = try unsafe JSONTree(bytes.span.bytes, allowsNUL: true)
    } catch {
      throw .provenance(source: source, reason: "JSON: \(error.reason), byte \(error.offset)")
    }
    do {
      let data = Data(bytes)
      let names = try JSONDecoder().decode([String: AnyMember].self, from: data).keys
      let known = CodingKeys.allCases.map(\.stringValue)
      if let unknown = names.filter({ !known.contains($0) }).min() {
        let meant = Suggestion.nearest(to: unknown, among: known)
        throw CheckpointError.provenance(
          source: source,
          reason: "\"\(unknown.prefix(40))\" is unknown"
            + (meant.map { "; did you mean \($0)?" } ?? "")
            + "; known are \(known.sorted().joined(separator: ", "))")
      }
      let provenance = try JSONDecoder().decode(Provenance.self, from: data)
      if let accuracy = provenance.accuracy, !(0...1 ~= accuracy) {
        throw CheckpointError.provenance(
          source: source, reason: "accuracy is \(accuracy), it is a share from 0 to 1")
      }
      return provenance
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw .provenance(source: source, reason: ModelDocument.reason(of: error))
    }
  }

  /// A member whose value does not matter.
  private struct AnyMember: Decodable {
    init(from decoder: any Decoder) {}
  }

  /// Returns it with the members that `other` has in place of its own.
  package func replaced(by other: Provenance) -> Provenance {
    var result = self
    result.data = other.data ?? data
    result.recipe = other.recipe ?? recipe
    result.accuracy = other.accuracy ?? accuracy
    result.evaluationData = other.evaluationData ?? evaluationData
    result.parent = other.parent ?? parent
    result.licence = other.licence ?? licence
    result.citations = other.citations ?? citations
    return result
  }
}
