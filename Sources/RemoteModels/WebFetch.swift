import CCurl

/// One GET of a web server or an S3 bucket.
struct WebFetch {
  let address: String
  let bucket: Bucket?
  let limits: RemoteLimits
  let timeout: Duration
  var cancellation = Cancellation()

  struct Answer {
    let status: Int
    let etag: String?
  }

  /// The rest of a file whose beginning the caller has.
  struct Rest {
    let offset: Int
    /// Strong tag of the file as it was, as If-Range needs it (RFC 9110 section 13.1.5).
    let etag: String
  }

  /// Context of both of libcurl's callbacks.
  private struct Transfer {
    let sink: any RemoteSink
    let cancellation: Cancellation
    /// Error of the sink.
    var failure: RemoteError?
  }

  /// Runs the request.
  ///
  /// - Parameters:
  ///   - etag: Tag of the answer that the caller has; if it is still valid, the status is 304.
  ///   - rest: The part wanted; if the file has changed meanwhile, all of it is sent.
  ///   - sink: Receives only the body of an answer with status 200, or of the rest with 206.
  func run(
    etag: String?, rest: Rest? = nil, into sink: any RemoteSink
  ) throws(RemoteError) -> Answer {
    var answer = remote_answer()
    var transfer = Transfer(sink: sink, cancellation: cancellation)
    let result = unsafe withRequest(etag: etag, rest: rest) { request in
      // SAFETY: request, transfer and answer outlive the call, which keeps none of them.
      unsafe withUnsafeMutablePointer(to: &transfer) { transfer in
        unsafe withUnsafePointer(to: request) { request in
          unsafe remote_fetch(request, Self.sink, Self.stop, transfer, &answer)
        }
      }
    }
    if let failure = transfer.failure { throw failure }
    if result != 0, cancellation.isCancelled { throw .cancelled }
    guard result == 0 else {
      let reason = Self.text(of: answer.message)
      if answer.is_untrusted { throw .untrusted(address: address, reason: reason) }
      if answer.is_misdirected { throw .misdirected(address: address, reason: reason) }
      throw .transfer(address: address, reason: reason)
    }
    let tag = Self.text(of: answer.etag)
    return Answer(status: Int(answer.status), etag: tag.isEmpty ? nil : tag)
  }

  private static let sink: remote_sink = { context, bytes, count, body, isFirst in
    // SAFETY: the context is what `run` gave, the bytes are libcurl's during the call.
    let transfer = unsafe context.assumingMemoryBound(to: Transfer.self)
    let sink = unsafe transfer.pointee.sink
    let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
    // SAFETY: the C code owns the body, which is valid during the call.
    let (start, announced) = unsafe (Int(body.pointee.start), Int(body.pointee.announced))
    do throws(RemoteError) {
      if isFirst {
        let etag = unsafe text(of: body.pointee.etag)
        try sink.begin(at: start, etag: etag.isEmpty ? nil : etag)
      }
      try unsafe sink.take(buffer.bytes, announced: announced < 0 ? nil : announced)
      return true
    } catch {
      unsafe transfer.pointee.failure = error
      return false
    }
  }

  private static let stop: remote_stop = { context in
    // SAFETY: the context is what `run` gave.
    unsafe context.assumingMemoryBound(to: Transfer.self).pointee.cancellation.isCancelled
  }

  private func withRequest<Result>(
    etag: String?, rest: Rest?, _ body: (remote_request) -> Result
  ) -> Result {
    let credentials = bucket?.credentials
    let signature = bucket.map { "aws:amz:\($0.region):s3" }
    let redirectLimit = bucket == nil ? limits.redirectLimit : 0
    let stallSeconds = max(1, Self.milliseconds(limits.stallTimeout) / 1000)
    // SAFETY: every pointer is used inside the closure that it is valid in.
    return unsafe address.withCString { url in
      unsafe Self.withText(etag) { etag in
        unsafe Self.withText(credentials == nil ? nil : signature) { signature in
          unsafe Self.withText(credentials?.key) { key in
            unsafe Self.withText(credentials?.secret) { secret in
              unsafe Self.withText(credentials?.sessionToken) { token in
                unsafe Self.withText(rest?.etag) { ifRange in
                  unsafe body(
                    remote_request(
                      url: url, etag: etag, offset: Int64(rest?.offset ?? 0), if_range: ifRange,
                      signature: signature, key: key, secret: secret, session_token: token,
                      redirect_limit: redirectLimit,
                      connect_timeout_ms: Self.milliseconds(limits.connectTimeout),
                      timeout_ms: Self.milliseconds(timeout), stall_timeout_s: stallSeconds))
                }
              }
            }
          }
        }
      }
    }
  }

  private static func withText<Result>(
    _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
  ) -> Result {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
  }

  /// Returns at least one, because libcurl takes 0 as no limit.
  static func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    let milliseconds = min(max(seconds, 0), 1_000_000) * 1000 + attoseconds / 1_000_000_000_000_000
    return max(1, Int(milliseconds))
  }

  /// Returns the string of a C array of characters.
  static func text<Characters>(of characters: Characters) -> String {
    unsafe withUnsafeBytes(of: characters) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
