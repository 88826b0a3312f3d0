import Files

/// Reads a file of a followed folder, following links too, because whoever keeps the folder wants
/// them.
struct FolderFetch {
  let path: String
  let cancellation: Cancellation

  func run(into sink: any RemoteSink) throws(RemoteError) {
    let failure = { (error: FileError) in
      RemoteError.transfer(address: error.path, reason: error.reason)
    }
    let file: RegularFile
    do throws(FileError) { file = try RegularFile(path) } catch { throw failure(error) }
    let announced = file.byteCount
    try file.readPieces(
      { bytes throws(RemoteError) in
        if cancellation.isCancelled { throw .cancelled }
        try sink.take(bytes, announced: announced)
        return true
      }, orThrow: failure)
  }
}
