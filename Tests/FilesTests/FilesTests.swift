import Files
import Foundation
import Testing

@Suite struct FilesTests {
  /// A folder that goes with the test.
  private final class Folder {
    let path = NSTemporaryDirectory() + "resnetd-files-\(UUID().uuidString)"

    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
      return "\(path)/\(name)"
    }

    var names: [String] {
      get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
    }
  }

  private func reason(_ path: String, followsLink: Bool = true) throws -> FileError {
    try #require(throws: FileError.self) { _ = try RegularFile(path, followsLink: followsLink) }
  }

  @Test(
    "A pipe, a folder, a device and a file that is not there are refused, and none is waited for")
  func irregular() throws {
    let folder = try Folder()
    let pipe = folder.path + "/pipe"
    let made = unsafe mkfifo(pipe, 0o600)
    try #require(made == 0)
    for path in [pipe, folder.path, "/dev/null"] {
      #expect(try reason(path).description == "cannot read \(path): not a regular file")
    }
    let missing = try reason(folder.path + "/missing")
    #expect(missing.number == ENOENT && missing.description.hasPrefix("cannot open "))
  }

  @Test("A link is followed only where that is allowed")
  func links() throws {
    let folder = try Folder()
    let path = try folder.file("file", [1, 2, 3])
    let link = folder.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    #expect(try RegularFile(link).byteCount == 3)
    #expect(try reason(link, followsLink: false).number == ELOOP)
  }

  @Test(
    "A file is read whole within its limit, in pieces, and from an offset",
    arguments: [0, 1, 65_536, 3_000_000])
  func reading(count: Int) throws {
    let folder = try Folder()
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let path = try folder.file("file", bytes)
    #expect(try RegularFile(path).readAll(limit: count) == bytes)
    if count > 0 {
      #expect(throws: FileError.self) { _ = try RegularFile(path).readAll(limit: count - 1) }
    }
    var pieces: [UInt8] = []
    try RegularFile(path).readPieces(
      { piece throws(FileError) in
        pieces += unsafe piece.withUnsafeBytes { unsafe Array($0) }
        return true
      }, orThrow: { $0 })
    #expect(pieces == bytes)
    #expect(
      try RegularFile(path).read(count: count / 2, at: count / 3)
        == Array(bytes[(count / 3)..<(count / 3 + count / 2)]))
    let fault = try #require(throws: FileError.self) {
      _ = try RegularFile(path).read(count: 2, at: count - 1 < 0 ? 0 : count - 1)
    }
    #expect(fault.reason.contains("ends before"))
  }

  @Test("A file is replaced at once, or is as it was with nothing left beside it")
  func replacing() throws {
    struct Refusal: Error {
      init() {}
      init(_ failure: FileError) {}
    }
    let folder = try Folder()
    let path = try folder.file("file", [1])
    #expect(throws: Refusal.self) {
      try AtomicFile.write(to: path, orThrow: Refusal.init) { file throws(Refusal) in
        let bytes: [UInt8] = [2, 3]
        do throws(FileError) { try unsafe file.write(bytes.span.bytes) } catch { throw Refusal() }
        throw Refusal()
      }
    }
    #expect(try folder.names == ["file"])
    #expect(try RegularFile(path).readAll(limit: 9) == [1])
    try AtomicFile.write(to: path) { file throws(FileError) in
      let bytes: [UInt8] = [4, 5]
      try unsafe file.write(bytes.span.bytes)
    }
    #expect(try RegularFile(path).readAll(limit: 9) == [4, 5])
    // Where the file system has files without a name, a process that is killed leaves nothing.
    let unnamed = unsafe open(folder.path, O_WRONLY | 0o20_000_000 | O_DIRECTORY, 0o600)
    if unnamed >= 0 {
      close(unnamed)
      try AtomicFile.write(to: path) { _ throws(FileError) in
        #expect((try? folder.names) == ["file"])
      }
    }
    let fault = try #require(throws: FileError.self) {
      try AtomicFile.write(to: folder.path) { _ throws(FileError) in }
    }
    #expect(fault.description.contains("it is not a regular file"))
    #expect(try folder.names == ["file"])
  }

  @Test("A text file's folders are made, and its first bytes read")
  func text() throws {
    let folder = try Folder()
    let path = folder.path + "/a/b/text"
    #expect(TextFile.read(path) == nil)
    try TextFile.replace(path, with: "some words")
    #expect(TextFile.read(path) == "some words")
    #expect(TextFile.read(path, byteLimit: 4) == "some")
    let pipe = folder.path + "/pipe"
    let made = unsafe mkfifo(pipe, 0o600)
    try #require(made == 0)
    #expect(throws: FileError.self) { try TextFile.replace(pipe, with: "no") }
    #expect(try folder.names == ["a", "pipe"])
    // A link itself is replaced, not the file that it leads to.
    let other = try folder.file("other", [1])
    let link = folder.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other)
    try TextFile.replace(link, with: "new")
    #expect(TextFile.read(link) == "new")
    #expect(try RegularFile(other).readAll(limit: 9) == [1])
  }

  @Test("Digits and bytes are turned into each other, and nothing else is taken for digits")
  func digits() {
    #expect(HexDigits.text([0, 0x0f, 0xf0, 0xff]) == "000ff0ff")
    #expect(HexDigits.bytes("000ff0ff") == [0, 0x0f, 0xf0, 0xff])
    #expect(HexDigits.bytes("") == [])
    for text in ["0", "0g", "FF", " 0", "é0"] { #expect(HexDigits.bytes(text) == nil) }
  }

  @Test("SHA-256 gives the digests of FIPS 180-4's examples")
  func digest() throws {
    let examples = [
      "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ]
    for (text, expected) in examples {
      var digest = try SHA256()
      for byte in text.utf8 {
        let part = [byte]
        unsafe digest.update(part.span.bytes)
      }
      #expect(HexDigits.text(digest.finish()) == expected)
    }
  }
}
