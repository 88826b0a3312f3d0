/// What went wrong, for programs: the last part of a problem's type, `urn:resnetd:problem:KIND` (RFC 9457, section 3.1.1).
///
/// Kinds are stable: clients may switch on them. Each layer declares its own.
package struct ProblemKind: Sendable, Hashable, CustomStringConvertible {
  package let name: String

  /// - Parameter name: Lower-case words with hyphens between them.
  package init(_ name: StaticString) { self.name = name.description }

  package var description: String { name }

  /// The whole type.
  package var type: String { "urn:resnetd:problem:\(name)" }
}

extension ProblemKind {
  package static let bodyTooLarge = ProblemKind("body-too-large")
  package static let expectation = ProblemKind("expectation")
  package static let headerTooLarge = ProblemKind("header-too-large")
  package static let httpVersion = ProblemKind("http-version")
  package static let malformedRequest = ProblemKind("malformed-request")
  package static let method = ProblemKind("method")
  package static let overloaded = ProblemKind("overloaded")
  package static let requestTimeout = ProblemKind("request-timeout")
  package static let transferCoding = ProblemKind("transfer-coding")
  package static let uriTooLong = ProblemKind("uri-too-long")
}
