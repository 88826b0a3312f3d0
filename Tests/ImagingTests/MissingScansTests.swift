import Imaging
import Testing

/// JPEGs that end as they should and lack some of their scans.
struct MissingScansTests {
  /// A JPEG in pieces: what is before each scan, and the scan.
  private struct Scans {
    var scans: [(tables: [UInt8], scan: [UInt8], start: UInt8)] = []

    /// Reads segments up to EOI: marker, length, content, and after SOS codes up to the next marker.
    init(_ bytes: [UInt8]) {
      var place = 2
      var tables = Array(bytes[..<2])
      while bytes[place + 1] != 0xD9 {
        let end = place + 2 + Int(bytes[place + 2]) << 8 + Int(bytes[place + 3])
        guard bytes[place + 1] == 0xDA else {
          tables += bytes[place..<end]
          place = end
          continue
        }
        var next = end
        while bytes[next] != 0xFF || bytes[next + 1] == 0 { next += 1 }
        // The lowest frequency is the third number from the end.
        scans.append((tables, Array(bytes[place..<next]), bytes[end - 3]))
        (tables, place) = ([], next)
      }
    }

    /// Returns a whole JPEG with the scans that begin with some frequencies.
    func file(_ isKept: (_ start: UInt8) -> Bool) -> [UInt8] {
      scans.flatMap { $0.tables + (isKept($0.start) ? $0.scan : []) } + [0xFF, 0xD9]
    }
  }

  private static func prepare(_ bytes: [UInt8]) throws -> [UInt8] {
    try ImagePreprocessor(.unscaled(height: 37, width: 53)).prepareBytes(bytes)
  }

  private static let missing = ImagingError.corrupt(
    format: .jpeg, reason: "one of its components is in none of its scans")

  @Test("Higher frequencies may be left out of a progressive JPEG")
  func lowFrequencies() throws {
    let bytes = Fixtures.bytes("progressive.jpg")
    let scans = Scans(bytes)
    #expect(scans.scans.count > 4)
    #expect(scans.file { _ in true } == bytes)
    let whole = try Self.prepare(bytes)
    let smooth = try Self.prepare(scans.file { $0 == 0 })
    #expect(smooth != whole)
    #expect(meanDifference(smooth, whole) < 40)
  }

  @Test("The lowest frequency of each component may not")
  func noLowFrequency() throws {
    let scans = Scans(Fixtures.bytes("progressive.jpg"))
    #expect(throws: Self.missing) { try Self.prepare(scans.file { $0 != 0 }) }
  }

  @Test("Each component is in a scan, of a baseline JPEG too")
  func components() throws {
    // Three components with the codes of one.
    let grey = Scans(Fixtures.bytes("grey.jpg")).scans[0]
    var head = grey.tables
    let found = head.indices.dropLast().first { head[$0] == 0xFF && head[$0 + 1] == 0xC0 }
    let place = try #require(found)
    head[place + 3] = 17
    head.replaceSubrange(
      place + 9..<place + 13, with: [3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    func file(_ components: [UInt8]) -> [UInt8] {
      head
        + components.flatMap { component -> [UInt8] in
          var scan = grey.scan
          scan[5] = component
          return scan
        } + [0xFF, 0xD9]
    }
    _ = try Self.prepare(file([1, 2, 3]))
    for components in [[1, 2], [1, 3], [2, 3], [1]] as [[UInt8]] {
      #expect(throws: Self.missing, "\(components)") { try Self.prepare(file(components)) }
    }
  }
}
