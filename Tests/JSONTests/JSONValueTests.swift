import JSON
import Testing

/// The text of a value alone, which is in an array because the reader takes no scalar.
private func text(_ value: JSONValue) -> String {
  String(JSONValue.array([value]).text.dropFirst().dropLast())
}

@Suite struct JSONValueTests {
  @Test(
    "A scalar has one text, and the reader gives it back",
    arguments: [
      (nil, "null"), (true, "true"), (false, "false"), (0, "0"),
      (.integer(.max), "9223372036854775807"),
      (.integer(.min), "-9223372036854775808"), (.thousandths(0), "0.000"),
      (.thousandths(1_500), "1.500"), (.thousandths(12_007), "12.007"),
      (.thousandths(-5), "-0.005"), (.thousandths(.min), "-9223372036854775.808"),
      (.double(0.1), "0.1"), (.double(1), "1.0"), (.double(-0.0), "-0.0"),
      (.double(1e300), "1e+300"),
      (.double(.leastNonzeroMagnitude), "5e-324"), (.double(1.0 / 3), "0.3333333333333333"),
      (.float(0.1), "0.1"), (.float(1), "1.0"), (.float(1.0 / 3), "0.33333334"),
      (.float(1e-5), "1e-05"), (.float(.greatestFiniteMagnitude), "3.4028235e+38"),
      (.float(.leastNonzeroMagnitude), "1e-45"),
    ] as [(JSONValue, String)])
  func scalars(value: JSONValue, expected: String) throws {
    #expect(text(value) == expected)
    let tree = try parsed([value])
    let element = try #require(tree.root.array?.first)
    switch value {
    case .null: #expect(element.isNull)
    case .boolean(let truth): #expect(element.boolean == truth)
    case .integer(let integer): #expect(element.integer == integer)
    case .float(let number): #expect(element.number.map(Float.init) == number)
    case .double(let number): #expect(element.number == number)
    case .thousandths(let count): #expect(element.number == Double(count) / 1000)
    case .string, .floats, .array, .object: Issue.record("not a scalar")
    }
  }

  @Test("A number that is not finite is null, for JSON has none")
  func notFinite() {
    #expect(text(.double(.nan)) == "null")
    #expect(text(.double(-.infinity)) == "null")
    #expect(text(.float(.nan)) == "null")
    #expect(text(.float(.infinity)) == "null")
  }

  @Test("Floats in a row are written as an array of them is")
  func floats() {
    for numbers in [[], [0.1], [1, -0.5, .nan, 1e-20]] as [[Float]] {
      let array = JSONValue.array(numbers.map(JSONValue.float))
      #expect(text(.floats(numbers)) == text(array))
      #expect(JSONValue.floats(numbers).indentedText == array.indentedText)
    }
  }

  @Test("A float's text gives the same float again", arguments: 0..<64)
  func everyFloat(seed: UInt32) throws {
    // An odd step visits all 32 exponent and sign bits.
    for step in 0..<512 as Range<UInt32> {
      let number = Float(bitPattern: (seed &* 512 &+ step) &* 2_654_435_761)
      guard number.isFinite else { continue }
      #expect(Float(text(.float(number))) == number)
    }
  }

