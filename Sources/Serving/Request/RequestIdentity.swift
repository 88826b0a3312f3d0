package import HTTPCore
import Synchronization

/// Fields of every answer to a request: who it was in logs and traces, and which web pages may read
/// it.
package struct RequestIdentity: Sendable, Hashable {
  package static let idByteCountLimit = 128

  package let id: String
  package let trace: TraceContext?
  /// Name of the API key that it shows; nil where none is needed or known.
  package var keyName: String?
  /// Coding that its client likes best for the answer; nil for none.
  let coding: ContentCoding?
  private let crossOrigin: HeaderFields

  /// Reads the fields of a request, which are nil if the bytes were not a request.
  package init(_ fields: HeaderFields?, crossOrigin rule: CrossOriginRule = .off) {
    id = Self.id(fields)
    trace = TraceContext(fields)
    coding = ContentCoding.wanted(by: fields)
    crossOrigin = rule.fields(fields)
  }

  /// Returns the answer with `X-Request-Id`, the client's trace context and the rights of its page,
  /// not to be kept by caches.
  ///
  /// Each answer is about one moment.
  package func marking(_ response: Response) -> Response {
    var response = response
    response.notes.keyName = keyName
    response.fields["X-Request-Id"] = id
    if response.fields["Cache-Control"] == nil { response.fields["Cache-Control"] = "no-store" }
    if let trace {
      response.fields["traceparent"] = trace.traceparent
      if let tracestate = trace.tracestate { response.fields["tracestate"] = tracestate }
    }
    for field in crossOrigin.fields { response.fields.append(field.name, field.value) }
    return response
  }

  /// Returns the client's `X-Request-Id` if it is well formed, or else a new one of 16 hexadecimal
  /// digits.
  private static func id(_ fields: HeaderFields?) -> String {
    if let id = fields?["X-Request-Id"], 1...idByteCountLimit ~= id.utf8.count,
      id.utf8.allSatisfy(isIDByte)
    {
      return id
    }
    return made()
  }

  /// Start of this process's count, random so that two processes do not make the same ids.
  private static let first = UInt64.random(in: .min ... .max)
  private static let count = Atomic<UInt64>(0)
  private static let digits = Array("0123456789abcdef".utf8)

  /// Returns a new id: SplitMix64 (Steele, Lea and Flood 2014) over a count.
  ///
  /// Asking the system for random numbers costs more than the rest of a probe.
  private static func made() -> String {
    var bits = first &+ count.wrappingAdd(1, ordering: .relaxed).newValue &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    bits ^= bits >> 31
    return unsafe String(unsafeUninitializedCapacity: 16) { buffer in
      for index in 0..<16 { unsafe buffer[index] = digits[Int(bits >> (60 - 4 * index) & 15)] }
      return 16
    }
  }

  private static func isIDByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._-".utf8.contains(byte)
    }
  }
}
