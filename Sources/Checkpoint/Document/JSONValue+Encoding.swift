import FoundationEssentials
package import JSON

extension JSONValue {
  /// Takes over what Foundation's encoder makes of a typed document, so that a report shows a
  /// document as a model file has it.
  ///
  /// Members are sorted by name, and whole floating-point numbers have no decimal places. That a
  /// document cannot be encoded is a mistake of the program.
  package init(encoding document: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      // In an array, for a tree has no single number at its root.
      let data = try encoder.encode([document])
      self = try unsafe data.withUnsafeBytes { bytes in
        guard let element = try unsafe JSONTree(bytes.bytes, allowsNUL: true).value.elements?.first
        else { preconditionFailure("an array of one document must have one element") }
        return element
      }
    } catch {
      preconditionFailure("a document must be encodable: \(error)")
    }
  }
}
