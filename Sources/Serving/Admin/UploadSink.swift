import HTTPCore
import ModelStore
import Synchronization

/// A model on its way from a request's body into the store.
///
/// It is written on the connection's queue, which serves the admin endpoint alone: a slow disk holds back administrators
/// and nobody else.
final class UploadSink: BodySink {
  private let upload: Upload
  private let failure = Mutex<StoreError?>(nil)

  init(_ upload: Upload) { self.upload = upload }

  /// After a failure the rest is read and thrown away, so that the client sees the answer.
  func receive(_ part: [UInt8]) {
    guard failure.withLock({ $0 == nil }) else { return }
    do throws(StoreError) {
      try upload.append(part)
    } catch {
      failure.withLock { $0 = error }
    }
  }

  /// The whole of it, on disk.
  func finish() throws(StoreError) -> StagedModel {
    if let failure = failure.withLock({ $0 }) { throw failure }
    return try upload.finish()
  }
}
