import Telemetry
import Testing

@Suite struct LogTests {
  @Test("A JSON line is one object with time, message and fields in order")
  func json() {
    let line = Log.line(
      .json, "ready", ["port": .integer(8080), "model": .text("a\"b\n"), "ms": .number(1.5)],
      seconds: 951_782_400, milliseconds: 7)
    #expect(
      line
        == #"{"time":"2000-02-29T00:00:00.007Z","message":"ready","port":8080,"model":"a\"b\n","ms":1.5}"#
        + "\n")
  }

  @Test("A text line quotes what has blanks and never spans lines or drives the terminal")
  func text() {
    let line = Log.line(
      .text, "bad\u{1b}[31m\nthing",
      ["path": .text("/a b"), "status": .integer(200), "none": .text("")],
      seconds: 3_661, milliseconds: 42)
    #expect(line == "01:01:01.042 bad [31m thing path=\"/a b\" status=200 none=\"\"\n")
  }

  @Test(
    "Control characters are escaped",
    arguments: [
      ("\u{0}", "\"\\u0000\""), ("\u{7f}", "\"\\u007f\""), ("\\", "\"\\\\\""), ("é", "\"é\""),
    ])
  func escapes(text: String, expected: String) {
    #expect(Log.quoted(text) == expected)
  }
}
