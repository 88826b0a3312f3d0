import Checkpoint
import Foundation
import Testing
import resnetd

/// `resnetd train --list`: images and what they show in a table.
@Suite struct TrainListTests {
  private func train(
    _ tree: ImageTree, _ list: String, _ arguments: String...
  ) async throws -> (outcome: ProgramUnderTest.Outcome, report: [String: Any]) {
    let file = try tree.file("list.csv", Data(list.utf8))
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(
        ["train", tree.path, "--list", file, "-o", "\(tree.path)/out.safetensors", "--json"]
          + ["--force", "--tune", "head"] + arguments))
    let report =
      try? JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return (outcome, report ?? [:])
  }

  /// Images of the four kinds in one folder, named by kind and number.
  private func tree(_ count: Int) throws -> ImageTree {
    let tree = try ImageTree()
    for kind in 0..<4 {
      for number in 0..<count {
        try tree.file("all/\(kind)-\(number).bmp", DrawnImages.bitmap(kind: kind, number: number))
      }
    }
    return tree
  }

  @Test("A table names classes and sides; classes come in natural order")
  func classes() async throws {
    let tree = try tree(12)
    var lines = ["label,split,path"]
    for number in 0..<12 {
      let side = number < 8 ? "train" : number < 10 ? "Val" : "test"
      lines.append("kind10,\(side),all/0-\(number).bmp")
      lines.append("kind2,\(side),\(tree.path)/all/1-\(number).bmp")
    }
    let (outcome, report) = try await train(tree, lines.joined(separator: "\n"))
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(report["labels"] as? [String] == ["kind2", "kind10"])
    #expect(report["learned"] as? Int == 16 && report["held_out"] as? Int == 4)
    #expect(outcome.errors.contains("left alone: 4 images of test"))
    let undivided = lines.map { $0.replacing(",Val,", with: ",train,") }
      .map { $0.replacing(",test,", with: ",train,") }
    let (open, sides) = try await train(
      tree, undivided.joined(separator: "\n"), "--held-out", "0.25")
    #expect(open.exitCode == 0, "\(open.errors)")
    #expect((sides["learned"] as? Int ?? 0) + (sides["held_out"] as? Int ?? 0) == 24)
  }

  @Test("A list in Latin-1 is refused with the line and what to do")
  func latin() async throws {
    let tree = try tree(4)
    let lines =
      ["path,label"] + (0..<4).flatMap { ["all/0-\($0).bmp,a", "all/1-\($0).bmp,K\u{e4}"] }
    let list = try tree.file(
      "latin.csv", Data(lines.joined(separator: "\n").unicodeScalars.map { UInt8($0.value) }))
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url,
      TrainOptions.small(
        ["train", tree.path, "--list", list, "-o", "\(tree.path)/out.safetensors"]))
    #expect(outcome.exitCode == 1)
    #expect(
      outcome.errors.contains(
        "latin.csv: line 3: \"K\u{fffd}\" is not UTF-8, which the list must be in: save it as UTF-8, or "
          + "convert it by `iconv -f LATIN1 -t UTF-8"), "\(outcome.errors)")
    let evaluated = try await ProgramUnderTest.run("evaluate", tree.path, "--list", list)
    #expect(evaluated.exitCode == 1 && evaluated.errors.contains("line 3: "))
  }

  @Test("A list that names a file that is not there is refused before anything is learned")
  func missing() async throws {
    let tree = try tree(6)
    let lines = (0..<6).flatMap { ["all/0-\($0).bmp,a", "all/1-\($0).bmp,b"] }
    try tree.file("all/broken.bmp", Data("text".utf8))
    let all = ["path,label"] + lines + ["all/broken.bmp,a"]
    let (outcome, report) = try await train(tree, all.joined(separator: "\n"))
    #expect(outcome.exitCode == 0 && report["failed"] as? Int == 1, "\(outcome.errors)")
    let wrong = all + ["all/gone.bmp,a", "all/gone-too.bmp,b"]
    let (refused, _) = try await train(tree, wrong.joined(separator: "\n"))
    #expect(refused.exitCode == 1)
    #expect(
      refused.errors.contains(
        "of the 15 files that it names 2 are not there, first \(tree.path)/all/gone.bmp"),
      "\(refused.errors)")
  }

  @Test("Several labels of an image stand in one field, in several rows, or not at all")
  func labels() async throws {
    let tree = try tree(20)
    var lines = ["image_name;tags"]
    for number in 0..<20 {
      lines.append("all/0-\(number).bmp;wide | upright")
      lines.append("all/1-\(number).bmp;wide")
      lines.append("all/2-\(number).bmp;upright")
      lines.append("all/3-\(number).bmp;")
    }
    let (joined, one) = try await train(
      tree, lines.joined(separator: "\n"), "--activation", "sigmoid", "--label-separator", "|")
    #expect(joined.exitCode == 0, "\(joined.errors)")
    #expect(one["labels"] as? [String] == ["upright", "wide"])
    let model = try Data(contentsOf: URL(fileURLWithPath: "\(tree.path)/out.safetensors"))
    var rows: [String] = []
    for line in lines {
      let parts = line.components(separatedBy: " | ")
      rows.append(parts[0])
      if parts.count > 1 { rows.append(line.prefix { $0 != ";" } + ";" + parts[1]) }
    }
    rows = rows.map { $0.hasSuffix(";") ? $0 + "none" : $0 }
    let (apart, _) = try await train(
      tree, rows.joined(separator: "\n"), "--activation", "sigmoid", "--negatives", "none")
    #expect(apart.exitCode == 0, "\(apart.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: "\(tree.path)/out.safetensors")) == model)
  }

  @Test("A list that cannot be learned from is refused with its line and a remedy")
  func refusals() async throws {
    let tree = try tree(1)
    let cases: [(list: String, words: String)] = [
      ("path,label\na.bmp,\n", "line 2: the class is empty"),
      ("path,label,split\na.bmp,x,train\nb.bmp,y,later\n", "line 3: \"later\" says for what"),
      ("path,label\na.bmp,x\nb.bmp,x\n", "of classes it names \"x\" alone"),
      ("path,label,split\na.bmp,x,val\nb.bmp,y,val\n", "none is to be learned"),
      ("path,label\n", "it names no image"),
      ("all/0-0.bmp,x\nall/1-0.bmp,y,z\n", "line 2: 3 fields, 2 are expected"),
    ]
    for item in cases {
      let (outcome, _) = try await train(tree, item.list)
      #expect(outcome.exitCode == 1 && outcome.errors.contains(item.words), "\(outcome.errors)")
    }
    let (twice, _) = try await train(
      tree, "path,label,split\na.bmp,x,train\na.bmp,y,val\n", "--activation", "sigmoid")
    #expect(twice.exitCode == 1 && twice.errors.contains("is to be learned and to judge by"))
    let (needless, _) = try await train(tree, "a.bmp,x\n", "--label-separator", "|")
    #expect(needless.exitCode == 2 && needless.errors.contains("give --activation sigmoid if"))
  }

  @Test("Names that are probably several labels in one are told")
  func joinedNames() async throws {
    let cases: [(names: [String], separator: String?)] = [
      (["cat;dog", "cat", "dog"], ";"), (["cat|dog", "hen|cow"], "|"),
      (["cat;dog", "hen", "cow"], nil),
      (
        [
          "wide upright", "wide", "upright", "blue", "wide blue", "blue upright",
          "wide blue upright",
        ], " "
      ),
      (["cat, dog", "cat, hen", "dog, hen", "cat", "hen", "cat, dog, hen"], ","),
      (
        [
          "golden retriever", "labrador retriever", "tabby cat", "tiger cat", "grey whale",
          "killer whale",
        ], nil
      ),
      (["tench, Tinca tinca", "goldfish, Carassius auratus", "hammerhead, hammerhead shark"], nil),
      (["n01440764", "n01443537"], nil), (["cat"], nil),
    ]
    for item in cases {
      let found = JoinedNames(item.names, known: nil)
      #expect(found?.separator == item.separator, "\(item.names)")
    }
    #expect(JoinedNames(["cat;dog", "cat"], known: ";") == nil)
    let tree = try tree(6)
    let rows = (0..<6).flatMap { ["all/0-\($0).bmp,wide;blue", "all/1-\($0).bmp,wide"] }
    let list = "path,label\n" + rows.joined(separator: "\n")
    let (classes, _) = try await train(tree, list)
    #expect(
      classes.errors.contains("if images may have several labels, --activation sigmoid with")
        && classes.errors.contains("and each is one class"), "\(classes.errors)")
    let (labels, _) = try await train(tree, list, "--activation", "sigmoid")
    #expect(labels.errors.contains("--label-separator ';' takes them apart"), "\(labels.errors)")
    let (apart, _) = try await train(
      tree, list, "--activation", "sigmoid", "--label-separator", ";")
    #expect(!apart.errors.contains("takes them apart"), "\(apart.errors)")
  }

  @Test("A list in UTF-16 is refused with the name of its encoding")
  func encoding() async throws {
    let tree = try tree(1)
    let text = try #require("all/0-0.bmp,x\nall/1-0.bmp,y\n".data(using: .utf16))
    let file = try tree.file("list.txt", text)
    for command in [["train", "-o", "\(tree.path)/x.safetensors"], ["evaluate"]] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, command + [tree.path, "--list", file])
      #expect(outcome.exitCode == 1)
      #expect(
        outcome.errors.contains("list.txt: it is text in UTF-16, and is read as UTF-8: save it as"),
        "\(outcome.errors)")
    }
  }
}
