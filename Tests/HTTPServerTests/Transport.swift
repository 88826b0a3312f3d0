import Foundation
import HTTPServer

/// What carries HTTP between the tests' clients and servers: both must see the same.
enum Transport: Sendable, CaseIterable {
  case plain, tls

  /// Returns what a server shows who it is; nil where it shows nothing.
  func identity() throws -> TLSIdentity? { self == .tls ? try TestIdentity().identity() : nil }
}

/// Files of a certificate and its key, for as long as it lives.
final class TestIdentity {
  /// A certificate for `localhost` by its own key, valid until 2126, for these tests alone.
  private static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBfzCCASWgAwIBAgIUf6VfmrgL6Z7Mm8OXcwws9hGmmxwwCgYIKoZIzj0EAwIw
    FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTIxNTkyN1oYDzIxMjYxMTA1
    MjE1OTI3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
    PQMBBwNCAAQjdD3Qzgc6xA6teO7dX720BQ9HehnFIOHG0VPUCz0zQg/YzD02AaCM
    JFeg+F8Y5tOaFEFDtLYCXYgLF3mCzENbo1MwUTAdBgNVHQ4EFgQUjt8+YEp9PNxm
    mvZgn2zHgpgJLCYwHwYDVR0jBBgwFoAUjt8+YEp9PNxmmvZgn2zHgpgJLCYwDwYD
    VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAg5vD6+6m0c8qwcYJUBA+
    +sH7+n3hDAS4FmEL3CLTi/wCIFn1vMqOO69I2A5rU09LOC73pwmrl3krLviKw1my
    36/u
    -----END CERTIFICATE-----
    """
  private static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXjjNie2AAi6YnAfW
    sp0F15XAV5iW7dnKVqv37IQzTfGhRANCAAQjdD3Qzgc6xA6teO7dX720BQ9HehnF
    IOHG0VPUCz0zQg/YzD02AaCMJFeg+F8Y5tOaFEFDtLYCXYgLF3mCzENb
    -----END PRIVATE KEY-----
    """

  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("resnetd-tests-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    for (name, text) in [("cert", Self.certificate), ("key", Self.key)] {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func identity() throws -> TLSIdentity {
    try TLSIdentity(
      TLSIdentity.Paths(
        certificates: folder.appendingPathComponent("cert").path,
        key: folder.appendingPathComponent("key").path)
    ) { _ in }
  }
}
