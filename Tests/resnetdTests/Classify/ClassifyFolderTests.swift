import Foundation
import Glibc
import Testing

/// `resnetd classify` over folders, patterns and lists.
@Suite struct ClassifyFolderTests {
  @Test("Answers come in the order of the names, with the numbers of one image at a time")
  func order() async throws {
    let tree = try ImageTree()
    for index in 0..<40 { try tree.image("\(index + 100).jpg") }
    try tree.file("120.jpg")
    let alone = try await ProgramUnderTest.run("classify", "--json", ProgramUnderTest.sampleImage)
    let outcome = try await ProgramUnderTest.run("classify", "-j3", "--jsonl", tree.path)
    #expect(outcome.exitCode == 1)
    let lines = try ImageTree.lines(outcome.output)
    #expect(lines.map { $0["file"] as? String } == (100..<140).map { "\(tree.path)/\($0).jpg" })
    let wanted = try #require(try ImageTree.lines(alone.output).first)
    for (index, line) in lines.enumerated() {
      #expect((line["model"] as? NSDictionary) == (wanted["model"] as? NSDictionary))
      if index == 20 {
        #expect((line["error"] as? [String: Any])?["status"] as? Int == 415)
      } else {
        #expect((line["predictions"] as? NSArray) == (wanted["predictions"] as? NSArray))
      }
    }
    #expect(outcome.errors.contains("40 images in"))
    #expect(outcome.errors.contains("1 failed"))
  }

