import Decoding
import Foundation
import Glibc
import Testing

/// Effects of signals on a server, and places where it can live.
@Suite(.serialized) struct SignalTests {
  /// Whether this user may make namespaces, and the program can live there: a sanitizer needs /proc
  /// and a parent.
  private static let mayUnshare =
    geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare")
    && Spawner.isPossible

  @Test("SIGHUP rereads the token and kills nobody; the others without a meaning are ignored")
  func reload() async throws {
    let folder = try TemporaryFolder()
    let token = try folder.file("token", "one-token")
    let server = try await ServerUnderTest("--admin-token-file", token.path)
    _ = try await server.adminAddress
    let identifier = server.process.processIdentifier
    for signal in [SIGUSR1, SIGUSR2, SIGPIPE] { kill(identifier, signal) }
    try FileManager.default.removeItem(at: token)
    kill(identifier, SIGHUP)
    _ = try await server.logged(
      /"level":"warning","message":"(what was reread cannot be used)".*"what":"the admin token"/)
    #expect(!server.logged.contains(#""message":"reread""#))
    _ = try folder.file("token", "two-token")
    kill(identifier, SIGHUP)
    _ = try await server.logged(
      /"message":"(reread)","signal":"SIGHUP","what":"the admin token"/)
    // Nobody has used the admin endpoint meanwhile: the signal did it.
    #expect(server.logged.contains("the admin token's file is not there"))
    #expect(try await server.curl("\(server.address)/livez").status == 200)
    #expect(await server.stop() == 0)
  }

  @Test("Without anything to reread SIGHUP says so")
  func nothing() async throws {
    let server = try await ServerUnderTest()
    kill(server.process.processIdentifier, SIGHUP)
    _ = try await server.logged(/"message":"(reread)","signal":"SIGHUP","what":"nothing"/)
    #expect(await server.stop() == 0)
  }

  @Test("A second signal ends the process at once, whatever the first one is waiting for")
  func second() async throws {
    let server = try await ServerUnderTest("--drain-delay", "1h")
    kill(server.process.processIdentifier, SIGTERM)
    _ = try await server.logged(/"message":"(draining)"/)
    // The same signal again might come within the moment in which it counts as the first.
    #expect(await server.stop(SIGINT) == 128 + SIGINT)
    #expect(server.process.terminationReason == .exit)
    #expect(server.logged.contains("ended by a second signal"))
  }

