import Dispatch
import Inference
import RemoteModels
import Synchronization
import Time

/// The images of a bucket's folder, listed and fetched ahead of the threads that classify them.
///
///     lister ─┬─> listed ── take ─> classifying threads, which wait for an image's bytes
///             └─> wanted ─────────> fetching threads, in the same order
///
/// Images that are listed and not taken are bounded, and so are the bytes of all that were fetched
/// and not used up: a fetching thread waits for room before it begins.
final class ObjectImages: ImageSource {
  /// Requests in progress: latencies of some 50 ms leave one thread idle most of the time.
  private static let fetcherCount = 16
  /// Images that are listed ahead, two of S3's pages.
  private static let listedLimit = 2000
  /// Room for bytes, in units; it holds two of the largest images.
  private static let roomUnitCount = 64
  private static let unitByteCount = 1 << 20
  /// Time between two looks at whether a waiting thread is still wanted.
  private static let lookInterval = Duration.milliseconds(100)

  private struct State {
    var listed = Line<ListedImage>()
    var wanted = Line<ImageObject>()
    var counts = ImageCounts()
    var isEnded = false
    var failure: Failure?
  }

  private let folder: ObjectFolder
  private let selection: ImageSelection
  private let isWanted: @Sendable () -> Bool
  private let isOver = Atomic(false)
  private let state = Mutex(State())
  private let threads = Mutex<[WorkerThread]>([])
  // Counts of what may be taken, of what may be fetched, of places for what is listed, of free units;
  // the turn of the thread that waits for units.
  private let takeable = DispatchSemaphore(value: 0)
  private let fetchable = DispatchSemaphore(value: 0)
  private let places = DispatchSemaphore(value: 0)
  private let room = DispatchSemaphore(value: 0)
  private let turn = DispatchSemaphore(value: 0)

  /// Begins to list and to fetch.
  ///
  /// - Parameter isWanted: Asked now and then; false leaves all that has not come.
  init(
    _ folder: ObjectFolder, _ selection: ImageSelection,
    while isWanted: @escaping @Sendable () -> Bool
  ) throws(Failure) {
    (self.folder, self.selection, self.isWanted) = (folder, selection, isWanted)
    // A semaphore must not end below the value that it began with.
    for _ in 0..<Self.listedLimit { places.signal() }
    for _ in 0..<Self.roomUnitCount { room.signal() }
    turn.signal()
    let fetchers = (0..<Self.fetcherCount).compactMap { _ in WorkerThread { [self] in fetch() } }
    let lister = WorkerThread { [self] in list() }
    threads.withLock { $0 = fetchers + [lister].compactMap(\.self) }
    // Without a lister the fetchers would wait forever.
    if lister == nil { fetchable.signal() }
    guard fetchers.count == Self.fetcherCount, lister != nil else {
      end()
      throw Failure("\(Self.fetcherCount + 1) threads cannot be started to fetch images")
    }
  }

  var counts: ImageCounts { state.withLock(\.counts) }
  var total: Int? { nil }
  var isPlain: Bool { false }

  func take(_ limit: Int) throws(Failure) -> [ListedImage]? {
    var images: [ListedImage] = []
    while images.count < limit {
      takeable.wait()
      let (image, failure) = state.withLock { ($0.listed.next(), $0.failure) }
      guard let image else {
        // The end is there for later calls too.
        takeable.signal()
        if let failure { throw failure }
        break
      }
      places.signal()
      images.append(image)
    }
    return images.isEmpty ? nil : images
  }

  func end() {
    isOver.store(true, ordering: .relaxed)
    let started = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in started { thread.join() }
  }

  /// Whether anything more is to come.
  private var isGoing: Bool { isWanted() && !isOver.load(ordering: .relaxed) }

  /// Waits for one of what a semaphore counts; false if nothing is wanted any more.
  private func wait(for semaphore: DispatchSemaphore) -> Bool {
    while isGoing { if semaphore.wait(for: Self.lookInterval) { return true } }
    return false
  }

  // MARK: The thread that lists

  private func list() {
    let failure: Failure?
    do throws(Failure) {
      try listPages()
      failure = nil
    } catch {
      failure = error
    }
    state.withLock { state in
      state.isEnded = true
      state.failure = failure
    }
    takeable.signal()
    fetchable.signal()
  }

  private func listPages() throws(Failure) {
    let bucket = BucketConnection(folder) { [self] in isGoing }
    var token: String?
    repeat {
      let page: ObjectPage
      do throws(ObjectError) { page = try bucket.page(after: token) } catch .cancelled {
        return
      } catch {
        throw Failure(PlainText.line(error.description))
      }
      for object in page.objects {
        guard isGoing else { return }
        try add(object)
      }
      token = page.next
    } while token != nil
  }

  private func add(_ object: ListedObject) throws(Failure) {
    let kind = ObjectKind(object.key, in: folder)
    guard kind == .image || kind == .unnamed else {
      return state.withLock { kind.count(in: &$0.counts.skipped) }
    }
    let name = folder.name(of: object.key)
    let isTaken = try state.withLock { state throws(Failure) in
      try selection.takes(name, &state.counts)
    }
    guard isTaken, wait(for: places) else { return }
    guard ObjectFolder.canAddress(object.key) else {
      return append(
        ListedImage(name, .file, fault: "its key has a step, . or .., which no address can have"))
    }
    let fetched = ImageObject(object, isUnnamed: kind == .unnamed) { [room] byteCount in
      for _ in 0..<Self.units(byteCount) { room.signal() }
    }
    append(ListedImage(name, .file, object: fetched))
  }

  private func append(_ image: ListedImage) {
    state.withLock { state in
      state.listed.append(image)
      if let object = image.object { state.wanted.append(object) }
    }
    takeable.signal()
    if image.object != nil { fetchable.signal() }
  }

  // MARK: The threads that fetch

  private func fetch() {
    let bucket = BucketConnection(folder) { [self] in isGoing }
    while let image = nextWanted() { image.fetch(from: bucket) }
  }

  /// Waits for the next image and for room for it; nil at the end.
  private func nextWanted() -> ImageObject? {
    // One thread at a time collects units, so that no two wait for each other's.
    turn.wait()
    defer { turn.signal() }
    while true {
      fetchable.wait()
      guard let image = state.withLock({ $0.wanted.next() }) else {
        // The end is there for other threads too.
        fetchable.signal()
        return nil
      }
      let hasRoom = (0..<Self.units(image.byteLimit)).allSatisfy { _ in wait(for: room) }
      if hasRoom { return image }
      image.leave()
    }
  }

  private static func units(_ byteCount: Int) -> Int {
    min(roomUnitCount, (byteCount + unitByteCount - 1) / unitByteCount)
  }
}

/// Elements in the order in which they came.
private struct Line<Element> {
  private var elements: [Element] = []
  private var start = 0

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func next() -> Element? {
    guard start < elements.count else { return nil }
    defer {
      start += 1
      // Those that are gone are removed at once for many.
      if start * 2 > elements.count {
        elements.removeFirst(start)
        start = 0
      }
    }
    return elements[start]
  }
}
