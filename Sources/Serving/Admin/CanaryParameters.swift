import FoundationEssentials

/// What `PUT /admin/canary` asks for: `{"version": "…", "percent": 5}`, with `header` and `max_disagreement` if wanted.
struct CanaryParameters: Sendable {
  /// Digits of a kept version.
  let version: String
  let rules: CanaryRules

  private struct Key: CodingKey {
    static let version = Key(stringValue: "version")
    static let percent = Key(stringValue: "percent")
    static let header = Key(stringValue: "header")
    static let maxDisagreement = Key(stringValue: "max_disagreement")
    static let known = [version, percent, header, maxDisagreement]

    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }

    init?(intValue: Int) { nil }
  }

  private struct Document: Decodable {
    let unknown: String?
    var version: String?
    var percent: Double?
    var header: Bool?
    /// Nil where the name is not there, nil inside for null.
    var maxDisagreement: Double??

    init(from decoder: any Decoder) throws {
      let members = try decoder.container(keyedBy: Key.self)
      let known = Set(Key.known.map(\.stringValue))
      unknown = members.allKeys.map(\.stringValue).filter { !known.contains($0) }.min()
      version = try members.decodeIfPresent(String.self, forKey: .version)
      percent = try members.decodeIfPresent(Double.self, forKey: .percent)
      header = try members.decodeIfPresent(Bool.self, forKey: .header)
      if members.contains(.maxDisagreement) {
        maxDisagreement = .some(try members.decodeIfPresent(Double.self, forKey: .maxDisagreement))
      }
    }
  }

  /// Throws for what is unknown, so that no misspelt bar is left out.
  init(_ body: [UInt8]) throws(Problem) {
    guard let document = try? JSONDecoder().decode(Document.self, from: Data(body)) else {
      throw .body(#"the body is not JSON like {"version": "0123456789ab", "percent": 5}"#)
    }
    if let unknown = document.unknown {
      let names = Key.known.map(\.stringValue).joined(separator: ", ")
      throw .parameter("there are \(names), no \(unknown)")
    }
    guard let version = document.version else { throw .parameter("version is missing") }
    guard let percent = document.percent.flatMap(CanaryPercent.init) else {
      throw .parameter("percent is a number from 0 to 100 with at most two digits behind the point")
    }
    var rules = CanaryRules(percent: percent, obeysHeader: document.header ?? true)
    if let bar = document.maxDisagreement {
      guard bar.map({ 0...1 ~= $0 }) ?? true else {
        throw .parameter("max_disagreement is a number from 0 to 1, or null")
      }
      rules.maxDisagreement = bar
    }
    self.version = version
    self.rules = rules
  }
}
