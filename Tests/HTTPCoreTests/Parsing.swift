import HTTPCore
import Testing

/// Result of parsing some bytes.
struct Parsed: Equatable {
  var events: [RequestParser.Event] = []
  var failure: ParseFailure?

  var heads: [RequestHead] {
    events.compactMap { if case .head(let head, _) = $0 { head } else { nil } }
  }

  var bodies: [String] {
    events.compactMap {
      if case .end(let body, _) = $0 { String(decoding: body, as: UTF8.self) } else { nil }
    }
  }

  init(
    _ portions: [ArraySlice<UInt8>], limits: ParserLimits = ParserLimits(),
    bodyByteLimit: Int = 1000
  ) {
    var parser = RequestParser(limits: limits)
    parser.bodyByteLimit = bodyByteLimit
    do throws(ParseFailure) {
      for portion in portions {
        parser.append(portion)
        while let event = try parser.next() { events.append(event) }
      }
    } catch {
      failure = error
    }
  }

  /// Parses the whole; expects the same byte by byte and cut at every place.
  static func everyWay(
    _ text: String, limits: ParserLimits = ParserLimits(), bodyByteLimit: Int = 1000,
    sourceLocation: SourceLocation = #_sourceLocation
  ) -> Parsed {
    let bytes = Array(text.utf8)
    func parsed(_ portions: [ArraySlice<UInt8>]) -> Parsed {
      Parsed(portions, limits: limits, bodyByteLimit: bodyByteLimit)
    }
    let whole = parsed([bytes[...]])
    #expect(
      parsed(bytes.indices.map { bytes[$0...$0] }) == whole, "byte by byte",
      sourceLocation: sourceLocation)
    for cut in bytes.indices {
      #expect(
        parsed([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)",
        sourceLocation: sourceLocation)
    }
    return whole
  }
}

/// A request for `/` with these header lines, each ending in CR LF.
func request(_ lines: String, method: String = "POST", body: String = "") -> String {
  "\(method) / HTTP/1.1\r\nHost: a\r\n\(lines)\r\n\(body)"
}
