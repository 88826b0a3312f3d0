internal import CSandbox
import Imaging

/// Main loop of a decoder's process: decodes images from the shared memory, one after the other,
/// until its channel ends.
@safe struct DecodingLoop {
  private let channel: CInt
  // SAFETY: mapped for the life of the process. The server writes there only while this side waits
  // for a request.
  private let memory: UnsafeMutableRawBufferPointer
  /// Preprocessors of the contracts used last, oldest first.
  private var preprocessors: [ImagePreprocessor] = []
  /// Request that came in place of the permission to continue.
  private var pending: sandbox_request?

  /// Preprocessors that are kept: a server has a live model, a canary and a candidate at most.
  private static let preprocessorCountLimit = 4

  init(channel: CInt, _ memory: UnsafeMutableRawBufferPointer) {
    self.channel = channel
    unsafe self.memory = memory
  }

  mutating func run() {
    while let request = pending ?? receive() {
      pending = nil
      guard let reply = reply(to: request) else { continue }
      guard send(reply) else { return }
    }
  }

  private func receive() -> sandbox_request? {
    var request = sandbox_request()
    let count = MemoryLayout<sandbox_request>.size
    return unsafe sandbox_channel_receive(channel, &request, count, -1) == 1 ? request : nil
  }

  private func send(_ reply: sandbox_reply) -> Bool {
    var reply = reply
    return unsafe sandbox_channel_send(channel, &reply, MemoryLayout<sandbox_reply>.size)
  }

  /// Returns the reply; nil if the server is no longer interested in the image.
  private mutating func reply(to request: sandbox_request) -> sandbox_reply? {
    var reply = sandbox_reply()
    reply.number = request.number
    if request.trial != 0 {
      let succeeds = sandbox_trial(request.trial, Int(request.granted_byte_count))
      reply.status = CInt(succeeds ? SANDBOX_REPLY_DONE : SANDBOX_REPLY_FAILED)
      return reply
    }
    var hasGrown = false
    do throws(ImagingError) {
      try prepare(request, hasGrown: &hasGrown)
      reply.status = CInt(SANDBOX_REPLY_DONE)
    } catch {
      guard pending == nil else { return nil }
      reply.status = CInt(SANDBOX_REPLY_FAILED)
      error.write(to: &reply)
    }
    if hasGrown { sandbox_trim() }
    return reply
  }

  private mutating func prepare(
    _ request: sandbox_request, hasGrown: inout Bool
  ) throws(ImagingError) {
    let preprocessor = try preprocessor(request.contract)
    let (offset, count) = (Int(request.output_offset), Int(request.output_byte_count))
    let memoryByteCount = unsafe memory.count
    precondition(
      request.input_byte_count <= request.output_offset && offset + count <= memoryByteCount
        && count == preprocessor.outputByteCount, "images must lie in the shared memory")
    // SAFETY: the precondition bounds both, and they do not overlap.
    let input = unsafe Span<UInt8>(
      _unsafeBytes: memory[..<Int(request.input_byte_count)])
    var output = unsafe MutableSpan<UInt8>(
      _unsafeBytes: UnsafeMutableRawBufferPointer(rebasing: memory[offset..<offset + count]))
    var grown = false
    defer { hasGrown = grown }
    try preprocessor.prepare(input, into: &output) { byteCount throws(ImagingError) in
      guard byteCount > Int(request.granted_byte_count) else { return }
      try ask(for: byteCount, request.number)
      grown = true
    }
  }

  private mutating func ask(for byteCount: Int, _ number: UInt64) throws(ImagingError) {
    var reply = sandbox_reply()
    reply.number = number
    reply.status = CInt(SANDBOX_REPLY_NEEDS)
    reply.numbers.0 = Int64(byteCount)
    guard send(reply), let answer = receive() else { throw .outOfMemory }
    guard answer.number == number, answer.granted_byte_count >= byteCount else {
      pending = answer
      throw .outOfMemory
    }
  }

  private mutating func preprocessor(
    _ wire: sandbox_contract
  ) throws(ImagingError) -> ImagePreprocessor {
    let (contract, limits, encoding) = try wire.decoded
    if let known = preprocessors.first(where: {
      $0.contract == contract && $0.limits == limits && $0.encoding == encoding
    }) {
      return known
    }
    if preprocessors.count == Self.preprocessorCountLimit { preprocessors.removeFirst() }
    let made = ImagePreprocessor(contract, limits: limits, encoding: encoding)
    preprocessors.append(made)
    return made
  }

  /// Makes libraries do what they do on first use, in the process that decoders are forked from.
  static func warmUp() {
    let preprocessor = ImagePreprocessor(.imageNet)
    var output = [UInt8](repeating: 0, count: preprocessor.outputByteCount)
    for image in WarmUpImages.all {
      var pixels = output.mutableSpan
      do throws(ImagingError) {
        try preprocessor.prepare(image.span, into: &pixels)
      } catch {
        preconditionFailure("every built-in image must decode: \(error)")
      }
    }
    ImagePreprocessor.warmUp()
    sandbox_trim()
  }
}
