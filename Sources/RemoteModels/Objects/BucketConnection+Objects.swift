import Glibc

extension BucketConnection {
  /// Time between two looks at whether a waiting call is still wanted.
  private static let lookInterval = Duration.milliseconds(50)
  /// Fraction of a delay by which it may be shorter, so that threads that were refused together do
  /// not ask again together.
  private static let jitter = 0.5

  /// Returns a page of the folder's objects, at any depth.
  ///
  /// - Parameters:
  ///   - start: Beginning of their keys after the folder's.
  ///   - token: `next` of the page before it; nil for the first one.
  package func page(
    start: String = "", after token: String? = nil
  ) throws(ObjectError) -> ObjectPage {
    let request = Request(
      address: folder.listingAddress(start: start, after: token),
      byteLimit: RemoteLimits.pageByteLimit)
    let place = folder.description
    return try repeated { () throws(ObjectError) in
      let content = try ask(request, .list, place)
      guard content.isWhole else {
        throw .malformedListing(place, reason: "more than \(request.byteLimit) bytes")
      }
      let page: ObjectPage
      do throws(ObjectPage.Fault) { page = try ObjectPage(xml: content.bytes) } catch {
        throw .malformedListing(place, reason: error.reason)
      }
      guard page.next == nil || page.next != token else {
        throw .malformedListing(place, reason: "a page is its own next one")
      }
      return page
    }
  }

  /// Returns the bytes of an object, no more than the limit.
  package func read(_ key: String, byteLimit: Int) throws(ObjectError) -> Content {
    let request = Request(address: folder.address(of: key), byteLimit: byteLimit)
    return try repeated { () throws(ObjectError) in
      try ask(request, .read, folder.name(of: key))
    }
  }

  /// Writes an object that is not there yet, or has these very bytes: an earlier attempt may have
  /// succeeded without an answer.
  ///
  /// The server compares the bytes with their SHA-256. One that knows no conditional writes replaces
  /// what is there.
  package func create(
    _ key: String, _ bytes: [UInt8], contentType: String
  ) throws(ObjectError) {
    let place = folder.name(of: key)
    var request = Request(
      address: folder.address(of: key), method: "PUT", body: bytes, contentType: contentType,
      creates: true, byteLimit: RemoteLimits.refusalByteLimit)
    do throws(ObjectError) {
      try put(request, place)
    } catch {
      guard case .refused(_, _, let refusal) = error else { throw error }
      switch refusal.status {
      case 412:
        let there = try read(key, byteLimit: bytes.count)
        guard there.isWhole, there.bytes == bytes else { throw .exists(place) }
      case 501:
        request.creates = false
        try put(request, place)
      default: throw error
      }
    }
  }

  private func put(_ request: Request, _ place: String) throws(ObjectError) {
    try repeated { () throws(ObjectError) in _ = try ask(request, .write, place) }
  }

  /// Repeats attempts, after longer and longer delays, until one succeeds.
  private func repeated<Result>(
    _ attempt: () throws(ObjectError) -> Result
  ) throws(ObjectError) -> Result {
    var delay = limits.retryDelay
    for count in 0... {
      do throws(ObjectError) { return try attempt() } catch {
        guard count < limits.retryLimit, error.isPassing else { throw error }
      }
      guard wait(delay * Double.random(in: 1 - Self.jitter...1)) else { throw .cancelled }
      delay = min(delay * 2, limits.longestRetryDelay)
    }
    preconditionFailure("the loop ends by itself")
  }

  /// Waits, and returns whether to go on.
  private func wait(_ duration: Duration) -> Bool {
    let end = ContinuousClock.now + duration
    while isWanted() {
      let rest = end - .now
      guard rest > .zero else { return true }
      usleep(UInt32(min(rest, Self.lookInterval) / .microseconds(1)))
    }
    return false
  }
}
