import Files
import Glibc
import Serving

/// `resnetd api-key`: a new key for a client, with its line for the file of `--api-keys`.
enum APIKeyCommand: Command {
  struct Settings: CommandSettings {
    var rate: ImageRate?
    var burst: Int?
    /// File that the line is added to.
    var file: String?
  }

  /// Words of 64 random bits in a key: 256 bits cannot be guessed.
  private static let wordCount = 4
  /// Beginning by which people and scanners of secrets know a key of this program.
  private static let prefix = "rn_"

  static let name = "api-key"
  static let summary = "make a key for a client of a server with --api-keys"
  static let operands = "NAME"
  static let discussion = """
    Prints a new random key, which is kept nowhere, and the line that lets it in. The line has the
    key's digest alone. With --append the line goes to the end of a file, and the key alone is printed.
    """
  static let options: [Option<Settings>] = [
    Option(
      name: "rate", valueName: "N/s|N/min|N/h",
      help: "images that the key may send in a second, minute or hour; no limit by default"
    ) { (settings, text) throws(InvalidValue) in
      guard let rate = ImageRate(text) else {
        throw InvalidValue(expected: "\(ImageRate.expected), as 10/s")
      }
      settings.rate = rate
    } defaultText: {
      $0.rate?.text
    },
    .optionalInteger(
      "burst", "N", \.burst, in: ImageRate.counts,
      "images that it may send at once after a pause; by default as many as the rate's N"),
    .optionalPath(
      "append", "FILE", \.file, "add the line to this file, which is made if it is missing"),
  ]
  static let examples = [
    CommandExample("resnetd api-key ada", "make a key for ada"),
    CommandExample(
      "resnetd api-key ada --rate 10/s --append /etc/resnetd/api-keys",
      "let it in at once, with a rate; a running server reads the file again"),
  ]

  static func run(_ settings: Settings, operands: [String]) throws -> ExitCode {
    guard operands.count == 1, APIKeyList.isName(operands[0]) else {
      throw UsageError("give the client's name: \(APIKeyList.nameRule)")
    }
    var rate = settings.rate
    if let burst = settings.burst {
      guard rate != nil else { throw UsageError("--burst needs --rate") }
      rate?.burst = burst
    }
    let key = newKey()
    let entry = APIKeyList.Entry(
      name: operands[0], digest: try KeyDigest(of: key.utf8), rate: rate)
    guard let file = settings.file else {
      StandardOutput.write("key:  \(key)\nline: \(entry.line)")
      return .success
    }
    try append(entry, to: file)
    StandardOutput.write(key)
    return .success
  }

  private static func newKey() -> String {
    // The system's generator, which is made for secrets (getrandom(2)).
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<wordCount).flatMap { _ in
      let word = generator.next() as UInt64
      return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
    }
    return prefix + HexDigits.text(bytes)
  }

  /// Adds the line at the end of the file, which stays as it is unless all of it can be used then.
  ///
  /// The file is not replaced by a new one: owner and permissions may be what lets the server read it.
  private static func append(_ entry: APIKeyList.Entry, to path: String) throws(Failure) {
    var status = stat()
    let isThere = unsafe stat(path, &status) == 0
    do throws(FileError) {
      let present =
        isThere ? try RegularFile(path).readAll(limit: APIKeyList.byteLimit) : []
      let end = UInt8(ascii: "\n")
      let added = (present.last ?? end == end ? "" : "\n") + entry.line + "\n"
      do throws(APIKeyList.Fault) {
        _ = try APIKeyList(present + Array(added.utf8))
      } catch {
        throw FileError("add the key to", path, reason: error.description)
      }
      let descriptor = unsafe open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o644)
      guard descriptor >= 0 else { throw FileError("open", path) }
      defer { close(descriptor) }
      let bytes = Array(added.utf8)
      // SAFETY: the elements are bytes.
      guard FileOutput.write(unsafe bytes.span.bytes, to: descriptor), fsync(descriptor) == 0 else {
        throw FileError("write", path)
      }
    } catch {
      throw Failure(error.description)
    }
  }
}
