import Files
import Glibc
import RemoteModels

/// A folder for parts, each of which appears at once and whole, or not at all.
protocol PartStore: Sendable {
  /// Returns a part's name beside those of other folders.
  func place(of name: String) -> String

  /// Returns the names of all files that may be parts.
  func names() throws(Failure) -> [String]

  func read(_ name: String) throws(Failure) -> [UInt8]

  /// Writes a part; another one of this name stays, and is an error unless it has the same bytes.
  func create(_ name: String, _ bytes: [UInt8], _ format: ResultFormat) throws(Failure)
}

extension PartStore {
  /// Bytes of a part that is read, twice as many as a part has and more.
  static var byteLimit: Int { 64 << 20 }

  func taken(_ name: String) -> Failure {
    Failure(
      "\(place(of: name)) exists, with other rows: another process writes this shard; wait for its "
        + "end, and begin again")
  }
}

/// A folder of an S3 bucket.
struct BucketParts: PartStore {
  let folder: ObjectFolder

  func place(of name: String) -> String { folder.name(of: folder.prefix + name) }

  func names() throws(Failure) -> [String] {
    let bucket = BucketConnection(folder)
    var names: [String] = []
    var token: String?
    repeat {
      let page = try failing { () throws(ObjectError) in
        try bucket.page(start: PartName.start, after: token)
      }
      names += page.objects.map {
        String(decoding: $0.key.utf8.dropFirst(folder.prefix.utf8.count), as: UTF8.self)
      }
      token = page.next
    } while token != nil
    return names
  }

  func read(_ name: String) throws(Failure) -> [UInt8] {
    let content = try failing { () throws(ObjectError) in
      try BucketConnection(folder).read(folder.prefix + name, byteLimit: Self.byteLimit)
    }
    guard content.isWhole else {
      throw Failure("\(place(of: name)): more than \(Self.byteLimit) bytes, which no part has")
    }
    return content.bytes
  }

  func create(_ name: String, _ bytes: [UInt8], _ format: ResultFormat) throws(Failure) {
    let type = format == .csv ? "text/csv" : "application/x-ndjson"
    do throws(ObjectError) {
      try BucketConnection(folder).create(folder.prefix + name, bytes, contentType: type)
    } catch .exists {
      throw taken(name)
    } catch {
      throw Failure(PlainText.line(error.description))
    }
  }

  private func failing<Result>(
    _ body: () throws(ObjectError) -> Result
  ) throws(Failure) -> Result {
    do throws(ObjectError) { return try body() } catch {
      throw Failure(PlainText.line(error.description))
    }
  }
}

/// A folder of a file system.
struct FolderParts: PartStore {
  private let path: String

  /// Makes the folder if it is not there.
  init(_ path: String) throws(Failure) {
    self.path = path
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw Failure("\(path): cannot make the folder: \(SystemError.text())")
    }
  }

  func place(of name: String) -> String { path + name }

  func names() throws(Failure) -> [String] {
    do throws(Failure) {
      let listing = try FolderListing(path)
      return (0..<listing.count).map { String(decoding: listing.name(at: $0), as: UTF8.self) }
    } catch {
      throw Failure("\(path): \(error.message)")
    }
  }

  func read(_ name: String) throws(Failure) -> [UInt8] {
    do throws(FileError) {
      return try RegularFile(place(of: name)).readAll(limit: Self.byteLimit)
    } catch {
      throw Failure(error.description)
    }
  }

  func create(_ name: String, _ bytes: [UInt8], _ format: ResultFormat) throws(Failure) {
    let path = place(of: name)
    var status = stat()
    if unsafe stat(path, &status) == 0 {
      guard try read(name) == bytes else { throw taken(name) }
      return
    }
    do throws(FileError) {
      try AtomicFile.write(to: path) { file throws(FileError) in
        // SAFETY: the elements are bytes.
        guard unsafe FileOutput.write(bytes.span.bytes, to: file.descriptor) else {
          throw FileError("write", path)
        }
      }
    } catch {
      throw Failure(error.description)
    }
  }
}
