import CTLS

/// Certificate with its key, as texts, and what clients have to show.
package struct TLSCredentials: Sendable, Equatable {
  /// Bytes of a file of the server's certificates or their key, 96 KiB: clients take no longer
  /// chains.
  package static let fileByteLimit = 96 << 10
  /// Bytes of a file of authorities, 1 MiB.
  package static let authoritiesByteLimit = 1 << 20

  /// PEM certificates: the server's own, then those that lead to a known authority.
  package var certificates: [UInt8]
  /// PEM private key, without a passphrase.
  package var key: [UInt8]
  /// PEM certificates of the authorities by which clients have to be certified; nil where clients
  /// need no certificates.
  package var clientAuthorities: [UInt8]?
  /// Common or alternative names of which a client's certificate has to bear one; none where any
  /// will do.
  package var clientNames: [String] = []

  package init(certificates: [UInt8], key: [UInt8]) {
    (self.certificates, self.key) = (certificates, key)
  }
}

/// Reason for which credentials cannot be used.
package enum TLSFault: Error, Hashable, CustomStringConvertible {
  case noCertificate
  case noKey
  case lockedKey
  case otherKey
  case noAuthority
  /// Refused by OpenSSL.
  case refused(String)
  case outOfMemory

  package var description: String {
    switch self {
    case .noCertificate: "the file of certificates holds none in PEM form"
    case .noKey: "the file of the key holds no private key in PEM form"
    case .lockedKey:
      "the private key has a passphrase, for which a server cannot ask; remove it, as by "
        + "openssl pkey -in KEY -out KEY-WITHOUT-PASSPHRASE"
    case .otherKey: "the private key is not that of the first certificate"
    case .noAuthority: "the file of clients' authorities holds no certificate in PEM form"
    case .refused(let reason): "OpenSSL refuses the certificate or its key: \(reason)"
    case .outOfMemory: "no memory for the certificate and its key"
    }
  }
}

/// Credentials as OpenSSL uses them for new connections.
@safe
final class TLSContext: Sendable {
  // SAFETY: OpenSSL's context may be used by several threads; it is freed once.
  private nonisolated(unsafe) let pointer: OpaquePointer
  /// Seconds since 1970 within which the certificate is valid.
  let validity: ClosedRange<Int>

  init(_ credentials: TLSCredentials) throws(TLSFault) {
    var made: OpaquePointer?
    var message = tls_message()
    let names = credentials.clientNames.map { $0 + "\n" }.joined()
    let status = unsafe Self.withTexts(credentials, Array(names.utf8)) { given in
      unsafe withUnsafePointer(to: given) { unsafe tls_context_create($0, &made, &message) }
    }
    guard status == TLS_CREDENTIALS_OK, let pointer = unsafe made else {
      throw Self.fault(status, message)
    }
    unsafe self.pointer = pointer
    var (from, until) = (Int64(0), Int64(0))
    unsafe tls_context_validity(pointer, &from, &until)
    validity = Int(from)...max(Int(from), Int(until))
  }

  deinit { unsafe tls_context_destroy(pointer) }

  /// Begins a session on a connected socket, which stays the caller's; nil without memory.
  func session(_ descriptor: CInt) -> TLSSession? {
    unsafe tls_session_create(pointer, descriptor).map { unsafe TLSSession($0, descriptor) }
  }

  private static func withTexts(
    _ credentials: TLSCredentials, _ names: [UInt8],
    _ body: (tls_credentials) -> tls_credentials_status
  ) -> tls_credentials_status {
    unsafe credentials.certificates.withUnsafeBytes { certificates in
      unsafe credentials.key.withUnsafeBytes { key in
        unsafe (credentials.clientAuthorities ?? []).withUnsafeBytes { authorities in
          unsafe names.withUnsafeBytes { names in
            let isAsked = credentials.clientAuthorities != nil
            return unsafe body(
              tls_credentials(
                certificates: text(certificates), key: text(key),
                client_authorities: isAsked ? text(authorities) : tls_text(),
                client_names: names.isEmpty ? tls_text() : text(names)))
          }
        }
      }
    }
  }

  /// An empty text is one that is given, and not one that is missing.
  private static func text(_ bytes: UnsafeRawBufferPointer) -> tls_text {
    unsafe tls_text(
      bytes: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1), byte_count: bytes.count)
  }

  private static func fault(_ status: tls_credentials_status, _ message: tls_message) -> TLSFault {
    switch status {
    case TLS_CREDENTIALS_NO_CERTIFICATE: .noCertificate
    case TLS_CREDENTIALS_NO_KEY: .noKey
    case TLS_CREDENTIALS_LOCKED_KEY: .lockedKey
    case TLS_CREDENTIALS_OTHER_KEY: .otherKey
    case TLS_CREDENTIALS_NO_AUTHORITY: .noAuthority
    case TLS_CREDENTIALS_REFUSED: .refused(TLSSession.text(of: message))
    default: .outOfMemory
    }
  }
}