  @Test("A table quotes what its names have, and has a row for what failed")
  func table() async throws {
    let tree = try ImageTree()
    try tree.image("a\nb,\"c\".jpg")
    try tree.file("d.png")
    let outcome = try await ProgramUnderTest.run("classify", "--csv", "--top-k", "2", tree.path)
    #expect(outcome.exitCode == 1)
    // Written as in RFC 4180: fields in quotes, quotes twice.
    #expect(outcome.output.contains("\"\(tree.path)/a\nb,\"\"c\"\".jpg\",,"))
    let rows = ImageTree.rows(outcome.output.replacing("\"\"", with: "'"))
    #expect(
      rows[0] == [
        "file", "error", "model", "run", "class_1", "label_1", "probability_1", "class_2",
        "label_2", "probability_2",
      ])
    #expect(rows.count == 3 && rows.allSatisfy { $0.count == 10 })
    #expect(rows[1][0] == "\(tree.path)/a\nb,'c'.jpg" && rows[1][1].isEmpty)
    #expect(rows[1][5] == "ship" && Double(rows[1][6]).map { $0 > 0.5 && $0 <= 1 } == true)
    #expect(rows[2][1].hasPrefix("the bytes are text") && rows[2][4...].allSatisfy(\.isEmpty))
  }

  @Test("What is not classified in a folder is counted by kind")
  func skipped() async throws {
    let tree = try ImageTree()
    try tree.image("one.jpg")
    try tree.image("no-ending")
    try tree.image(".hidden.jpg")
    try tree.file("readme")
    try tree.file("notes.txt")
    try tree.file("more.TXT")
    try tree.image("below/two.jpg")
    try tree.image("below/deeper/three.PNG")
    try tree.link("below/loop", to: "..")
    let isMade = unsafe mkfifo("\(tree.path)/pipe.jpg", 0o600) == 0
    #expect(isMade)
    let flat = try await ProgramUnderTest.run("classify", "--csv", tree.path)
    #expect(flat.exitCode == 0, "\(flat.errors)")
    #expect(
      ImageTree.rows(flat.output).map { $0[0] } == [
        "file", "\(tree.path)/no-ending", "\(tree.path)/one.jpg",
      ])
    for phrase in [
      "skipped: 2 .txt", "1 without an ending that is not an image", "1 hidden",
      "1 pipe, socket or device", "1 subfolder (--recursive enters it)",
    ] { #expect(flat.errors.contains(phrase), "\(flat.errors)") }
    let deep = try await ProgramUnderTest.run("classify", "-r", "--csv", tree.path + "/")
    #expect(deep.exitCode == 0, "\(deep.errors)")
    #expect(
      ImageTree.rows(deep.output).dropFirst().map { $0[0].dropFirst(tree.path.count) } == [
        "/below/deeper/three.PNG", "/below/two.jpg", "/no-ending", "/one.jpg",
      ])
    #expect(deep.errors.contains("1 folder that a link leads to again"))
  }

  @Test("Every name that a decoded format is known by is one of an image")
  func endings() async throws {
    let tree = try ImageTree()
    let endings = [
      "mpo", "jps", "JPE", "jfif", "jif", "pjpeg", "pjp", "apng", "dib", "tif", "btf", "avifs",
      "heics", "heif", "hif",
    ]
    for ending in endings { try tree.image("image.\(ending)") }
    // What is no picture by its name stays out.
    for ending in ["jp2", "jxl", "svg", "jpg~"] { try tree.image("image.\(ending)") }
    let outcome = try await ProgramUnderTest.run("classify", "--csv", tree.path)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(
      Set(ImageTree.rows(outcome.output).dropFirst().map { $0[0] })
        == Set(endings.map { "\(tree.path)/image.\($0)" }))
  }

  @Test("Nothing that cannot be read is passed over without a row")
  func unreadable() async throws {
    let tree = try ImageTree()
    try tree.image(named: Array("caf".utf8) + [0xe9] + Array(".jpg".utf8))
    try tree.link("gone.jpg", to: "nowhere")
    try tree.link("lost", to: "nowhere")
    try tree.link("circle", to: "circle")
    let outcome = try await ProgramUnderTest.run("classify", "--jsonl", tree.path)
    #expect(outcome.exitCode == 1)
    let lines = try ImageTree.lines(outcome.output)
    #expect(
      lines.map { $0["file"] as? String } == [
        "\(tree.path)/caf\\xE9.jpg", "\(tree.path)/gone.jpg",
      ])
    let details = lines.map { ($0["error"] as? [String: Any])?["detail"] as? String ?? "" }
    #expect(details[0].contains("its name is not UTF-8; rename it"))
    #expect(details[1].contains("the link leads to nothing"))
    #expect(outcome.errors.contains("2 links that lead to nothing or in a circle"))
    let nothing = try ImageTree()
    let none = try await ProgramUnderTest.run("classify", nothing.path)
    #expect(none.exitCode == 1 && none.errors.contains("no images were found"))
  }

  @Test("Patterns that the shell leaves alone are expanded, unless a file has the name")
  func patterns() async throws {
    let tree = try ImageTree()
    for name in ["a1.jpg", "a2.png", "b.jpg", "a[1].jpg"] { try tree.image(name) }
    func names(_ pattern: String) async throws -> [Substring] {
      let outcome = try await ProgramUnderTest.run("classify", "--csv", "\(tree.path)/\(pattern)")
      #expect(outcome.exitCode == 0, "\(outcome.errors)")
      return ImageTree.rows(outcome.output).dropFirst().map { $0[0].dropFirst(tree.path.count + 1) }
    }
    #expect(try await names("a*.{png,jpg}") == ["a2.png", "a1.jpg", "a[1].jpg"])
    #expect(try await names("a[1].jpg") == ["a[1].jpg"])
    let missing = try await ProgramUnderTest.run("classify", "\(tree.path)/c*.jpg")
    #expect(missing.exitCode == 1 && missing.errors.contains("as a pattern it matches nothing"))
    let deep = try await ProgramUnderTest.run("classify", "\(tree.path)/**/c.jpg")
    #expect(deep.exitCode == 1 && deep.errors.contains("--recursive"))
  }

  @Test("A list has lines or NUL between its paths, and says which it has")
  func lists() async throws {
    let tree = try ImageTree()
    let paths = try ["b.jpg", "a.jpg", "with\nline.jpg"].map { try tree.image($0) }
    func run(_ options: [String], _ input: String) async throws -> ProgramUnderTest.Outcome {
      try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["classify", "--csv", "--files-from", "-"] + options, input: input)
    }
    let separated = try await run(["--null"], paths.map { $0 + "\0" }.joined())
    #expect(separated.exitCode == 0, "\(separated.errors)")
    #expect(ImageTree.rows(separated.output).dropFirst().map { $0[0] } == paths)
    let lines = try await run([], "\(paths[0])\r\n\n\(paths[1])")
    #expect(lines.exitCode == 0, "\(lines.errors)")
    #expect(ImageTree.rows(lines.output).dropFirst().map { $0[0] } == Array(paths[..<2]))
    let mistaken = try await run([], paths.map { $0 + "\0" }.joined())
    #expect(mistaken.exitCode == 1 && mistaken.errors.contains("give --null as well"))
    let long = try await run([], String(repeating: "x", count: 5000))
    #expect(long.exitCode == 1 && long.errors.contains("longer than 4096 bytes"))
    let folder = try await run([], tree.path)
    #expect(folder.exitCode == 1 && folder.output.contains("not a regular file"))
  }

  @Test(
    "Options that contradict each other are refused",
    arguments: [
      (["--csv", "--json", "x"], "not both"), (["--null", "x"], "--null needs --files-from"),
      (["--files-from", "-", "-"], "standard input is either"),
      (["--resume", "--csv", "x"], "--resume needs --output"),
      (["--resume", "-o", "x.txt", "x"], "--resume needs --csv or --jsonl"),
      (["--force", "-o", "-", "x"], "--force needs --output"),
      (["--jobs", "0", "x"], "a whole number from 1 to 256"),
      (
        ["-o", "x.xlsx", "x"],
        "--output ends in .xlsx, which is not written; it may end in .csv, .jsonl, .json or .txt, or"
      ),
      (["-o", "results.v2", "x"], "--output ends in .v2, which is not written"),
      (["--csv", "-o", "a/x.XLSX", "x"], "--output would hold CSV, and \"x.XLSX\" is the name"),
      (
        ["--jsonl", "-o", "x.csv", "x"], "--output would hold JSON lines, and \"x.csv\" is the name"
      ),
      (["--features", "x.csv", "x"], "--features would hold a NumPy array, and \"x.csv\" is the"),
    ])
  func usage(arguments: [String], message: String) async throws {
    let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, ["classify"] + arguments)
    #expect(outcome.exitCode == 2 && outcome.errors.contains(message), "\(outcome.errors)")
  }
}
