import Checkpoint
import Engine
import Foundation
import HTTPCore
import Inference
import ModelStore
import Numbers
import ResNet
import Serving
import Synchronization
import Testing

/// Examples sent to the admin endpoint, and what is taught from them.
@Suite struct TeachingTests {
  /// A bitmap of 32x32 pixels: stripes in a colour of its kind, with noise of its own.
  static func image(kind: Int, number: Int) -> [UInt8] {
    let side = 32
    let noise = ReproducibleNumbers("teaching \(kind) \(number)")
    let colours: [[Float]] = [[220, 30, 30], [30, 200, 40], [40, 40, 220], [230, 220, 60]]
    var pixels: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        let isStripe = (kind.isMultiple(of: 2) ? x : y) / 4 % 2 == 0
        for channel in 0..<3 {
          let level = isStripe ? colours[kind % colours.count][channel] : 120
          let jitter = noise.fraction((y * side + x) * 3 + channel) * 40 - 20
          pixels.append(UInt8(min(max(level + jitter, 0), 255)))
        }
      }
    }
    func bytes(_ value: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return [0x42, 0x4d] + bytes(54 + pixels.count, 4) + bytes(0, 4) + bytes(54, 4) + bytes(40, 4)
      + bytes(side, 4) + bytes(side, 4) + bytes(1, 2) + bytes(24, 2) + bytes(0, 4)
      + bytes(pixels.count, 4) + bytes(2835, 4) + bytes(2835, 4) + bytes(0, 8) + pixels
  }

  static func json(_ images: [[UInt8]], _ members: String = "") -> [UInt8] {
    let texts = images.map { #""\#(Data($0).base64EncodedString())""# }
    return Array(#"{"images": [\#(texts.joined(separator: ","))]\#(members)}"#.utf8)
  }

  static func images(_ kind: Int, _ count: Int, from start: Int = 0) -> [[UInt8]] {
    (start..<start + count).map { image(kind: kind, number: $0) }
  }

  /// Sends examples of three labels, the kinds 0 to 2.
  private func send(
    _ admin: AdminFixture, _ labels: [String] = ["red", "green", "blue"], count: Int = 10,
    keeping: Bool = true
  ) async throws {
    for (kind, label) in labels.enumerated() {
      let answer = try await admin.ask(
        "POST", "/admin/examples?label=\(label)&keep_images=\(keeping)",
        body: Self.json(Self.images(kind, count)))
      #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
      #expect(try answer.json()["kept"] as? Int == count)
    }
  }

  private func label(_ admin: AdminFixture, _ image: [UInt8]) throws -> String {
    let answer = try admin.served.wait(for: "/classify", body: image).json()
    let predictions = try #require(answer["predictions"] as? [[String: Any]])
    return try #require(predictions.first?["label"] as? String)
  }

  @Test("Three labels of ten images are live after one call, beside the classes before")
  func lesson() async throws {
    let admin = try AdminFixture()
    let before = admin.served.pool.live.model
    try await send(admin)
    let answer = try await admin.ask("POST", "/admin/teach")
    #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
    let document = try answer.json()
    let taught = try #require(document["taught"] as? [String: Any])
    #expect(taught["classes"] as? Int == 13 && taught["examples"] as? Int == 30)
    #expect(taught["new_classes"] as? [String] == ["red", "green", "blue"])
    let judged = try #require(taught["cross_validation"] as? [String: Any])
    #expect(judged["examples"] as? Int == 30)
    #expect(try #require(judged["accuracy"] as? Double) >= 0.9)
    #expect(taught["golden_samples"] as? Int == 3)
    #expect(document["recorded"] as? Bool == true)
    let live = admin.served.pool.live.model
    #expect(live.labels == before.labels + ["red", "green", "blue"])
    #expect(live.name == "start-taught")
    for (kind, name) in ["red", "green", "blue"].enumerated() {
      #expect(try label(admin, Self.image(kind: kind, number: 77)) == name)
    }
    // The file tells where it comes from, and proves itself.
    let path = try #require(admin.store.path(of: live.version))
    let model = try Model.load(path: path)
    #expect(model.provenance?.parent == before.version.hex && model.goldenSamples.count == 3)
    #expect(admin.logged.contains(#""action":"teach""#))
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(admin.served.pool.live.model.version == before.version)
  }

  @Test("A model can be taught the examples alone, and a dry run changes nothing")
  func alone() async throws {
    let admin = try AdminFixture()
    try await send(admin, keeping: false)
    let dry = try await admin.ask("POST", "/admin/teach?keep_classes=false&dry_run=true").json()
    #expect(dry["dry_run"] as? Bool == true)
    #expect(admin.served.pool.live.model.name == "start")
    let answer = try await admin.ask("POST", "/admin/teach?keep_classes=false&name=colours").json()
    let taught = try #require(answer["taught"] as? [String: Any])
    #expect(taught["golden_samples"] as? Int == 0)
    #expect((taught["golden_note"] as? String)?.contains("keep_images=true") == true)
    #expect(admin.served.pool.live.model.labels == ["red", "green", "blue"])
    #expect(answer["name"] as? String == "colours")
    for (kind, name) in ["red", "green", "blue"].enumerated() {
      #expect(try label(admin, Self.image(kind: kind, number: 78)) == name)
    }
    // The taught model has the same body, so that the examples stay of use.
    let more = try await admin.ask(
      "POST", "/admin/examples?label=yellow", body: Self.json(Self.images(3, 5)))
    #expect(more.status == 200)
    #expect(try await admin.ask("POST", "/admin/teach").status == 200)
    #expect(admin.served.pool.live.model.labels == ["red", "green", "blue", "yellow"])
    #expect(try label(admin, Self.image(kind: 3, number: 9)) == "yellow")
  }

  @Test("An image is kept once; as an example of another label it is refused")
  func copies() async throws {
    let admin = try AdminFixture()
    let image = Self.image(kind: 0, number: 0)
    #expect(try await admin.ask("POST", "/admin/examples?label=a", body: image).status == 200)
    let again = try await admin.ask(
      "POST", "/admin/examples", body: Self.json([image, image], #","label":"a""#)
    ).json()
    #expect(again["known"] as? Int == 2 && again["examples"] as? Int == 1)
    let other = try await admin.ask("POST", "/admin/examples?label=b", body: image)
    #expect(other.status == 409)
    #expect(try other.problemKind() == "example-conflict")
    let mixed = try await admin.ask(
      "POST", "/admin/examples?label=b",
      body: Self.json([image, Self.image(kind: 1, number: 0), Array("no image".utf8)])
    ).json()
    #expect(mixed["kept"] as? Int == 1 && mixed["refused"] as? Int == 2)
    let results = try #require(mixed["results"] as? [[String: Any]])
    #expect((results[2]["error"] as? [String: Any])?["status"] as? Int == 415)
    let listed = try await admin.ask("GET", "/admin/examples").json()
    #expect(listed["examples"] as? Int == 2 && listed["stored"] as? String == "state folder")
    #expect(listed["fits_live_model"] as? Bool == true)
    #expect(
      try await admin.ask("DELETE", "/admin/examples?label=a").json()["removed"] as? Int == 1)
    #expect(try await admin.ask("POST", "/admin/examples?label=b", body: image).status == 200)
    #expect(try await admin.ask("DELETE", "/admin/examples").status == 400)
    #expect(
      try await admin.ask("DELETE", "/admin/examples?all=true").json()["examples"] as? Int == 0)
  }

  @Test("A model that is no better than chance is not made live unless that is asked for")
  func chance() async throws {
    let admin = try AdminFixture()
    // Every label has the same kinds of images.
    for (place, label) in ["a", "b"].enumerated() {
      for kind in 0..<4 {
        let answer = try await admin.ask(
          "POST", "/admin/examples?label=\(label)",
          body: Self.json(Self.images(kind, 1, from: place)))
        #expect(answer.status == 200)
      }
    }
    for query in ["", "&dry_run=true", "&minimum_accuracy=1"] {
      let answer = try await admin.ask("POST", "/admin/teach?keep_classes=false\(query)")
      #expect(answer.status == 422, "\(String(decoding: answer.body, as: UTF8.self))")
      #expect(try answer.problemKind() == "accuracy-too-low")
      let detail = try #require(try answer.json()["detail"] as? String)
      #expect(detail.contains("of 8 examples") && detail.contains("minimum_accuracy=0"))
    }
    #expect(admin.served.pool.live.model.name == "start")
    for wrong in ["2", "-1", "half", ""] {
      let answer = try await admin.ask("POST", "/admin/teach?minimum_accuracy=\(wrong)")
      #expect(answer.status == 400)
    }
    let answer = try await admin.ask(
      "POST", "/admin/teach?keep_classes=false&minimum_accuracy=0")
    #expect(answer.status == 200)
    #expect(admin.served.pool.live.model.name == "start-taught")
  }

  @Test("A lesson after a lesson begins where the first one did, and judges no better")
  func again() async throws {
    let admin = try AdminFixture()
    let before = admin.served.pool.live.model
    // Every label has the same kinds of images, so that they cannot be told apart; one is known.
    let known = try #require(before.labels.first)
    for (place, label) in [known, "a", "b"].enumerated() {
      let images = (0..<4).flatMap { Self.images($0, 2, from: 2 * place) }
      let answer = try await admin.ask(
        "POST", "/admin/examples?label=\(label)", body: Self.json(images))
      #expect(answer.status == 200)
    }
    func teach() async throws -> [String: Any] {
      let answer = try await admin.ask("POST", "/admin/teach?minimum_accuracy=0")
      #expect(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
      return try #require(try answer.json()["taught"] as? [String: Any])
    }
    func accuracy(_ taught: [String: Any]) -> Double? {
      (taught["cross_validation"] as? [String: Any])?["accuracy"] as? Double
    }
    func head() throws -> [Float] {
      let path = try #require(admin.store.path(of: admin.served.pool.live.model.version))
      return try #require(try Model.load(path: path).head()).weights
    }
    let first = try await teach()
    let weights = try head()
    let judged = try #require(accuracy(first))
    #expect(judged < 0.9)
    let second = try await teach()
    #expect(accuracy(second) == judged)
    #expect(second["new_classes"] as? [String] == ["a", "b"])
    #expect(second["removed_classes"] as? [String] == [])
    #expect(try head() == weights)
    // What has no examples any more is as it was.
    for label in ["b", known] {
      #expect(try await admin.ask("DELETE", "/admin/examples?label=\(label)").status == 200)
    }
    let third = try await teach()
    #expect(third["removed_classes"] as? [String] == ["b"])
    #expect(admin.served.pool.live.model.labels == before.labels + ["a"])
    let depth = weights.count / (before.labels.count + 2)
    let path = try #require(admin.store.path(of: admin.served.pool.live.model.version))
    let taught = try Model.load(path: path)
    let former = try #require(taught.formerHead)
    #expect(former.classCount == before.labels.count && former.changedClasses.isEmpty)
    let original = try Model.load(path: #require(admin.store.path(of: before.version)))
    let rows = try #require(try original.head()).weights
    #expect(try #require(try taught.head()).weights.prefix(depth) == rows.prefix(depth))
    #expect(try taught.untaughtHead()?.weights == rows)
  }

  @Test("A model that would not fit beside the live one is refused before anything is learned")
  func memory() async throws {
    let turns = Mutex<SwapTurns?>(nil)
    let steps = Mutex<[SwapStep?]>([])
    let admin = try AdminFixture(availableMemory: {
      let step = turns.withLock(\.self)?.current?.status.step
      steps.withLock { $0.append(step) }
      return 4321
    })
    turns.withLock { $0 = admin.turns }
    try await send(admin, count: 2)
    let answer = try await admin.ask("POST", "/admin/teach")
    #expect(answer.status == 507)
    #expect(try answer.problemKind() == "insufficient-memory")
    let detail = try #require(try answer.json()["detail"] as? String)
    #expect(detail.contains("4321 are available") && detail.contains("MiB more"), "\(detail)")
    // The lesson is the step `read`.
    #expect(steps.withLock(\.self) == [.read])
    #expect(try admin.incoming.isEmpty)
  }

  @Test("Too few examples are refused, with what is missing")
  func tooFew() async throws {
    let admin = try AdminFixture()
    func kind(_ target: String) async throws -> String {
      let answer = try await admin.ask("POST", target)
      #expect(answer.status == 409)
      return try answer.problemKind()
    }
    #expect(try await kind("/admin/teach") == "too-few-examples")
    _ = try await admin.ask(
      "POST", "/admin/examples?label=a", body: Self.json(Self.images(0, 1)))
    #expect(try await kind("/admin/teach") == "too-few-examples")
    _ = try await admin.ask(
      "POST", "/admin/examples?label=a", body: Self.json(Self.images(0, 2)))
    #expect(try await kind("/admin/teach?keep_classes=false") == "too-few-examples")
    #expect(try await admin.ask("POST", "/admin/teach").status == 200)
  }

  @Test("Examples of another network are neither added to nor learned from")
  func otherNetwork() async throws {
    let admin = try AdminFixture()
    try await send(admin, count: 2)
    let other = try SmallModels.model("other")
    var weights = other.weights
    let name = "conv1.weight"
    let tensor = try #require(weights[name])
    weights[name] = Tensor(shape: tensor.shape, storage: tensor.values.map { $0 * 0.5 })
    try await admin.upload(
      Model(
        name: "other", architecture: #require(Architecture.cifar(depth: 8, classCount: 10)),
        weights: weights,
        Model.Contents(labels: other.labels, preprocessing: other.preprocessing)))
    let answers = [
      try await admin.ask("POST", "/admin/teach"),
      try await admin.ask(
        "POST", "/admin/examples?label=a", body: Self.image(kind: 3, number: 0)),
    ]
    for answer in answers {
      #expect(answer.status == 409)
      #expect(try answer.problemKind() == "examples-of-another-network")
    }
    let listed = try await admin.ask("GET", "/admin/examples").json()
    #expect(listed["fits_live_model"] as? Bool == false)
    #expect(try await admin.ask("POST", "/admin/rollback").status == 200)
    #expect(try await admin.ask("POST", "/admin/teach").status == 200)
  }

  @Test(
    "Labels that no model can have are refused",
    arguments: [
      "", "?label=", "?label=a%0Ab", "?label=%1B",
      "?label=" + String(repeating: "x", count: 10_240),
      "?label=a&label=b", "?lable=a", "?label=a&keep_images=perhaps",
    ])
  func labels(query: String) async throws {
    let admin = try AdminFixture()
    let answer = try await admin.ask(
      "POST", "/admin/examples" + query, body: Self.image(kind: 0, number: 0))
    #expect(answer.status == 400)
    #expect(try answer.problemKind() == "invalid-parameter")
    #expect(try await admin.ask("GET", "/admin/examples").json()["examples"] as? Int == 0)
  }

  @Test("A broken body keeps nothing")
  func brokenBodies() async throws {
    let admin = try AdminFixture()
    let whole = Self.json(Self.images(0, 2))
    for body in [[], Array(whole.dropLast(30)), Array("label=a".utf8), Self.json([])] {
      let answer = try await admin.ask("POST", "/admin/examples?label=a", body: body)
      #expect(400..<500 ~= answer.status)
    }
    #expect(try await admin.ask("GET", "/admin/examples").json()["examples"] as? Int == 0)
  }

  @Test("A display name of a class that the model knows is no label for a new one")
  func displayName() async throws {
    let admin = try AdminFixture(start: { path in
      var output = OutputRule(activation: .softmax)
      let known = try SmallModels.model("start").labels[0]
      output.displayNames = [known: "red"]
      try SmallModels.model("start", output: output).write(to: path)
    })
    try await send(admin, count: 3)
    let answer = try await admin.ask("POST", "/admin/teach")
    #expect(answer.status == 409)
    #expect(try answer.problemKind() == "unteachable")
    let detail = String(decoding: answer.body, as: UTF8.self)
    #expect(detail.contains("is what the model calls its class"), "\(detail)")
    #expect(try await admin.ask("DELETE", "/admin/examples?label=red").status == 200)
    #expect(try await admin.ask("POST", "/admin/teach").status == 200)
  }

  @Test("A body where none is read is refused, and changes nothing")
  func body() async throws {
    let admin = try AdminFixture()
    try await send(admin, count: 3, keeping: false)
    let before = admin.served.pool.live.model.version
    let document = Array(#"{"dry_run": true}"#.utf8)
    for (method, target) in [
      ("POST", "/admin/teach"), ("POST", "/admin/teach?dry_run=true"), ("POST", "/admin/rollback"),
      ("DELETE", "/admin/examples?all=true"), ("DELETE", "/admin/canary"),
      ("POST", "/admin/versions/\(before.hex)/activate"),
    ] {
      let answer = try await admin.ask(method, target, body: document)
      #expect(answer.status == 400, "\(method) \(target)")
      #expect(try answer.problemKind() == "malformed-body")
    }
    #expect(admin.served.pool.live.model.version == before)
    #expect(try await admin.ask("GET", "/admin/examples").json()["examples"] as? Int == 9)
  }

  @Test(
    "A label that is blank, or has a blank at an end, is refused",
    arguments: ["%20", "%20a", "a%09%20"])
  func blankLabel(label: String) async throws {
    let admin = try AdminFixture()
    let answer = try await admin.ask(
      "POST", "/admin/examples?label=\(label)", body: Self.image(kind: 0, number: 0))
    #expect(answer.status == 400)
    #expect(try answer.problemKind() == "invalid-parameter")
  }

  @Test(
    "A damaged file of examples is told of until somebody decides, and stays as it is",
    arguments: ["", "something else"])
  func damagedExamples(contents: String) async throws {
    let admin = try AdminFixture()
    let file = admin.folder.appendingPathComponent("state/examples")
    let bytes = Data(contents.utf8)
    try bytes.write(to: file)
    let image = Self.image(kind: 0, number: 0)
    for (method, target, body) in [
      ("GET", "/admin/examples", []), ("POST", "/admin/teach", []),
      ("POST", "/admin/examples?label=a", image), ("DELETE", "/admin/examples?label=a", []),
    ] as [(String, String, [UInt8])] {
      let answer = try await admin.ask(method, target, body: body)
      #expect(answer.status == 409, "\(method) \(target)")
      #expect(try answer.problemKind() == "examples-damaged")
      #expect(
        String(decoding: answer.body, as: UTF8.self).contains("DELETE /admin/examples?all=true"))
    }
    let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
    #expect(attributes[.size] as? Int == bytes.count)
    // Foundation leaks memory when it reads an empty file.
    if !bytes.isEmpty { #expect(try Data(contentsOf: file) == bytes) }
    #expect(try await admin.ask("DELETE", "/admin/examples?all=true").status == 200)
    #expect(try await admin.ask("POST", "/admin/examples?label=a", body: image).status == 200)
    #expect(try await admin.ask("DELETE", "/admin/examples?all=true").status == 200)
  }

  @Test("A model of independent labels gets no class, but a new head")
  func sigmoid() async throws {
    let admin = try AdminFixture(start: { path in
      try SmallModels.model("start", output: OutputRule(activation: .sigmoid)).write(to: path)
    })
    try await send(admin, count: 3)
    let answer = try await admin.ask("POST", "/admin/teach")
    #expect(answer.status == 409)
    #expect(try answer.problemKind() == "unteachable")
    #expect(try await admin.ask("POST", "/admin/teach?keep_classes=false").status == 200)
  }
}
