import CCurl
import Checkpoint
package import ModelStore

/// Follows the pointer of a remote store and fetches the models that it names, checked, into a
/// local store.
///
/// Calls wait for the network, up to the limits, so they need a thread of their own.
package struct RemoteModels: Sendable {
  /// A model that the pointer named.
  package enum Fetched: Sendable, Hashable {
    /// Model to be kept once it has proved good.
    case staged(StagedModel)
    /// Model that was already kept.
    case kept(StoredVersion)
  }

  package let source: RemoteSource
  package let cancellation: Cancellation
  private let limits: RemoteLimits
  /// The pointer that was last fetched, and the server's tag for it.
  private var last: (pointer: RemotePointer, etag: String)?

  /// Follows `source`; `cancellation` ends a call in progress, and all later ones.
  package init(
    _ source: RemoteSource, limits: RemoteLimits = RemoteLimits(),
    cancellation: Cancellation = Cancellation()
  ) {
    self.source = source
    self.cancellation = cancellation
    self.limits = limits
  }

  /// Version of libcurl, as loaded.
  package static var libraryVersion: String { unsafe String(cString: remote_library_version()) }

  /// Returns the remote store's pointer, whose bytes are sent again only if they have changed.
  package mutating func pointer() throws(RemoteError) -> RemotePointer {
    let address = source.address(of: RemotePointer.fileName)
    let sink = MemorySink(address, byteLimit: limits.pointerByteLimit)
    let answer = try fetch(
      address, etag: last?.etag, within: limits.pointerTimeout, into: sink)
    if answer.status == 304, let last { return last.pointer }
    guard answer.status == 200 else { throw .status(address: address, answer.status) }
    let pointer = try RemotePointer(json: sink.bytes, address: address)
    last = answer.etag.map { (pointer, $0) }
    return pointer
  }

  /// Fetches the model that a pointer names unless `store` keeps it. A staged model has the
  /// pointer's digest.
  ///
  /// - Parameter evenIfKept: For replacing bytes that were damaged on the disk with whole ones.
  package func fetch(
    _ pointer: RemotePointer, into store: ModelStore, evenIfKept: Bool = false
  ) throws(RemoteError) -> Fetched {
    if !evenIfKept, let kept = try? store.version(matching: pointer.version.hex) {
      return .kept(kept)
    }
    let address = source.address(of: pointer.file)
    let sink = StoreSink(store)
    let answer = try fetch(address, etag: nil, within: limits.modelTimeout, into: sink)
    guard answer.status == 200 else { throw .status(address: address, answer.status) }
    let staged = try sink.finish()
    guard staged.version == pointer.version else {
      store.discard(staged)
      throw .wrongDigest(address: address, expected: pointer.version, actual: staged.version)
    }
    return .staged(staged)
  }

  private func fetch(
    _ address: String, etag: String?, within timeout: Duration, into sink: any RemoteSink
  ) throws(RemoteError) -> WebFetch.Answer {
    if cancellation.isCancelled { throw .cancelled }
    let bucket: Bucket?
    switch source {
    case .folder:
      try FolderFetch(path: address, cancellation: cancellation).run(into: sink)
      return WebFetch.Answer(status: 200, etag: nil)
    case .web: bucket = nil
    case .bucket(let signed): bucket = signed
    }
    return try WebFetch(
      address: address, bucket: bucket, limits: limits, timeout: timeout,
      cancellation: cancellation
    ).run(etag: etag, into: sink)
  }
}
