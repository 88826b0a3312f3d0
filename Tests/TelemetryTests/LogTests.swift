import Foundation
import Telemetry
import Testing

@Suite struct LogTests {
  @Test("A JSON line is one object with time, level, message and fields in order")
  func json() {
    let line = Log.line(
      .json, "ready", ["port": .integer(8080), "model": .text("a\"b\n"), "ms": .thousandths(1500)],
      seconds: 951_782_400, milliseconds: 7)
    #expect(
      String(decoding: line, as: UTF8.self)
        == #"{"time":"2000-02-29T00:00:00.007Z","level":"info","message":"ready","port":8080,"model":"a\"b\n","ms":1.500}"#
        + "\n")
  }

  @Test("A line for people quotes values with blanks and never spans lines or drives the terminal")
  func text() {
    let line = Log.line(
      .text, "bad\u{1b}[31m\nthing",
      ["path": .text("/a b"), "status": .integer(200), "none": .text("")],
      seconds: 3_661, milliseconds: 42)
    #expect(
      String(decoding: line, as: UTF8.self)
        == "1970-01-01T01:01:01.042Z info    bad [31m thing path=\"/a b\" status=200 none=\"\"\n")
  }

  @Test(
    "The level stands before the message, which begins in one column for people",
    arguments: [
      (LogLevel.info, "info    m", #""info","#), (.warning, "warning m", #""warning","#),
      (.error, "error   m", #""error","#),
    ])
  func levels(level: LogLevel, text: String, json: String) {
    let lines = [LogFormat.text, .json].map { format in
      String(
        decoding: Log.line(format, "m", as: level, [:], seconds: 0, milliseconds: 0),
        as: UTF8.self)
    }
    #expect(
      lines == [
        "1970-01-01T00:00:00.000Z \(text)\n",
        #"{"time":"1970-01-01T00:00:00.000Z","level":\#(json)"message":"m"}"# + "\n",
      ])
  }

  @Test(
    "Control characters are escaped",
    arguments: [
      ("\u{0}", "\"\\u0000\""), ("\u{7f}", "\"\\u007f\""), ("\\", "\"\\\\\""), ("é", "\"é\""),
    ])
  func escapes(text: String, expected: String) {
    let line = Log.line(.json, text, [:], seconds: 0, milliseconds: 0)
    #expect(String(decoding: line, as: UTF8.self).hasSuffix(#""message":\#(expected)}"# + "\n"))
  }

  @Test("Lines of many threads come out whole, gathered ones no later than those that are written")
  func gathering() throws {
    let pipe = Pipe()
    let log = Log(format: .json, descriptor: pipe.fileHandleForWriting.fileDescriptor)
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for index in 0..<50 {
        log.gather("line", ["thread": .integer(thread), "index": .integer(index)])
      }
    }
    log.write("last")
    #expect(log.flush(within: .seconds(60)))
    try pipe.fileHandleForWriting.close()
    let lines = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
      .split(separator: "\n")
    #expect(lines.count == 201)
    var next = [0, 0, 0, 0]
    for line in lines.dropLast() {
      let fields = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let thread = try #require(fields["thread"] as? Int)
      #expect(fields["index"] as? Int == next[thread])
      next[thread] += 1
    }
    #expect(lines.last?.contains("last") == true)
  }
}
