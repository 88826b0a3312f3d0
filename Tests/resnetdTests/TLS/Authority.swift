import Foundation
import Testing

/// An authority of the tests, which certifies servers and clients by the openssl command.
struct Authority {
  /// Files of a certificate and its key.
  struct Certified {
    let certificate: String
    let key: String
  }

  private let folder: TemporaryFolder
  private let own: Certified

  var certificate: String { own.certificate }

  init(_ name: String = "Authority of the tests") async throws {
    folder = try TemporaryFolder()
    own = Self.files("authority", in: folder)
    try await Self.openssl(
      [
        "req", "-x509", "-days", "2", "-subj", "/CN=\(name)", "-keyout", own.key, "-out",
        own.certificate,
      ] + Self.newKey)
  }

  /// Certifies a new key for a subject.
  ///
  /// - Parameter extensions: As openssl's configuration has them.
  func certify(
    _ name: String, subject: String, _ extensions: String = "basicConstraints=CA:FALSE"
  ) async throws -> Certified {
    let made = Self.files(name, in: folder)
    let request = path("\(name).csr")
    try await Self.openssl(
      ["req", "-subj", "/CN=\(subject)", "-keyout", made.key, "-out", request] + Self.newKey)
    let configuration = try folder.file("\(name).ext", extensions + "\n").path
    try await Self.openssl([
      "x509", "-req", "-days", "2", "-in", request, "-CA", own.certificate, "-CAkey", own.key,
      "-CAcreateserial", "-CAserial", path("serial"), "-extfile", configuration, "-out",
      made.certificate,
    ])
    return made
  }

  /// Certifies a server of this machine.
  func certifyServer(_ name: String = "server") async throws -> Certified {
    try await certify(
      name, subject: "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
  }

  func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }

  private static let newKey = [
    "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
  ]

  private static func files(_ name: String, in folder: TemporaryFolder) -> Certified {
    let path = folder.url.appendingPathComponent(name).path
    return Certified(certificate: path + ".pem", key: path + ".key")
  }

  @discardableResult
  static func openssl(
    _ arguments: [String], input: String = ""
  ) async throws -> ProgramUnderTest.Outcome {
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/openssl"), arguments, input: input)
    try #require(outcome.exitCode == 0 || arguments[0] == "s_client", "\(outcome.errors)")
    return outcome
  }
}
