package import Checkpoint
package import ModelStore

/// Why a remote store cannot be followed; nothing of it is kept then.
package enum RemoteError: Error, Hashable, CustomStringConvertible {
  /// What names no store, or a setting of the environment that is of no use.
  case malformedSource(String, reason: String)
  /// No answer, or not all of it.
  case transfer(address: String, reason: String)
  case status(address: String, Int)
  case tooLarge(address: String, limit: Int)
  /// `current.json` is not what it should be.
  case malformedPointer(address: String, reason: String)
  /// The bytes are not those that the pointer names.
  case wrongDigest(address: String, expected: ModelVersion, actual: ModelVersion)
  /// The store here does not take it.
  case store(StoreError)
  /// `Cancellation.cancel` was called.
  case cancelled

  package var description: String {
    switch self {
    case .malformedSource(let text, let reason): "model store \(text): \(reason)"
    case .transfer(let address, let reason): "cannot fetch \(address): \(reason)"
    case .status(let address, let status): "cannot fetch \(address): status \(status)"
    case .tooLarge(let address, let limit):
      "cannot fetch \(address): more than \(limit) bytes"
    case .malformedPointer(let address, let reason): "\(address): \(reason)"
    case .wrongDigest(let address, let expected, let actual):
      "\(address) is \(actual.hex), the pointer names \(expected.hex)"
    case .store(let error): "\(error)"
    case .cancelled: "cancelled"
    }
  }
}
