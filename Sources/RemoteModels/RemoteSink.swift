import ModelStore

/// Takes the bytes of a remote file in order.
protocol RemoteSink: AnyObject {
  /// Called before the first bytes of a body; one that begins elsewhere than at 0 was asked for.
  ///
  /// - Returns: Whether they are wanted; the sink itself knows why not.
  func begin(at start: Int, etag: String?) -> Bool

  /// - Parameter announced: Bytes of the whole file, nil when that is not known.
  /// - Returns: Whether more are wanted; the sink itself knows why not.
  func take(_ bytes: RawSpan, announced: Int?) -> Bool
}

extension RemoteSink {
  func begin(at start: Int, etag: String?) -> Bool { true }
}

/// A small file, in memory.
final class MemorySink: RemoteSink {
  private let byteLimit: Int
  private(set) var bytes: [UInt8] = []
  private(set) var isOverLimit = false

  init(byteLimit: Int) { self.byteLimit = byteLimit }

  func take(_ bytes: RawSpan, announced: Int?) -> Bool {
    isOverLimit = bytes.byteCount > byteLimit - self.bytes.count
    if !isOverLimit { self.bytes += unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
    return !isOverLimit
  }
}

/// A model, staged in a store as it comes.
final class StoreSink: RemoteSink {
  private let store: ModelStore
  private var upload: Upload?
  private(set) var failure: StoreError?

  init(_ store: ModelStore) { self.store = store }

  func take(_ bytes: RawSpan, announced: Int?) -> Bool {
    do throws(StoreError) {
      if upload == nil { upload = try store.beginUpload(expectedByteCount: announced) }
      try upload?.append(bytes)
      return true
    } catch {
      failure = error
      return false
    }
  }

  func finish() throws(StoreError) -> StagedModel {
    guard let upload else { throw .emptyUpload }
    return try upload.finish()
  }
}
