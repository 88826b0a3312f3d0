import CCurl
import Serving
import Time

/// Images of other servers, over libcurl.
@safe
final class RemoteImages: ImageFetching {
  private static let redirectLimit: CInt = 3
  private static let connectTimeoutMilliseconds = 5000
  private static let stallTimeoutSeconds = 5

  // SAFETY: never changed after `init`, and may be used from any thread.
  private nonisolated(unsafe) let trust: OpaquePointer

  init() throws(Failure) {
    guard let trust = unsafe remote_trust_create() else {
      throw Failure("there is no memory for --fetch-from")
    }
    unsafe self.trust = trust
  }

  deinit { unsafe remote_trust_destroy(trust) }

  func fetch(
    _ url: String, byteLimit: Int, timeout: Duration, into image: FetchedImage
  ) throws(FetchFault) {
    // libcurl would take what is before a NUL.
    guard !url.utf8.contains(0) else { throw .refused(nil) }
    let milliseconds = max(1, Int(timeout.nanoseconds / 1_000_000))
    let strings = CStrings()
    var wanted = unsafe remote_image(
      url: strings.pointer(url), redirect_limit: Self.redirectLimit,
      byte_limit: Int64(byteLimit),
      connect_timeout_ms: min(Self.connectTimeoutMilliseconds, milliseconds),
      timeout_ms: milliseconds, stall_timeout_s: Self.stallTimeoutSeconds)
    var functions = unsafe remote_image_functions(
      permit: Self.permit, take: Self.take, stop: Self.stop,
      context: Unmanaged.passUnretained(image).toOpaque())
    var answer = remote_image_answer()
    // SAFETY: the call keeps nothing of what it is given, which outlives it.
    let result = withExtendedLifetime((image, strings)) {
      unsafe remote_fetch_image(trust, &wanted, &functions, &answer)
    }
    guard let fault = Self.fault(result, answer) else { return }
    var origin = remote_origin()
    // SAFETY: both outlive the call, which keeps neither.
    if fault == .refused(nil), unsafe remote_read_origin(url, &origin) { throw .misdirected }
    throw fault
  }

  private static func fault(
    _ result: remote_image_result, _ answer: remote_image_answer
  ) -> FetchFault? {
    let origin = ImageOrigin(answer.origin)
    switch result {
    case REMOTE_IMAGE_ANSWERED:
      return answer.status == 200 ? nil : .status(Int(answer.status), origin)
    case REMOTE_IMAGE_REFUSED: return .refused(origin.host.isEmpty ? nil : origin)
    case REMOTE_IMAGE_NOT_PUBLIC: return .notPublic(origin)
    case REMOTE_IMAGE_TOO_LARGE: return .tooLarge(origin)
    case REMOTE_IMAGE_TIMEOUT: return .timeout(origin)
    case REMOTE_IMAGE_STOPPED: return .stopped
    default: return .failed(text(answer.message), origin)
    }
  }

  /// Returns the image that `fetch` has passed.
  private static func image(_ context: UnsafeMutableRawPointer) -> FetchedImage {
    // SAFETY: it lives as long as the call.
    unsafe Unmanaged<FetchedImage>.fromOpaque(context).takeUnretainedValue()
  }

  private static let permit:
    @convention(c) (UnsafeMutableRawPointer, UnsafePointer<remote_origin>) -> remote_permission = {
      context, origin in
      // SAFETY: an origin that lives during the call.
      switch unsafe image(context).permission(for: ImageOrigin(origin.pointee)) {
      case .refused: REMOTE_REFUSED
      case .publicNetwork: REMOTE_PUBLIC
      case .anywhere: REMOTE_ANYWHERE
      }
    }

  private static let take: @convention(c) (UnsafeMutableRawPointer, UnsafeRawPointer, Int) -> Bool =
    {
      context, bytes, count in
      // SAFETY: bytes that live during the call.
      unsafe image(context).append(UnsafeRawBufferPointer(start: bytes, count: count))
    }

  private static let stop: @convention(c) (UnsafeMutableRawPointer) -> Bool = { context in
    unsafe !image(context).isWanted
  }

  fileprivate static func text(_ tuple: some Any) -> String {
    unsafe withUnsafeBytes(of: tuple) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

extension ImageOrigin {
  fileprivate init(_ origin: remote_origin) {
    self.init(
      isEncrypted: origin.is_encrypted, host: RemoteImages.text(origin.host),
      port: Int(origin.port))
  }
}
