package import Checkpoint

/// A published file at a fixed address, whose name ends in the first digits of its SHA-256, like
/// torch.hub's: `NAME-01ab23cd.pth`.
///
/// The part that has arrived is in a partial file, from which this run or a later one continues.
package struct Download: Sendable {
  /// Hexadecimal digits in a name; fewer would prove too little.
  private static let digitCountRange = 8...64

  package let address: String
  /// First digits of the SHA-256, lower-case.
  package let digits: String
  private let limits: RemoteLimits

  /// Names a file and `digits` of its SHA-256, which are those in its name by default.
  package init(
    _ address: String, digits: String? = nil, limits: RemoteLimits = RemoteLimits()
  ) throws(RemoteError) {
    do throws(RemoteError) {
      self.address = try RemoteSource.address(address)
    } catch {
      guard case .malformedSource(let text, _) = error else { throw error }
      throw .malformedAddress(text, reason: "no http or https address of a file, without a query")
    }
    self.limits = limits
    guard let digits = digits ?? Self.digits(in: self.address) else {
      throw .malformedAddress(
        address,
        reason: "the name does not end in 8 or more digits of its SHA-256, as NAME-01ab23cd.pth")
    }
    self.digits = digits
  }

  /// Returns the digits between the last `-` and the extension of the last component.
  private static func digits(in address: String) -> String? {
    guard let name = address.split(separator: "/").last, let dash = name.lastIndex(of: "-") else {
      return nil
    }
    let digits = name[name.index(after: dash)...].prefix { $0 != "." }
    let areDigits = digits.utf8.allSatisfy { byte in
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
    return areDigits && digitCountRange.contains(digits.utf8.count) ? String(digits) : nil
  }

  /// Fetches the part that the partial file lacks and checks the whole file.
  ///
  /// The file remains; bytes with another digest do not.
  ///
  /// - Parameters:
  ///   - wait: Called between attempts.
  ///   - retrying: Receives the reason why an attempt failed, and the delay before the next one.
  ///   - progress: Receives the bytes that have arrived, and the total if the server tells it.
  /// - Returns: The SHA-256 of the file.
  package func run(
    into partial: PartialFile, wait: (Duration) -> Void,
    retrying: (RemoteError, Duration) -> Void = { _, _ in },
    progress: @escaping (_ byteCount: Int, _ announced: Int?) -> Void = { _, _ in }
  ) throws(RemoteError) -> ModelVersion {
    do throws(RemoteError) {
      try partial.resume(address, byteLimit: limits.downloadByteLimit, progress: progress)
      return try fetchAll(into: partial, wait, retrying)
    } catch {
      if partial.byteCount == 0 { partial.remove() }
      throw error
    }
  }

  /// Fetches all bytes, which must have the wanted digest.
  private func fetchAll(
    into partial: PartialFile, _ wait: (Duration) -> Void,
    _ retrying: (RemoteError, Duration) -> Void
  ) throws(RemoteError) -> ModelVersion {
    // Parts of two answers may belong to two files, whatever the server's tags say: then begin
    // again, once.
    var mayBegin = true
    while true {
      try fetch(into: partial, wait, retrying)
      let version = try partial.version()
      if version.hex.hasPrefix(digits) { return version }
      mayBegin = mayBegin && partial.isJoined
      try partial.restart()
      guard mayBegin else {
        throw .wrongDigits(address: address, expected: digits, actual: version)
      }
      mayBegin = false
    }
  }

  /// Repeats attempts until one succeeds; the bytes of each remain.
  private func fetch(
    into partial: PartialFile, _ wait: (Duration) -> Void,
    _ retrying: (RemoteError, Duration) -> Void
  ) throws(RemoteError) {
    var delay = limits.retryDelay
    for attempt in 0... {
      do throws(RemoteError) {
        return try fetch(into: partial)
      } catch {
        guard attempt < limits.retryLimit, error.isPassing else { throw error }
        retrying(error, delay)
      }
      wait(delay)
      delay = min(delay * 2, limits.longestRetryDelay)
    }
  }

  private func fetch(into partial: PartialFile) throws(RemoteError) {
    let rest = partial.etag.map { WebFetch.Rest(offset: partial.byteCount, etag: $0) }
    if rest == nil { try partial.restart() }
    let fetch = WebFetch(
      address: address, bucket: nil, limits: limits, timeout: limits.modelTimeout,
      cancellation: Cancellation())
    let status = try fetch.run(etag: nil, rest: rest, into: partial).status
    switch (status, rest) {
    case (200, _), (206, .some): return
    // All of it was already here, or more than there is: the digest tells.
    case (416, .some): return
    default: throw .status(address: address, status)
    }
  }
}

extension RemoteError {
  /// Whether the same request may succeed a little later.
  fileprivate var isPassing: Bool {
    switch self {
    case .transfer: true
    case .status(_, let status): RemoteLimits.isPassing(status: status)
    default: false
    }
  }
}
