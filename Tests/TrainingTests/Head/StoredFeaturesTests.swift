import Engine
import Foundation
import Numbers
import Testing
import Training

/// Features in files.
@Suite struct StoredFeaturesTests {
  /// A folder that goes with it.
  private final class Folder {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "features-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
  }

  private static func kind(_ key: UInt8 = 7, rows: Int = 1) -> StoredFeatures.Kind {
    .init(key: [UInt8](repeating: key, count: 32), columnCount: 6, rowsPerEntry: rows)
  }

  private static func digest(_ number: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 32)
  }

  private static let numbers = ReproducibleNumbers("stored features").values(
    count: 200 * 6, from: 0, to: 1)

  private static func written(
    _ range: Range<Int>, in folder: Folder, rows: Int = 1
  ) throws -> StoredFeatures {
    let writer = try StoredFeaturesWriter(in: folder.path, kind(rows: rows))
    for number in range {
      let place = number * rows * 6
      _ = try writer.append(
        .init(digest: digest(number), likeness: number.isMultiple(of: 2) ? UInt64(number) : nil),
        rows: Array(numbers[place..<place + rows * 6]))
    }
    return try #require(try writer.finish())
  }

  @Test("What a killed process left can be removed, and what is being written cannot")
  func left() throws {
    let folder = try Folder()
    let left = folder.path + "/0102030405060708-00000000.tmp"
    try Data("incomplete".utf8).write(to: URL(fileURLWithPath: left))
    let writer = try StoredFeaturesWriter(in: folder.path, Self.kind())
    _ = try writer.append(.init(digest: Self.digest(1), likeness: nil), rows: [1, 2, 3, 4, 5, 6])
    for name in folder.names {
      let path = folder.path + "/" + name
      #expect(StoredFeaturesWriter.removeLeft(path) == (path == left))
    }
    #expect(try writer.finish()?.entries.count == 1)
    #expect(folder.names.count == 1 && !StoredFeaturesWriter.removeLeft(left))
  }

  @Test("Entries come back as they were written, also from several files")
  func entries() throws {
    let folder = try Folder()
    let first = try Self.written(0..<30, in: folder, rows: 2)
    let second = try Self.written(30..<100, in: folder, rows: 2)
    #expect(folder.names.count == 2 && folder.names.allSatisfy { $0.hasSuffix(".features") })
    let again = try StoredFeatures(first.path, Self.kind(rows: 2))
    #expect(again.entries.count == 30 && again.entries[3].likeness == nil)
    #expect(again.entries[4] == .init(digest: Self.digest(4), likeness: 4))
    let store = FeatureStore([again, second], columnCount: 6)
    #expect(store.rowCount == 200)
    #expect(FeatureMatrix(store, rows: Array(0..<200)).values == Self.numbers)
    let some = FeatureMatrix(store, rows: [199, 0, 61]).rows([2, 0])
    #expect(Array(some.row(0)) == Array(Self.numbers[366..<372]))
    #expect(Array(some.row(1)) == Array(Self.numbers[1194..<1200]))
  }

  @Test("A file that is damaged, cut, or of something else is refused")
  func refusals() throws {
    let folder = try Folder()
    let path = try Self.written(0..<20, in: folder).path
    #expect(throws: StoredFeatures.Fault.self) { try StoredFeatures(path, Self.kind(8)) }
    #expect(throws: StoredFeatures.Fault.self) { try StoredFeatures(path, Self.kind(rows: 2)) }
    #expect(throws: StoredFeatures.Fault.self) { try StoredFeatures(folder.path, Self.kind()) }
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for place in [0, 20, 64, 300, whole.count - 73, whole.count - 40, whole.count - 1] {
      var bytes = whole
      bytes[place] ^= 1
      try bytes.write(to: URL(fileURLWithPath: path))
      #expect(throws: StoredFeatures.Fault.self, "byte \(place)") {
        try StoredFeatures(path, Self.kind())
      }
    }
    for count in [0, 50, 104, whole.count - 1] {
      try whole.prefix(count).write(to: URL(fileURLWithPath: path))
      #expect(throws: StoredFeatures.Fault.self) { try StoredFeatures(path, Self.kind()) }
    }
    try whole.write(to: URL(fileURLWithPath: path))
    #expect(try StoredFeatures(path, Self.kind()).entries.count == 20)
  }

  @Test("What is not completed leaves nothing behind, nor does what is empty")
  func unfinished() throws {
    let folder = try Folder()
    do {
      let writer = try StoredFeaturesWriter(in: folder.path, Self.kind())
      _ = try writer.append(
        .init(digest: Self.digest(0), likeness: nil), rows: [0, 1, 2, 3, 4, 5])
      #expect(folder.names.count == 1 && folder.names[0].hasSuffix(".tmp"))
    }
    #expect(folder.names.isEmpty)
    #expect(try StoredFeaturesWriter(in: folder.path, Self.kind()).finish() == nil)
    #expect(folder.names.isEmpty)
    #expect(throws: (any Error).self) {
      try StoredFeaturesWriter(in: folder.path + "/none", Self.kind())
    }
  }

  @Test(
    "Heads of features on disk have the bits of those in memory",
    arguments: [false, true], HeadSettings.Solver.allCases)
  func sameBits(hasLabels: Bool, solver: HeadSettings.Solver) throws {
    let folder = try Folder()
    let store = FeatureStore([try Self.written(0..<200, in: folder)], columnCount: 6)
    let labels = (0..<200).map { Self.numbers[$0 * 6] > Self.numbers[$0 * 6 + 1] ? 1 : 0 }
    func samples(_ features: FeatureMatrix) -> HeadSamples {
      HeadSamples(
        features, labels: labels, groups: (0..<200).map { $0 % 150 },
        classCount: hasLabels ? 1 : 2, targets: hasLabels ? labels.map { Float($0) } : nil,
        plainCount: 150)
    }
    let inMemory = samples(FeatureMatrix(columnCount: 6, values: Self.numbers))
    let stored = samples(FeatureMatrix(store, rows: Array(0..<200)))
    var settings = HeadSettings()
    (settings.solver, settings.hiddenCount) = (solver, solver == .sgd ? 3 : nil)
    if solver == .sgd { settings.regularization = 0.01 }
    let one = try #require(try HeadFitter(settings).fit(inMemory))
    let other = try #require(try HeadFitter(settings).fit(stored))
    #expect(one.head.weights == other.head.weights && one.head.bias == other.head.bias)
    #expect(one.layers.hidden?.weights == other.layers.hidden?.weights)
    #expect(one.crossValidation?.logits == other.crossValidation?.logits)
    #expect(try one.layers.logits(stored.features) == one.layers.logits(inMemory.features))
    let (first, second) = (
      try RidgePreview(inMemory, heldOut: nil), try RidgePreview(stored, heldOut: nil)
    )
    #expect(first?.accuracy == second?.accuracy && first != nil)
  }
}
