import ModelStore

/// Receives the bytes of a remote file in order; an error ends the transfer and is thrown to the
/// caller.
protocol RemoteSink: AnyObject {
  /// Called before the first bytes of a body, which begins elsewhere than at 0 only on request.
  func begin(at start: Int, etag: String?) throws(RemoteError)

  /// Takes the next bytes; `announced` is the whole file's byte count, or nil if unknown.
  func take(_ bytes: RawSpan, announced: Int?) throws(RemoteError)
}

extension RemoteSink {
  func begin(at start: Int, etag: String?) throws(RemoteError) {}
}

/// A small file in memory.
final class MemorySink: RemoteSink {
  private let address: String
  private let byteLimit: Int
  private(set) var bytes: [UInt8] = []

  init(_ address: String, byteLimit: Int) {
    self.address = address
    self.byteLimit = byteLimit
  }

  func take(_ bytes: RawSpan, announced: Int?) throws(RemoteError) {
    guard bytes.byteCount <= byteLimit - self.bytes.count else {
      throw .tooLarge(address: address, limit: byteLimit)
    }
    self.bytes += unsafe bytes.withUnsafeBytes { unsafe Array($0) }
  }
}

/// A model that is staged in a store as it arrives.
final class StoreSink: RemoteSink {
  private let store: ModelStore
  private var upload: Upload?

  init(_ store: ModelStore) { self.store = store }

  func take(_ bytes: RawSpan, announced: Int?) throws(RemoteError) {
    do throws(StoreError) {
      if upload == nil { upload = try store.beginUpload(expectedByteCount: announced) }
      try upload?.append(bytes)
    } catch {
      throw .store(error)
    }
  }

  func finish() throws(RemoteError) -> StagedModel {
    do throws(StoreError) {
      guard let upload else { throw .emptyUpload }
      return try upload.finish()
    } catch {
      throw .store(error)
    }
  }
}
