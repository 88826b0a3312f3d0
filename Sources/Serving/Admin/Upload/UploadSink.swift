import HTTPCore
import ModelStore
import Synchronization
import Telemetry

/// A model that arrives in a request's body for the store.
///
/// It is written on the connection's queue, which serves only the admin endpoint: a slow disk
/// delays administrators and nobody else.
final class UploadSink: BodySink {
  private struct State {
    var failure: StoreError?
    /// Whether it has arrived completely, so that its change tells the audit what becomes of it.
    var isWhole = false
  }

  /// Status that administrators see.
  let arriving: ArrivingUpload
  private let upload: Upload
  private let turns: SwapTurns
  private let actor: Administrator
  private let log: Log
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  /// - Parameters:
  ///   - turns: Lists it as arriving from now on.
  ///   - log: Records it if it does not arrive.
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
    note.outcome = "not taken: \(status.receivedByteCount)\(expected) bytes arrived"
    note.write(status.action, by: actor, after: .now - start, to: log)
  }

  /// Writes a part. After a failure the rest is read and discarded, so that the client sees the
  /// answer.
  func receive(_ part: [UInt8]) {
    guard arriving.received(part.count) else { return upload.discard() }
    guard state.withLock({ $0.failure == nil }) else { return }
    do throws(StoreError) {
      try upload.append(part)
    } catch {
      state.withLock { $0.failure = error }
    }
  }

  /// Returns why the file would not be taken even if the rest of it came: somebody has ended it, or the
  /// disk has failed. Nil if nothing is known against it.
  func problem(_ log: Log) -> Problem? {
    do throws(SwapFailure) { try arriving.check() } catch { return Problem(error) }
    return state.withLock(\.failure).map { log.problem($0) }
  }

  /// Returns the complete file, on disk.
  func finish(_ log: Log) throws(Problem) -> StagedModel {
    state.withLock { $0.isWhole = true }
    do throws(SwapFailure) { try arriving.check() } catch { throw Problem(error) }
    return try log.stored { () throws(StoreError) in
      if let failure = state.withLock(\.failure) { throw failure }
      return try upload.finish()
    }
  }
}
