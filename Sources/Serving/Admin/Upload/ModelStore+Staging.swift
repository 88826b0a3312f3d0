import Checkpoint
import ModelStore

/// Reason why writing a model file into a store failed.
enum StagingFailure: Error {
  case store(StoreError)
  case model(CheckpointError)
}

extension ModelStore {
  /// Stages the bytes that `write` hands over, as an upload that waits to be kept.
  func stage(
    _ write: ((RawSpan) throws(CheckpointError) -> Void) throws(CheckpointError) -> Void
  ) -> Result<StagedModel, StagingFailure> {
    var fault: StoreError?
    do throws(StoreError) {
      let upload = try beginUpload()
      do throws(CheckpointError) {
        try write { bytes throws(CheckpointError) in
          do throws(StoreError) { try upload.append(bytes) } catch {
            fault = error
            throw .unsupported(error.description)
          }
        }
      } catch {
        guard let fault else { return .failure(.model(error)) }
        throw fault
      }
      return .success(try upload.finish())
    } catch {
      return .failure(.store(error))
    }
  }
}
