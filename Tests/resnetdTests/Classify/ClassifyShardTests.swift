import Foundation
import Testing

/// Shares of the images of a folder, with their rows in parts.
@Suite struct ClassifyShardTests {
  /// Makes a folder of images and one broken file, which is the last.
  private func tree(_ count: Int) throws -> ImageTree {
    let tree = try ImageTree()
    for index in 0..<count { try tree.image("images/\(index + 10).jpg") }
    try tree.file("images/broken.jpg")
    return tree
  }

  private func run(
    _ tree: ImageTree, _ options: [String]
  ) async throws -> ProgramUnderTest.Outcome {
    try await ProgramUnderTest.run(
      ProgramUnderTest.url, ["classify", tree.path + "/images"] + options)
  }

  /// Bytes of all parts by their names.
  private func parts(_ tree: ImageTree) throws -> [String: Data] {
    let folder = URL(fileURLWithPath: tree.path + "/parts")
    var parts: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      parts[name] = try Data(contentsOf: folder.appendingPathComponent(name))
    }
    return parts
  }

  private func lines(_ parts: some Sequence<Data>) -> [String] {
    parts.flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
      .sorted()
  }

  @Test("All shards together have the rows of a single run", arguments: ["jsonl", "csv"])
  func union(ending: String) async throws {
    // So many that no shard has none, whatever the folder is called.
    let tree = try tree(40)
    let file = "\(tree.path)/single.\(ending)"
    #expect(try await run(tree, ["-o", file]).exitCode == 1)
    let single = lines([try Data(contentsOf: URL(fileURLWithPath: file))])
    var codes: [Int32] = []
    for index in 0..<3 {
      let outcome = try await run(
        tree,
        ["--shard", "\(index)/3", "-o", "\(tree.path)/parts/", "--part-images", "2", "--\(ending)"])
      codes.append(outcome.exitCode)
    }
    #expect(codes.sorted() == [0, 0, 1])
    let parts = try parts(tree)
    for index in 0..<3 {
      #expect(parts.keys.contains("shard-0000\(index)-of-00003-part-000000.\(ending)"))
    }
    let header = ending == "csv" ? single.filter { $0.hasPrefix("file,") } : []
    let rows = lines(parts.values)
    #expect(rows.filter { !header.contains($0) } == single.filter { !header.contains($0) })
    #expect(rows.count == single.count + header.count * (parts.count - 1))
  }

  @Test("Parts that are missing are made again, the others stay as they are")
  func restart() async throws {
    let tree = try tree(13)
    let folder = "\(tree.path)/parts/"
    let options = ["-o", folder, "--part-images", "3"]
    #expect(try await run(tree, options).exitCode == 1)
    let whole = try parts(tree)
    #expect(whole.count == 5)
    let last = "shard-00000-of-00001-part-000004.jsonl"
    try FileManager.default.removeItem(atPath: folder + last)
    try FileManager.default.removeItem(
      atPath: folder + last.replacing("000004", with: "000003"))
    let rest = try await run(tree, options + ["--allow-failures"])
    #expect(rest.exitCode == 0, "\(rest.errors)")
    #expect(rest.errors.contains("5 images in") && rest.errors.contains("9 were done before"))
    #expect(try parts(tree) == whole)
    let none = try await run(tree, options)
    #expect(none.exitCode == 1 && none.errors.contains("0 images in"))
    #expect(try parts(tree) == whole)
    try whole[last]?.dropLast(9).write(to: URL(fileURLWithPath: folder + last))
    let damaged = try await run(tree, options)
    #expect(damaged.exitCode == 1 && damaged.errors.contains("its last row has no end"))
  }

  @Test("Results of other shards, another form or other settings are not mixed with")
  func others() async throws {
    let tree = try tree(40)
    let options = ["-o", "\(tree.path)/parts/", "--allow-failures", "--shard"]
    #expect(try await run(tree, options + ["0/2"]).exitCode == 0)
    let parts = try parts(tree)
    for (more, reason) in [
      (["0/3"], "is of 2 shards, this run of 3"),
      (["1/2", "--csv"], "is JSON lines, this run writes CSV"),
      (["0/2", "--top-k", "1"], "options of run"),
    ] {
      let outcome = try await run(tree, options + more)
      #expect(outcome.exitCode == 1 && outcome.errors.contains(reason), "\(outcome.errors)")
    }
    #expect(try self.parts(tree) == parts)
  }

  @Test(
    "Wrong shards and places say what is wrong",
    arguments: [
      (["--shard", "3/3"], "--shard is I/N"), (["--shard", "-1/3"], "--shard is I/N"),
      (["--shard", "1"], "--shard is I/N"), (["--shard", "0/0"], "--shard is I/N"),
      (["--shard", "0/100000"], "of at most 99999"),
      (["--input", "s3://bucket", "x.jpg"], "leave out the other images"),
      (["s3://bucket/a"], "named by --input s3://bucket/a"),
      (["--input", "s3://B/a"], "--input s3://B: no name of a bucket"),
      (["x", "-o", "s3://b/"], "--output s3://b: no name of a bucket"),
      (["x", "-o", "s3://bucket/rows.jsonl"], "not an object of type .jsonl"),
      (["x", "-o", "parts/", "--json"], "--jsonl or --csv"),
      (["x", "-o", "parts/", "--force"], "--force replaces a file"),
      (["x", "-o", "parts/", "--features", "f.npy"], "--features needs a file as --output"),
      (["x", "--part-images", "3"], "--part-images needs --output, a folder"),
    ])
  func usage(options: [String], message: String) async throws {
    let outcome = try await ProgramUnderTest.run(ProgramUnderTest.url, ["classify"] + options)
    #expect(outcome.exitCode == 2 && outcome.errors.contains(message), "\(outcome.errors)")
  }
}
