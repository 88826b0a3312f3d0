import Dispatch
import Inference
import ModelStore
import RemoteModels
package import Serving
import Time

/// The thread that follows a remote store, before there is a model and while the server serves.
package struct FollowerThread {
  /// Time for a cancelled poll or fetch to end.
  ///
  /// A swap that takes longer leaves the store unchanged or with the new model live, so it is not
  /// waited for.
  private static let patience = Duration.seconds(1)

  private let cancellation: Cancellation
  private let desk: FollowerDesk
  private let ended = DispatchSemaphore(value: 0)
  private let thread: WorkerThread

  /// Starts immediately; returns nil if the system refuses a thread.
  ///
  /// - Parameter once: Whether there is another model to begin with if the first poll brings none.
  package init?(_ follower: Follower, _ desk: FollowerDesk, once: Bool) {
    cancellation = follower.cancellation
    self.desk = desk
    let thread = WorkerThread { [ended] in
      var follower = follower
      let source = follower.source
      var isFirst = true
      desk.wait()
      repeat {
        let outcome = follower.poll { desk.promote($0, from: source) }
        guard let outcome else { continue }
        desk.polled(outcome)
        if isFirst, once { desk.giveUp() }
        isFirst = false
      } while follower.wait()
      follower.end()
      ended.signal()
    }
    guard let thread else { return nil }
    self.thread = thread
  }

  /// Makes every model that is fetched from now on take the place of a live one.
  package func open(_ administration: ModelAdministration) { desk.open(administration) }

  /// Ends the thread; called once.
  package func stop() {
    cancellation.cancel()
    desk.close()
    if ended.wait(for: Self.patience) {
      // Its remaining resources go with it.
      thread.join()
    } else {
      thread.detach()
    }
  }
}
