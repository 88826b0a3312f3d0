import Compression
package import HTTPCore

/// A content coding that is read and written here (RFC 9110, section 8.4.1), best first: zstd packs
/// better than the others in less time.
package enum ContentCoding: String, Sendable, Hashable, CaseIterable {
  case zstd, gzip
  /// The format of zlib: what some clients send under this name without its frame is refused.
  case deflate

  /// Names for `Accept-Encoding`.
  package static let list = allCases.map(\.rawValue).joined(separator: ", ")

  /// Reads a name in lower case; nil for another coding.
  package init?(name: String) { self.init(rawValue: name == "x-gzip" ? "gzip" : name) }

  var format: CompressionFormat {
    switch self {
    case .zstd: .zstd
    case .gzip: .gzip
    case .deflate: .zlib
    }
  }

  /// Returns the coding of a body; nil if it is as it is. Throws for what is not read here.
  static func of(body fields: HeaderFields) throws(Problem) -> ContentCoding? {
    let names = fields.tokens(of: "Content-Encoding").filter { $0 != "identity" }
    guard let name = names.first else { return nil }
    if names.count == 1, let coding = ContentCoding(name: name) { return coding }
    // RFC 9110, sections 12.5.3 and 15.5.16.
    var problem = Problem(
      415, .unsupportedEncoding,
      names.count > 1
        ? "several codings in Content-Encoding are not supported; send one of \(list), or none"
        : "Content-Encoding \(Quotation.of(name)) is not supported; send one of \(list), or none")
    problem.acceptEncoding = list
    throw problem
  }

  /// Returns the coding that a client likes best for an answer (RFC 9110, section 12.5.3); nil if
  /// none is better than the answer as it is.
  package static func wanted(by fields: HeaderFields?) -> ContentCoding? {
    guard let fields, fields["Accept-Encoding"] != nil else { return nil }
    var weights: [String: Int] = [:]
    for member in fields.tokens(of: "Accept-Encoding") {
      let parts = member.split(separator: ";", omittingEmptySubsequences: false).map {
        $0.filter { $0 != " " && $0 != "\t" }
      }
      let weight = parts.count == 1 ? 1000 : parts.count == 2 ? thousandths(parts[1]) : nil
      // What is malformed is passed over, since any coding may be left out.
      if let weight { weights[parts[0] == "x-gzip" ? "gzip" : parts[0]] = weight }
    }
    let plain = weights["identity"] ?? 0
    var best: (coding: ContentCoding, weight: Int)?
    for coding in allCases {
      let weight = weights[coding.rawValue] ?? weights["*"] ?? 0
      if weight > 0, weight >= plain, weight > best?.weight ?? 0 { best = (coding, weight) }
    }
    return best?.coding
  }

  /// Reads a weight, `q=0.5`, in thousandths; nil for anything else.
  private static func thousandths(_ text: String) -> Int? {
    guard text.hasPrefix("q=") else { return nil }
    let digits = text.dropFirst(2)
    let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, ["0", "1"].contains(parts[0]) else { return nil }
    let fraction = parts.count == 2 ? parts[1] : ""
    guard fraction.count <= 3,
      let places = NumberText.wholeNumber(
        fraction + String(repeating: "0", count: 3 - fraction.count))
    else { return nil }
    let weight = 1000 * (parts[0] == "1" ? 1 : 0) + places
    return weight <= 1000 ? weight : nil
  }
}
