import HTTPCore
import HTTPServer
import Inference
import Synchronization
import Time

/// Fetches images from other servers; blocks the thread that asks.
package protocol ImageFetching: Sendable {
  /// Fetches a URL that a client has named.
  ///
  /// - Parameters:
  ///   - byteLimit: Bytes of an image; more end the transfer.
  ///   - timeout: For each of the servers that redirections lead to.
  ///   - image: Is asked before each of them whether it may be asked, and several times a second
  ///     whether to go on; takes the bytes.
  func fetch(
    _ url: String, byteLimit: Int, timeout: Duration, into image: FetchedImage
  ) throws(FetchFault)
}

/// Reason why an image was not fetched.
package enum FetchFault: Error, Sendable, Hashable {
  /// The URL is none of http or https, or its server may not be asked.
  case refused(ImageOrigin?)
  /// A redirection leads to an address that is none of http or https.
  case misdirected
  /// The name belongs to an address that is not of the public network.
  case notPublic(ImageOrigin)
  case status(Int, ImageOrigin)
  case tooLarge(ImageOrigin)
  case timeout(ImageOrigin)
  /// Nobody wants it any more, or there is no room for it.
  case stopped
  case failed(String, ImageOrigin)
}

/// Bytes of an image as they arrive from another server; belongs to the thread that fetches it.
package final class FetchedImage {
  /// Bytes that room is made for first.
  private static let firstByteCount = 64 << 10

  private var held: HeldBytes
  /// Whether memory has run out.
  private(set) var hasNoRoom = false
  private let rule: FetchRule
  private let isNeeded: () -> Bool

  /// - Parameters:
  ///   - byteLimit: Bytes that it may have.
  ///   - isNeeded: Whether somebody waits for it.
  init(
    _ hold: any BodyHold, byteLimit: Int, _ rule: FetchRule, isNeeded: @escaping () -> Bool
  ) {
    held = HeldBytes(hold, limit: byteLimit)
    (self.rule, self.isNeeded) = (rule, isNeeded)
  }

  var bytes: [UInt8] { held.bytes }

  package var isWanted: Bool { isNeeded() }

  package func permission(for origin: ImageOrigin) -> FetchRule.Permission {
    rule.permission(for: origin)
  }

  /// Takes the next bytes, of which there are no more than its limit; false if there is no room for
  /// them.
  package func append(_ part: UnsafeRawBufferPointer) -> Bool {
    let first = min(max(Self.firstByteCount, part.count), held.limit)
    var isTaken = held.capacity > 0 || held.begin(capacity: first)
    if isTaken { isTaken = unsafe held.append(part) }
    hasNoRoom = !isTaken
    return isTaken
  }
}

/// Fetches images for requests that name them, a few at a time, each on a thread of its own.
package final class ImageFetcher: Sendable {
  /// Bytes of a body that names an image.
  static let bodyByteLimit = 8 << 10
  /// Images that are fetched at once.
  package static let countLimit = 8
  /// Threads that these take: each with one of libcurl's that looks a name up.
  package static let threadCount = 2 * countLimit
  /// Bytes that these take beside their images, 16 MiB: stacks, connections, and the authorities that
  /// OpenSSL reads for all of them.
  package static let transferByteCount = 16 << 20
  /// Time for each server to answer and to send the image.
  private static let serverTimeout = Duration.seconds(10)
  private static let retryAfterSeconds = 1

  private let source: any ImageFetching
  private let rule: FetchRule
  private let count = Mutex(0)

  package init(_ source: any ImageFetching, _ rule: FetchRule) {
    (self.source, self.rule) = (source, rule)
  }

  /// An image that a request names.
  struct Order: Sendable {
    var url: String
    var byteLimit: Int
    var exchange: Exchange
    /// Time from which an answer is no longer of use.
    var deadline: ContinuousClock.Instant
    /// Memory of the image.
    var hold: any BodyHold

    /// Whether somebody waits for it.
    var isWanted: Bool { !exchange.isCancelled && .now < deadline }
  }

  /// Starts to fetch. `done` is called once, from another thread, unless a problem is thrown.
  func fetch(
    _ order: Order, then done: @escaping @Sendable (Result<[UInt8], Problem>) -> Void
  ) throws(Problem) {
    let hasPlace = count.withLock { count in
      guard count < Self.countLimit else { return false }
      count += 1
      return true
    }
    guard hasPlace else { throw Self.busy }
    let thread = WorkerThread { [self] in
      let result = Result { () throws(Problem) in try image(order) }
      // The place is free before the answer comes.
      count.withLock { $0 -= 1 }
      done(result)
    }
    guard let thread else {
      count.withLock { $0 -= 1 }
      throw .overloaded
    }
    thread.detach()
  }

  private func image(_ order: Order) throws(Problem) -> [UInt8] {
    let image = FetchedImage(order.hold, byteLimit: order.byteLimit, rule) { order.isWanted }
    do throws(FetchFault) {
      let rest = order.deadline - .now
      try source.fetch(
        order.url, byteLimit: order.byteLimit, timeout: min(rest, Self.serverTimeout),
        into: image)
    } catch {
      if image.hasNoRoom { throw .overloaded }
      throw .notFetched(error, isWanted: order.isWanted, byteLimit: order.byteLimit)
    }
    guard !image.bytes.isEmpty else {
      throw Problem(422, .imageNotFetched, "the server of url has sent no bytes")
    }
    return image.bytes
  }

  private static let busy = Problem(
    503, .overloaded, "\(countLimit) images are being fetched already; try again later",
    retryAfterSeconds: retryAfterSeconds)
}

extension Problem {
  /// Problem of a request that names an image where none is fetched.
  static let fetchingIsOff = parameter(
    "url is taken at /classify alone, in a body of \(ImageFetcher.bodyByteLimit) bytes at most that is not compressed, where "
      + "--fetch-from of `resnetd serve` names the servers; send the image itself")

  fileprivate static func notFetched(
    _ fault: FetchFault, isWanted: Bool, byteLimit: Int
  ) -> Problem {
    guard isWanted else { return .deadline }
    switch fault {
    case .stopped: return .deadline
    case .refused(nil):
      return .parameter("url is an address of http or https without user and password")
    case .refused(let origin?):
      let scheme = origin.isEncrypted ? "" : " without TLS"
      return Problem(
        403, .addressRefused,
        "url: images are not fetched from \(origin)\(scheme); --fetch-from names the servers")
    case .notPublic(let origin):
      return Problem(
        403, .addressRefused, "url: \(origin) has an address that is not of the public network")
    case .status(let status, let origin):
      let reason = Response.reason(status)
      return Problem(
        422, .imageNotFetched,
        "url: \(origin) answered \(status)\(reason.isEmpty ? "" : " ")\(reason), not 200"
          + (300...399 ~= status ? "; only a few redirections are followed" : ""))
    case .misdirected:
      return Problem(
        422, .imageNotFetched,
        "url: its server redirects to an address that is not one of http or https without user and password"
      )
    case .tooLarge(let origin):
      return Problem(
        413, .bodyTooLarge, "url: the image at \(origin) has more than \(byteLimit) bytes")
    case .timeout(let origin):
      return Problem(504, .imageNotFetched, "url: \(origin) took too long to send the image")
    case .failed(let reason, let origin):
      return Problem(
        422, .imageNotFetched, "url: the image at \(origin) was not fetched: \(reason)")
    }
  }
}
