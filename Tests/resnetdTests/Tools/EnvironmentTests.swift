import Foundation
import Testing

/// Environment variables, right ones and odd ones.
@Suite struct EnvironmentTests {
  private let image = ProgramUnderTest.sampleImage

  @Test("What Kubernetes sets for a Service of this name is passed over, and named")
  func serviceLinks() async throws {
    let environment = [
      "RESNETD_PORT": "tcp://10.0.0.1:80", "RESNETD_SERVICE_HOST": "10.0.0.1",
      "RESNETD_SERVICE_PORT": "80", "RESNETD_SERVICE_PORT_HTTP": "80",
      "RESNETD_PORT_80_TCP": "tcp://10.0.0.1:80", "RESNETD_PORT_80_TCP_PROTO": "tcp",
      "RESNETD_PORT_80_TCP_PORT": "80", "RESNETD_PORT_80_TCP_ADDR": "10.0.0.1",
      "RESNETD_METRICS_PORT": "udp://10.0.0.2:9090",
    ]
    let other = try await ProgramUnderTest.run("classify", image, environment: environment)
    #expect(other.exitCode == 0 && other.errors.isEmpty, "\(other.errors)")
    // With --port, the variable is ignored.
    let server = try await ServerUnderTest(environment: environment)
    #expect(await server.stop() == 0)
    let warnings = server.logged.split(separator: "\n").filter { $0.contains("warning") }
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("RESNETD_METRICS_PORT is ignored") == true)
    #expect(warnings.first?.contains("enableServiceLinks: false") == true)
    let probe = try await ProgramUnderTest.run(
      "healthcheck", "--timeout", "1ms", "--host", "127.0.0.1", environment: environment)
    #expect(probe.exitCode == 1)
    #expect(probe.errors.contains("RESNETD_PORT is ignored"), "\(probe.errors)")
    #expect(probe.errors.contains("port 8080"), "\(probe.errors)")
  }

  @Test("A broken variable does not matter where its option is given, nor for help")
  func precedence() async throws {
    let environment = ["RESNETD_TOP_K": "many"]
    let broken = try await ProgramUnderTest.run("classify", image, environment: environment)
    #expect(broken.exitCode == 2 && broken.errors.contains("RESNETD_TOP_K is a whole number"))
    let given = try await ProgramUnderTest.run(
      "classify", "--top-k", "1", image, environment: environment)
    #expect(given.exitCode == 0 && given.errors.isEmpty, "\(given.errors)")
    let help = try await ProgramUnderTest.run("classify", "--help", environment: environment)
    #expect(help.exitCode == 0)
  }

  @Test("An empty variable counts as unset")
  func empty() async throws {
    let outcome = try await ProgramUnderTest.run(
      "classify", image, environment: ["RESNETD_TOP_K": "", "RESNETD_MODEL": "", "RESNETD_X": ""])
    #expect(outcome.exitCode == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
  }

  @Test("A variable that means nothing is warned of, with the nearest one that does")
  func unknown() async throws {
    let environment = [
      "RESNETD_QUEUE_LIMT": "1", "RESNETD_QUEUE_LIMIT": "7", "RESNETD_MAX_CPU_ISA": "avx2",
    ]
    let outcome = try await ProgramUnderTest.run("classify", image, environment: environment)
    #expect(outcome.exitCode == 0)
    #expect(
      outcome.errors
        == "resnetd classify: warning: the variable RESNETD_QUEUE_LIMT means nothing to this program; "
        + "did you mean RESNETD_QUEUE_LIMIT?\n")
    let server = try await ServerUnderTest(environment: environment)
    #expect(await server.stop() == 0)
    #expect(
      server.logged.contains(
        #""level":"warning","message":"the variable RESNETD_QUEUE_LIMT means nothing to this program; "#
      ))
  }
}
