import HTTPCore
import ModelStore
import Synchronization
import Telemetry

/// A model on its way from a request's body into the store.
///
/// It is written on the connection's queue, which serves the admin endpoint alone: a slow disk holds back administrators
/// and nobody else.
final class UploadSink: BodySink {
  private struct State {
    var failure: StoreError?
    /// Whether all of it has come, so that the change that it is for tells the audit what becomes of it.
    var isWhole = false
  }

  /// What administrators see of it.
  let arriving: ArrivingUpload
  private let upload: Upload
  private let turns: SwapTurns
  private let actor: Administrator
  private let log: Log
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  /// - Parameters:
  ///   - turns: Where it is on its way from now on.
  ///   - log: Hears of it where it does not arrive.
  init(
    _ upload: Upload, _ arriving: ArrivingUpload, in turns: SwapTurns, by actor: Administrator,
    log: Log
  ) {
    self.upload = upload
    self.arriving = arriving
    self.turns = turns
    self.actor = actor
    self.log = log
    turns.arrives(arriving)
  }

  deinit {
    turns.leave(arriving)
    guard !state.withLock(\.isWhole) else { return }
    let status = arriving.status
    var note = AuditNote()
    let expected = status.expectedByteCount.map { " of \($0)" } ?? ""
    note.outcome = "not taken: \(status.receivedByteCount)\(expected) bytes had come"
    note.write(status.action, by: actor, after: .now - start, to: log)
  }

  /// After a failure the rest is read and thrown away, so that the client sees the answer.
  func receive(_ part: [UInt8]) {
    guard arriving.received(part.count) else { return upload.discard() }
    guard state.withLock({ $0.failure == nil }) else { return }
    do throws(StoreError) {
      try upload.append(part)
    } catch {
      state.withLock { $0.failure = error }
    }
  }

  /// The whole of it, on disk.
  func finish(_ log: Log) throws(Problem) -> StagedModel {
    state.withLock { $0.isWhole = true }
    do throws(SwapFailure) { try arriving.check() } catch { throw Problem(error) }
    return try log.stored { () throws(StoreError) in
      if let failure = state.withLock(\.failure) { throw failure }
      return try upload.finish()
    }
  }
}
