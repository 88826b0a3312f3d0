import Dispatch
import ModelStore
import RemoteModels
import Serving

/// The thread that follows a remote store while the server serves.
struct FollowerThread {
  /// For a poll or a fetch to end that was cancelled. A swap that takes longer leaves the store as it was or with the
  /// new model live, so it is not waited for.
  private static let patience = DispatchTimeInterval.seconds(1)

  private let cancellation: Cancellation
  private let ended = DispatchSemaphore(value: 0)
  private let thread: WorkerThread

  /// Starts at once.
  init(_ follower: Follower, changing administration: ModelAdministration) throws(Failure) {
    cancellation = follower.cancellation
    let thread = WorkerThread { [ended] in
      var follower = follower
      let source = follower.source
      repeat {
        _ = follower.poll { fetched in
          switch fetched {
          case .staged(let staged): administration.promote(staged, from: source)
          case .kept(let kept): administration.promote(kept.version, from: source)
          }
        }
      } while follower.wait()
      follower.end()
      ended.signal()
    }
    guard let thread else { throw Failure("no thread can be started") }
    self.thread = thread
  }

  /// Called once.
  func stop() {
    cancellation.cancel()
    if ended.wait(timeout: .now() + Self.patience) == .success {
      // What it still holds goes with it.
      thread.join()
    } else {
      thread.detach()
    }
  }
}
