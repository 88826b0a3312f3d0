import Files
import Glibc

/// A model file, open for its upload, and its digest.
struct PushedFile: ~Copyable {
  private let file: RegularFile
  /// Digest in the form of RFC 9530, section 2.
  let contentDigest: String

  /// Opens the file and reads it once; throws if that fails.
  init(_ path: String) throws {
    let opened: RegularFile
    do throws(FileError) { opened = try RegularFile(path) } catch { throw Failure("\(error)") }
    var digest = try SHA256()
    try opened.readPieces(
      { bytes throws(Failure) in
        digest.update(bytes)
        return true
      }, orThrow: { Failure("\($0)") })
    guard lseek(opened.descriptor, 0, SEEK_SET) == 0 else {
      throw Failure("\(FileError("read", path))")
    }
    file = opened
    contentDigest = "sha-256=:\(Base64Text.text(digest.finish())):"
  }

  var descriptor: CInt { file.descriptor }
  var byteCount: Int { file.byteCount }
}