  @Test(
    "A string is escaped where JSON wants it, and the reader gives it back",
    arguments: [
      ("", #""""#), ("tabby", #""tabby""#), ("a\"b", #""a\"b""#), (#"C:\n"#, #""C:\\n""#),
      ("\n\r\t", #""\n\r\t""#), ("\u{8}\u{c}\u{1f}", #""\u0008\u000c\u001f""#),
      ("\0", #""\u0000""#), ("a\0b", #""a\u0000b""#), ("\u{7f}", #""\u007f""#),
      ("\u{2028}\u{2029}", "\"\u{2028}\u{2029}\""), ("é, e\u{301}", "\"é, e\u{301}\""),
      ("🐈", #""🐈""#), ("\u{fffd}\u{fffe}\u{10ffff}", "\"\u{fffd}\u{fffe}\u{10ffff}\""),
      ("a/b</script>", #""a/b</script>""#), ("\u{feff}", "\"\u{feff}\""),
    ])
  func strings(string: String, expected: String) throws {
    #expect(Array(text(.string(string)).utf8) == Array(expected.utf8))
    let tree = try parsed([.string(string)], allowsNUL: true)
    let read = try #require(tree.root.array?.first?.string)
    #expect(Array(read.utf8) == Array(string.utf8))
  }

  @Test("Each scalar of the first planes is given back, in a value and in a name")
  func everyScalar() throws {
    for first in stride(from: 0 as UInt32, to: 0x20000, by: 0x400) {
      let scalars = (first..<first + 0x400).compactMap { Unicode.Scalar($0) }
      var string = String(String.UnicodeScalarView(scalars))
      let values = try parsed([.string(string)], allowsNUL: true)
      #expect(values.root.array?.first?.string.map { Array($0.utf8) } == Array(string.utf8))
      if first == 0 { string.unicodeScalars.removeFirst() }
      let names = try parsed(.object(JSONObject([(string, true)])))
      #expect(names.root.members?.first.map { Array($0.name.utf8) } == Array(string.utf8))
    }
  }

  @Test("Members and elements keep their order")
  func order() throws {
    let names = ["z", "a", "m", "B", "", "é", "1", "zz"]
    let value = JSONValue.object(
      JSONObject(names.enumerated().map { ($0.element, .integer($0.offset)) }))
    #expect(value.text == #"{"z":0,"a":1,"m":2,"B":3,"":4,"é":5,"1":6,"zz":7}"#)
    let tree = try parsed(value)
    let members = try #require(tree.root.members)
    #expect(members.map(\.name) == names)
    #expect(members.map(\.value.integer) == Array(0..<names.count))
  }

  @Test("Objects are put together in order")
  func objects() {
    var object: JSONObject = ["a": 1]
    object.append("b", nil)
    object += ["c": [true, "x", 0.5]]
    let empty: JSONObject = [:]
    #expect(
      JSONValue.object(["first": []] + object + empty).text
        == #"{"first":[],"a":1,"b":null,"c":[true,"x",0.5]}"#)
  }

  @Test("What is missing is null")
  func missing() {
    let value: JSONValue = [
      JSONValue(nil as String?), JSONValue(nil as Int?), JSONValue(nil as JSONObject?),
      JSONValue("a" as String?), JSONValue(1 as Int?), JSONValue(["b": 2] as JSONObject?),
    ]
    #expect(value.text == #"[null,null,null,"a",1,{"b":2}]"#)
  }

  @Test("The indented text has a value on each line")
  func indented() {
    let value: JSONValue = ["a": [1, "x"], "b": ["c": nil], "d": []]
    #expect(
      value.indentedText == """
        {
          "a" : [
            1,
            "x"
          ],
          "b" : {
            "c" : null
          },
          "d" : [

          ]
        }
        """)
  }

  @Test("Values nest down to the limit")
  func depth() throws {
    let tree = try parsed(nested(JSONValue.depthLimit))
    var depth = 0
    var node: JSONNode? = tree.root
    while let elements = node?.array {
      depth += 1
      node = elements.first
    }
    #expect(depth == JSONValue.depthLimit)
  }

  @Test("A value that nests deeper is a mistake of the program")
  func tooDeep() async {
    await #expect(processExitsWith: .failure) {
      _ = nested(JSONValue.depthLimit + 1).text
    }
  }
}

/// Arrays in each other.
private func nested(_ depth: Int) -> JSONValue {
  (1..<depth).reduce(.array([])) { value, _ in .array([value]) }
}

private func parsed(_ value: JSONValue, allowsNUL: Bool = false) throws -> JSONTree {
  let bytes = value.bytes
  // SAFETY: the bytes of an array of bytes, for the call.
  return try unsafe JSONTree(bytes.span.bytes, allowsNUL: allowsNUL)
}
