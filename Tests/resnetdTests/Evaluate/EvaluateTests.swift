import Foundation
import Testing

/// `resnetd evaluate` on images whose answers are known from `classify`.
@Suite struct EvaluateTests {
  /// A folder with the sample, which is a ship, under classes that it has and has not.
  private func folders(_ counts: [(name: String, count: Int)]) throws -> ImageTree {
    let tree = try ImageTree()
    for (name, count) in counts {
      for index in 0..<count { try tree.image("\(name)/\(index).jpg") }
    }
    return tree
  }

  private func report(_ arguments: [String]) async throws -> (
    json: [String: Any], precisions: [[String: Any]], outcome: ProgramUnderTest.Outcome
  ) {
    let outcome = try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["evaluate", "--json", "-"] + arguments)
    let json =
      try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any] ?? [:]
    return (json, json["precisions"] as? [[String: Any]] ?? [], outcome)
  }

  @Test("Shares, their intervals and the confusion follow from the answers")
  func shares() async throws {
    // Names are a label, a label but for its case, and a number.
    let tree = try folders([("ship", 6), ("Truck", 1), ("3", 1)])
    try tree.file("ship/broken.jpg")
    try tree.file("readme.txt")
    let (json, precisions, outcome) = try await report([tree.path, "--precision", "fp32", "-j2"])
    #expect(outcome.exitCode == 1 && outcome.errors.contains("broken.jpg: the bytes are text"))
    #expect(json["failed"] as? Int == 1)
    let part = try #require(precisions.first)
    #expect(part["images"] as? Int == 8)
    let top1 = try #require(part["top1"] as? [String: Double])
    #expect(top1["value"] == 0.75)
    // scipy.stats.binomtest(6, 8).proportion_ci(method="wilson")
    #expect(abs(try #require(top1["low"]) - 0.40927543) < 1e-7)
    #expect(abs(try #require(top1["high"]) - 0.92852079) < 1e-7)
    #expect(part["confusion"] as? [[Int]] == [[3, 8, 1], [8, 8, 6], [9, 8, 1]])
    let classes = try #require(part["classes"] as? [[String: Any]])
    #expect(classes.count == 10)
    #expect(classes[8]["recall"] as? Double == 1 && classes[8]["precision"] as? Double == 0.75)
    #expect(classes[9]["recall"] as? Double == 0 && classes[9]["precision"] is NSNull)
    #expect((part["mistakes"] as? [Any])?.count == 2)
    let notes = try #require(json["notes"] as? [String])
    #expect(notes.contains { $0.contains("without an image: 7 of 10 classes") })
    #expect(notes.contains { $0.contains("1 files beside the folders") })
  }

  @Test("Log loss, calibration and the best temperature are those of the probabilities")
  func calibration() async throws {
    let tree = try folders([("ship", 3), ("truck", 1)])
    let classified = try await ProgramUnderTest.run(
      "classify", "--json", "--precision", "fp32", "--top-k", "10", ProgramUnderTest.sampleImage)
    let answer = try #require(try ImageTree.lines(classified.output).first)
    var probabilities = [Double](repeating: 0, count: 10)
    for prediction in answer["predictions"] as? [[String: Any]] ?? [] {
      probabilities[prediction["class"] as? Int ?? 0] = prediction["probability"] as? Double ?? 0
    }
    func loss(_ temperature: Double) -> Double {
      let powers = probabilities.map { pow($0, 1 / temperature) }
      let sum = powers.reduce(0, +)
      return -(3 * log(powers[8] / sum) + log(powers[9] / sum)) / 4
    }
    let (_, precisions, _) = try await report([tree.path, "--precision", "fp32"])
    let part = try #require(precisions.first)
    #expect(abs(try #require(part["log_loss"] as? Double) - loss(1)) < 1e-4)
    // All images are in one bin.
    let error = try #require(part["calibration_error"] as? Double)
    #expect(abs(error - abs(0.75 - probabilities[8])) < 1e-6)
    let best = try #require(part["best_temperature"] as? Double)
    let least = try #require(part["log_loss_at_best_temperature"] as? Double)
    #expect(abs(least - loss(best)) < 1e-4)
    #expect(loss(best) < loss(best * 1.01) && loss(best) < loss(best / 1.01))
  }

  @Test("Lists have lines or columns, with paths from the folder on")
  func lists() async throws {
    let tree = try folders([("all", 4)])
    let lines = try tree.file("val.txt", Data("all/0.jpg 8\nall/1.jpg ship\n\nall/2.jpg 9\n".utf8))
    let table = try tree.file(
      "val.csv", Data("label,Path\nship,all/0.jpg\n\"8\",\"\(tree.path)/all/1.jpg\"\n".utf8))
    let (_, first, _) = try await report([tree.path, "--list", lines])
    #expect((first.first?["top1"] as? [String: Double])?["value"] == 2.0 / 3)
    let (_, second, _) = try await report([tree.path, "--list", table])
    #expect((second.first?["top1"] as? [String: Double])?["value"] == 1)
    let broken = try tree.file("bad.txt", Data("all/0.jpg\n".utf8))
    let refused = try await ProgramUnderTest.run("evaluate", tree.path, "--list", broken)
    #expect(refused.exitCode == 1 && refused.errors.contains("line 1: a path, a blank and a class"))
    for (name, text) in [
      ("a.txt", "path;label\nall/0.jpg;ship\nall/1.jpg;8\n"), ("b.txt", "all/0.jpg\tship\n"),
      ("c.csv", "\u{feff}all/0.jpg;ship\n"), ("d.txt", "all/0.jpg,ship\n"),
    ] {
      let list = try tree.file(name, Data(text.utf8))
      let (_, precisions, outcome) = try await report([tree.path, "--list", list])
      #expect((precisions.first?["top1"] as? [String: Double])?["value"] == 1, "\(outcome.errors)")
    }
    let unclear = try tree.file("e.csv", Data("all,0.jpg;none\n".utf8))
    let ambiguous = try await ProgramUnderTest.run("evaluate", tree.path, "--list", unclear)
    #expect(
      ambiguous.exitCode == 1 && ambiguous.errors.contains("in several ways; give it a header"))
  }

  @Test("Files are replaced only if that is wished, and have the names of what they hold")
  func files() async throws {
    let tree = try folders([("ship", 1)])
    let (json, page) = ("\(tree.path)/r.json", "\(tree.path)/r.html")
    func run(_ options: String...) async throws -> ProgramUnderTest.Outcome {
      try await ProgramUnderTest.run(ProgramUnderTest.url, ["evaluate", tree.path] + options)
    }
    #expect(try await run("--json", json, "--page", page).exitCode == 0)
    let first = try Data(contentsOf: URL(fileURLWithPath: json))
    for (option, file) in [("--json", json), ("--page", page)] {
      let refused = try await run(option, file)
      #expect(refused.exitCode == 1 && refused.output.isEmpty)
      #expect(
        refused.errors.contains("\(file) exists; --force replaces it, another \(option) leaves it"))
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: json)) == first)
    try tree.image("ship/2.jpg")
    #expect(try await run("--json", json, "--page", page, "--force").exitCode == 0)
    #expect(try Data(contentsOf: URL(fileURLWithPath: json)) != first)
    for (options, words) in [
      (["--json", "\(tree.path)/r.csv"], "--json would hold JSON, and \"r.csv\" is the name of"),
      (["--page", "\(tree.path)/r.pdf"], "call it r.html"), (["--force"], "--force needs --json"),
    ] {
      let outcome = try await ProgramUnderTest.run(
        ProgramUnderTest.url, ["evaluate", tree.path] + options)
      #expect(outcome.exitCode == 2 && outcome.errors.contains(words), "\(outcome.errors)")
    }
    let nowhere = try await run("--json", "\(tree.path)/none/r.json")
    #expect(nowhere.exitCode == 1 && nowhere.errors.contains("cannot write"))
  }

  @Test("Folders that are no classes are refused with what was meant, or passed over")
  func unknown() async throws {
    let tree = try folders([("ship", 2), ("shpi", 1), ("77", 1), ("n01440764", 1)])
    let refused = try await ProgramUnderTest.run("evaluate", tree.path)
    #expect(refused.exitCode == 1)
    #expect(refused.errors.contains("\"shpi\" (did you mean \"ship\"?)"))
    #expect(refused.errors.contains("\"77\" (the numbers of the classes are from 0 to 9)"))
    #expect(refused.errors.contains("a number of WordNet"))
    let (json, precisions, outcome) = try await report([tree.path, "--allow-unknown"])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(precisions.first?["images"] as? Int == 2)
    #expect((json["notes"] as? [String])?.contains { $0.contains("shpi") } == true)
  }

  @Test("Precisions stand side by side, and what cannot be had is named")
  func precisions() async throws {
    let tree = try folders([("ship", 2)])
    let (json, precisions, outcome) = try await report([tree.path, "--precision", "all"])
    #expect(outcome.exitCode == 0)
    #expect(precisions.first?["precision"] as? String == "fp32")
    #expect(precisions.first?["agreement"] == nil)
    for part in precisions.dropFirst() {
      #expect((part["agreement"] as? [String: Double])?["top1"] == 1)
    }
    #expect((json["notes"] as? [String])?.contains { $0.hasPrefix("int8 is left out") } == true)
    let wrong = try await ProgramUnderTest.run("evaluate", "--precision", "fp32,fp32", tree.path)
    #expect(wrong.exitCode == 2 && wrong.errors.contains("each once"))
  }

  @Test(
    "Independent labels and scores are refused with what to do", arguments: ["sigmoid", "none"])
  func meaning(activation: String) async throws {
    let tree = try folders([("ship", 1)])
    let outcome = try await ProgramUnderTest.run(
      "evaluate", "--activation", activation, tree.path)
    #expect(outcome.exitCode == 1 && outcome.errors.contains("give --activation softmax"))
  }

  @Test("The page holds everything in itself and escapes names")
  func page() async throws {
    let tree = try folders([("ship", 2), ("truck", 1)])
    try tree.image("truck/<b>&\"x\".jpg")
    let page = "\(tree.path)/page.html"
    let outcome = try await ProgramUnderTest.run("evaluate", tree.path, "--page", page)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("top-1") && outcome.output.contains("50.00 %"))
    #expect(outcome.output.contains("top-5"))
    #expect(outcome.output.contains("taken for ship"))
    let text = try String(contentsOfFile: page, encoding: .utf8)
    #expect(text.contains("&lt;b&gt;&amp;&quot;x&quot;.jpg") && !text.contains("<b>&"))
    #expect(text.contains("prefers-color-scheme: dark"))
    #expect(!text.contains("http:") && !text.contains("https:") && !text.contains("<script"))
    #expect(text.utf8.count < 300_000)
  }

  @Test("Images that the model itself has learned are told of, others are not")
  func learned() async throws {
    let (tree, results) = (try ImageTree(), try TemporaryFolder())
    try DrawnImages.add([("a", 0, 20), ("b", 1, 20)], to: tree)
    let model = results.url.appendingPathComponent("drawn.safetensors").path
    let trained = try await ProgramUnderTest.run("train", tree.path, "-o", model)
    #expect(trained.exitCode == 0, "\(trained.errors)")
    let inspected = try await ProgramUnderTest.run("inspect", model)
    let count = try #require(
      inspected.output.firstMatch(of: /"data":"(\d+) images of 2 classes/)?.output.1)
    #expect(!inspected.output.contains("learned_sample"))

    let (known, _, outcome) = try await report([tree.path, "--model", model])
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    let told = try #require(known["learned_images"] as? [String: Any])
    #expect(told["sampled"] as? Int == 40 && told["learned"] as? Int == Int(count))
    #expect(
      (known["notes"] as? [String])?.first?.hasPrefix(
        "the model has learned \(count) of these 40 images") == true, "\(known["notes"] ?? "")")

    // People read it before the figures.
    let shown = try await ProgramUnderTest.run("evaluate", tree.path, "--model", model)
    let note = try #require(shown.output.range(of: "the model has learned"))
    let figures = try #require(shown.output.range(of: "top-1"))
    #expect(note.lowerBound < figures.lowerBound)
    // The best five of two classes are all of them.
    #expect(!shown.output.contains("top-5"))
    // So do those who train on.
    let further = try await ProgramUnderTest.run(
      "train", tree.path, "-o", model + ".safetensors", "--from", model, "--seed", "5")
    #expect(further.exitCode == 0, "\(further.errors)")
    #expect(further.errors.contains("images that judge the result: --from: drawn has learned "))

    let fresh = try ImageTree()
    for number in 0..<5 {
      try fresh.file("a/\(number).bmp", DrawnImages.bitmap(kind: 0, number: 700 + number))
    }
    let (other, _, _) = try await report([fresh.path, "--model", model])
    let none = try #require(other["learned_images"] as? [String: Any])
    #expect(none["sampled"] as? Int == 5 && none["learned"] as? Int == 0)
    #expect((other["notes"] as? [String])?.contains { $0.contains("has learned") } == false)
    // A file of another program does not tell.
    let ships = try folders([("ship", 1)])
    let (foreign, _, _) = try await report([ships.path])
    #expect(foreign["learned_images"] is NSNull)
  }

  @Test("Rows that name an image again count, which is said")
  func repeatedRows() async throws {
    let tree = try folders([("ship", 3)])
    let rows = [
      "ship/0.jpg,ship", "ship/1.jpg,ship", "ship/0.jpg,8", "ship/1.jpg,cat", "ship/2.jpg,8",
    ]
    let list = try tree.file("list.csv", Data(rows.joined(separator: "\n").utf8))
    let (json, precisions, _) = try await report([tree.path, "--list", list, "--precision", "fp32"])
    #expect(precisions.first?["images"] as? Int == 5)
    let notes = try #require(json["notes"] as? [String])
    #expect(
      notes.contains {
        $0.hasSuffix(
          "2 rows name an image that a row before names too, first ship/0.jpg: each row counts; 1 with "
            + "another class, of which one must be wrong")
      }, "\(notes)")
  }

  @Test("An image may have as many pixels as is allowed, and the option is named")
  func pixelLimit() async throws {
    let tree = try folders([("ship", 1)])
    let refused = try await ProgramUnderTest.run("evaluate", tree.path, "--pixel-limit", "100")
    #expect(
      refused.errors.contains("over the limit of 100: send a smaller one (--pixel-limit N sets"),
      "\(refused.errors)")
    let (_, precisions, taken) = try await report([tree.path, "--pixel-limit", "100000000"])
    #expect(taken.exitCode == 0 && precisions.first?["images"] as? Int == 1)
  }
}
