import Files

/// Keys of clients, as a file lists them.
///
///     # a comment
///     NAME sha256:DIGEST [rate=N/s|N/min|N/h [burst=N]]
///
/// Of a line nothing but a well-formed name is quoted: anything else may be a key that somebody has
/// taken for its digest.
package struct APIKeyList: Sendable {
  /// Bytes of the file, 256 KiB.
  package static let byteLimit = 256 << 10
  /// Lines of the file, comments included.
  package static let lineLimit = 10_000
  /// Keys: each has series of its own in `/metrics`, and is compared with what every request shows.
  package static let keyLimit = 1000
  /// Bytes of a name.
  package static let nameByteLimit = 64

  /// A line with a key.
  package struct Entry: Sendable, Hashable {
    package let name: String
    package let digest: KeyDigest
    package let rate: ImageRate?

    package init(name: String, digest: KeyDigest, rate: ImageRate?) {
      (self.name, self.digest, self.rate) = (name, digest, rate)
    }

    /// The line, as it stands in a file.
    package var line: String {
      "\(name) sha256:\(digest.hex)" + (rate.map { " \($0.words)" } ?? "")
    }
  }

  /// Reason why a file cannot be used.
  package struct Fault: Error, CustomStringConvertible {
    package let description: String

    init(_ reason: String, line: Int? = nil) {
      description = (line.map { "line \($0): " } ?? "") + reason
    }
  }

  /// The keys, in the file's order.
  package let entries: [Entry]

  /// Reads a file.
  package init(path: String) throws(Fault) {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try RegularFile(path).readAll(limit: Self.byteLimit)
    } catch {
      throw Fault(error.description)
    }
    do throws(Fault) {
      try self.init(bytes)
    } catch {
      throw Fault("\(path): \(error)")
    }
  }

  /// Reads what a file holds.
  package init(_ bytes: [UInt8]) throws(Fault) {
    let lines = bytes.split(
      separator: UInt8(ascii: "\n"), maxSplits: Self.lineLimit, omittingEmptySubsequences: false)
    guard lines.count <= Self.lineLimit else { throw Fault("more than \(Self.lineLimit) lines") }
    var reader = Reader()
    for (index, line) in lines.enumerated() { try reader.read(line, number: index + 1) }
    guard !reader.entries.isEmpty else {
      throw Fault(
        "there is no key in it, so nobody could ask; `resnetd api-key NAME --append FILE` adds one")
    }
    entries = reader.entries
  }

  /// Returns whether it can be the name of a key: such names need no quotes in logs and metrics.
  package static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= nameByteLimit, isAlphanumeric(first)
    else { return false }
    return text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
  }

  /// The rule of `isName`, for whoever has broken it.
  package static let nameRule =
    "a name has 1 to \(nameByteLimit) letters, digits, dots, underscores and hyphens, and begins with a letter or digit"

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  /// The keys so far, and where each was.
  private struct Reader {
    private static let remedy = "`resnetd api-key NAME` makes a key with its line"

    private(set) var entries: [Entry] = []
    private var lines: [(name: String, digest: KeyDigest)] = []
    private var namesByLine: [String: Int] = [:]
    private var digestsByLine: [KeyDigest: Int] = [:]

    mutating func read(_ line: ArraySlice<UInt8>, number: Int) throws(Fault) {
      let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }.map {
        String(decoding: $0, as: UTF8.self)
      }
      guard let name = words.first, !name.hasPrefix("#") else { return }
      guard isName(name) else { throw Fault("\(nameRule); \(Self.remedy)", line: number) }
      guard words.count > 1, words[1].hasPrefix("sha256:"),
        let digest = KeyDigest(hex: words[1].dropFirst("sha256:".count))
      else {
        throw Fault(
          "after a key's name comes sha256: with 64 hexadecimal digits, the digest of the key and "
            + "never the key itself; \(Self.remedy)", line: number)
      }
      let entry = Entry(
        name: name, digest: digest, rate: try Self.rate(words.dropFirst(2), number))
      guard digest.hex != KeyDigest.hexOfNothing else {
        throw Fault("this is the digest of an empty key; \(Self.remedy)", line: number)
      }
      if let other = namesByLine.updateValue(number, forKey: name) {
        throw Fault(
          "the name \(name) is on line \(other) already; give each key a name of its own",
          line: number)
      }
      if let other = digestsByLine.updateValue(number, forKey: digest) {
        throw Fault("this key is on line \(other) already; remove one of them", line: number)
      }
      guard entries.count < keyLimit else {
        throw Fault("more than \(keyLimit) keys", line: number)
      }
      entries.append(entry)
    }

    private static func rate(
      _ words: ArraySlice<String>, _ number: Int
    ) throws(Fault) -> ImageRate? {
      var given: [String: Substring] = [:]
      for word in words {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, ["rate", "burst"].contains(parts[0]),
          given.updateValue(parts[1], forKey: String(parts[0])) == nil
        else {
          throw Fault(
            "after the digest there may be rate=N/s, rate=N/min or rate=N/h, and burst=N, each once",
            line: number)
        }
      }
      guard let text = given["rate"] else {
        guard given["burst"] == nil else {
          throw Fault("burst needs a rate, as in rate=10/s burst=20", line: number)
        }
        return nil
      }
      guard var rate = ImageRate(text) else {
        throw Fault("rate is \(ImageRate.expected), as in rate=10/s", line: number)
      }
      if let text = given["burst"] {
        guard let burst = NumberText.wholeNumber(text), ImageRate.counts.contains(burst) else {
          throw Fault("burst is \(ImageRate.expectedBurst), as in burst=20", line: number)
        }
        rate.burst = burst
      }
      return rate
    }
  }
}