  @Test(
    "A signal that comes while the program begins ends it in order, whatever its parent ignores",
    arguments: [SIGTERM, SIGINT])
  func early(signal: Int32) async throws {
    let folder = try TemporaryFolder()
    // The shell's own child ignores SIGINT. A child of the program is there when nothing but signals
    // has been seen to.
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/sh"),
      [
        "-c",
        """
        "$0" serve --port 0 --admin off --tune off 2> "$1/log" & server=$!
        until [ "$(readlink /proc/$server/exe)" = "$0" ]; do kill -0 $server || exit 98; done
        until grep -q '^SigBlk:.*[^0 \t]' /proc/$server/status; do kill -0 $server || exit 97; done
        kill -\(signal) $server; wait $server
        """, try ProgramUnderTest.url.path, folder.url.path,
      ], environment: ["PATH": "/usr/bin:/bin"])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let log = try String(contentsOf: folder.url.appendingPathComponent("log"), encoding: .utf8)
    #expect(log.contains(#""message":"stopped"#), "\(log)")
  }

  @Test("The same signal twice in a moment is one: the drain goes on")
  func repeated() async throws {
    let server = try await ServerUnderTest()
    kill(server.process.processIdentifier, SIGTERM)
    kill(server.process.processIdentifier, SIGTERM)
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    #expect(server.process.terminationStatus == 0)
    #expect(server.logged.contains(#""message":"stopped""#))
  }

  @Test(
    "A second signal ends a server that the system gives no thread and no memory any more",
    .enabled(
      if: Spawner.isPossible && FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"),
      "needs prlimit and a build without a sanitizer"))
  func starved() async throws {
    let server = try await ServerUnderTest("--tune", "off", "--drain-delay", "1h")
    _ = try await server.adminAddress
    let identifier = server.process.processIdentifier
    // The limit is less than it has: whatever it maps from now on is refused.
    let limited = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/prlimit"), ["--pid", String(identifier), "--as=1000000:"])
    #expect(limited.exitCode == 0, "\(limited.errors)")
    // Two signals of one number could arrive as one.
    kill(identifier, SIGTERM)
    kill(identifier, SIGINT)
    await ProgramUnderTest.end(of: server.process, within: ProgramUnderTest.timeLimit)
    #expect(server.process.terminationReason == .exit)
    #expect([128 + SIGTERM, 128 + SIGINT].contains(server.process.terminationStatus))
  }

  @Test(
    "Where the system refuses threads or memory the program says so and ends, and does not wait for them",
    .enabled(if: Spawner.isPossible, "a sanitizer takes terabytes of addresses"),
    arguments: [120_000, 150_000, 200_000])
  func refusedMemory(kilobytes: Int) async throws {
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/sh"),
      [
        "-c",
        "ulimit -v \(kilobytes) && exec \"$0\" serve --port 0 --admin off --tune off --workers 2",
        try ProgramUnderTest.url.path,
      ])
    #expect(outcome.exitCode == 1, "\(outcome)")
    #expect(outcome.errors.contains("allow it more address space (ulimit -v)"), "\(outcome)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test(
    "Without /proc it takes its arguments, serves and ends in order",
    .enabled(if: mayUnshare, "needs root, unshare and a build without a sanitizer"))
  func withoutProc() async throws {
    let folder = try TemporaryFolder()
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/usr/bin/unshare"),
      [
        "-m", "/bin/sh", "-c",
        """
        mount -t tmpfs none /proc || exit 99
        "$0" serve --port 0 --admin off --tune off 2> "$1/log" & server=$!
        until port=$(sed -nE 's/.*127\\.0\\.0\\.1:([0-9]+).*/\\1/p' "$1/log" | head -n 1) &&
          [ -n "$port" ]; do kill -0 $server || exit 98; done
        curl --silent --fail --max-time 30 -T "$2" "http://127.0.0.1:$port/classify"
        kill -TERM $server; wait $server
        """, try ProgramUnderTest.url.path, folder.url.path,
        ProgramUnderTest.sampleImage,
      ], environment: ["PATH": "/usr/bin:/bin"])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains(#""label":"ship""#), "\(outcome.output)")
  }

  @Test(
    "As the first process of a container it ends in order when it is told to",
    .enabled(if: mayUnshare, "needs root, unshare and a build without a sanitizer"))
  func firstProcess() async throws {
    let folder = try TemporaryFolder()
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/sh"),
      [
        "-c",
        """
        unshare --pid --fork "$0" serve --port 0 --admin off --tune off 2> "$1/log" & outer=$!
        until grep -q '"message":"ready"' "$1/log"; do kill -0 $outer || exit 98; done
        kill -TERM $(cat /proc/$outer/task/*/children); wait $outer
        """, try ProgramUnderTest.url.path, folder.url.path,
      ], environment: ["PATH": "/usr/bin:/bin"])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let log = try String(contentsOf: folder.url.appendingPathComponent("log"), encoding: .utf8)
    #expect(log.contains(#""message":"stopped""#), "\(log)")
  }

  @Test(
    "A limit of file sizes that stands against decoders is a clear error, not a signal",
    .enabled(if: Spawner.isPossible, "a sanitizer's build has no such processes"))
  func fileSizes() async throws {
    let outcome = try await ProgramUnderTest.run(
      URL(fileURLWithPath: "/bin/sh"),
      [
        "-c", "ulimit -f 64; exec \"$0\" serve --port 0 --admin off --tune off",
        try ProgramUnderTest.url.path,
      ])
    #expect(outcome.exitCode == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("cannot be tried on its file's golden samples"))
    #expect(outcome.errors.contains("ulimit -n, -u, -v and -f"))
  }
}
