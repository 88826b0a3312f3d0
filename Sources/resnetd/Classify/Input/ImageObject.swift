import Dispatch
import Imaging
import RemoteModels
import Serving
import Synchronization

/// An object that is an image by its name, or may be one, on its way from a bucket.
///
/// The thread that fetches it calls `fetch` or `leave`, and the one that classifies it `content`, each
/// once.
final class ImageObject: Sendable, Hashable {
  private enum State: Sendable {
    case waiting
    case come(ImageReader.Outcome)
    case left
    /// Reason why no object can be fetched.
    case failed(Failure)
  }

  private let object: ListedObject
  /// Whether its name does not tell what it is.
  private let isUnnamed: Bool
  private let state = Mutex(State.waiting)
  private let hasCome = DispatchSemaphore(value: 0)
  /// Called with `byteLimit` when its bytes are not kept here any more.
  private let release: @Sendable (Int) -> Void

  init(_ object: ListedObject, isUnnamed: Bool, release: @escaping @Sendable (Int) -> Void) {
    (self.object, self.isUnnamed, self.release) = (object, isUnnamed, release)
  }

  static func == (one: ImageObject, other: ImageObject) -> Bool { one === other }

  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  /// Bytes that are fetched of it: of what is too large for an image, only as many as tell whether it
  /// is one.
  var byteLimit: Int {
    object.byteCount > ImageReader.byteCountLimit
      ? ImageReader.magicByteCount : max(object.byteCount, ImageReader.magicByteCount)
  }

  func fetch(from bucket: BucketConnection) {
    do throws(ObjectError) {
      come(.come(outcome(of: try bucket.read(object.key, byteLimit: byteLimit))))
    } catch .cancelled {
      leave()
    } catch {
      guard let fault = error.objectFault else {
        return come(.failed(Failure(PlainText.line(error.description))))
      }
      come(.come(.failure(Problem(400, .unreadableFile, fault))))
    }
  }

  /// Lets it be, because the run ends.
  func leave() { come(.left) }

  /// Waits for it; nil if it was left.
  ///
  /// - Throws: Why no object can be fetched any more.
  func content() throws(Failure) -> ImageReader.Outcome? {
    hasCome.wait()
    let come = state.withLock { state in
      defer { state = .left }
      return state
    }
    release(byteLimit)
    switch come {
    case .waiting: preconditionFailure("what has come must have been set")
    case .come(let outcome): return outcome
    case .left: return nil
    case .failed(let failure): throw failure
    }
  }

  private func come(_ new: State) {
    state.withLock { $0 = new }
    hasCome.signal()
  }

  private func outcome(of content: BucketConnection.Content) -> ImageReader.Outcome {
    let magic = content.bytes.prefix(ImageReader.magicByteCount)
    if isUnnamed, ImageFormat(magicBytesOf: Array(magic).span) == nil { return .notImage }
    guard content.isWhole else {
      return .failure(
        Problem(
          400, .unreadableFile,
          object.byteCount > ImageReader.byteCountLimit
            ? "more than \(ImageReader.byteCountLimit) bytes" : "it grew after it was listed"))
    }
    return .bytes(content.bytes)
  }
}
