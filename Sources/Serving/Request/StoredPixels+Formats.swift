/// Formats whose size takes a walk, or stands in the order of bytes that the file chooses.
extension StoredPixels {
  /// Returns the sides of the canvas, which the first frame may enlarge.
  static func gif(_ bytes: ArraySlice<UInt8>) -> Size? {
    guard bytes.count >= 13, holds(bytes, "GIF8", at: 0) else { return nil }
    var (width, height) = (littleNumber(bytes, 6, 2), littleNumber(bytes, 8, 2))
    let flags = number(bytes, 10, 1)
    var offset = 13 + (flags & 0x80 == 0 ? 0 : 3 << (flags & 7 + 1))
    for _ in 0..<segmentCountLimit {
      guard offset + 10 <= bytes.count else { break }
      if number(bytes, offset, 1) == 0x2C {
        width = max(width, littleNumber(bytes, offset + 1, 2) + littleNumber(bytes, offset + 5, 2))
        height = max(
          height, littleNumber(bytes, offset + 3, 2) + littleNumber(bytes, offset + 7, 2))
        break
      }
      // An extension: its kind, then blocks that each begin with their length, up to an empty one.
      guard number(bytes, offset, 1) == 0x21 else { break }
      offset += 2
      while offset < bytes.count, number(bytes, offset, 1) > 0 {
        offset += 1 + number(bytes, offset, 1)
      }
      offset += 1
    }
    return (width, height)
  }

  static func bmp(_ bytes: ArraySlice<UInt8>) -> Size? {
    guard bytes.count >= 26, holds(bytes, "BM", at: 0) else { return nil }
    if littleNumber(bytes, 14, 4) == 12 {
      return (littleNumber(bytes, 18, 2), littleNumber(bytes, 20, 2))
    }
    // Rows from the top have a negative count.
    let height = Int(Int32(truncatingIfNeeded: littleNumber(bytes, 22, 4)))
    return (littleNumber(bytes, 18, 4), abs(height))
  }

  /// Returns the sides in the first directory.
  static func tiff(_ bytes: ArraySlice<UInt8>) -> Size? {
    let isLittle = holds(bytes, "II", at: 0)
    guard bytes.count >= 16, isLittle || holds(bytes, "MM", at: 0) else { return nil }
    func value(_ offset: Int, _ count: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - count else { return nil }
      let value = isLittle ? littleNumber(bytes, offset, count) : number(bytes, offset, count)
      return value < 0 ? nil : value
    }
    let version = value(2, 2)
    guard version == 42 || version == 43 else { return nil }
    let isBig = version == 43
    let entryByteCount = isBig ? 20 : 12
    guard let directory = isBig ? value(8, 8) : value(4, 4),
      let count = value(directory, isBig ? 8 : 2)
    else { return nil }
    var (width, height): (Int?, Int?) = (nil, nil)
    for index in 0..<min(count, segmentCountLimit) {
      let entry = directory + (isBig ? 8 : 2) + index * entryByteCount
      guard let tag = value(entry, 2), let type = value(entry + 2, 2) else { break }
      let place = entry + (isBig ? 12 : 8)
      let side = value(place, type == 3 ? 2 : 4)
      if tag == 256 { width = side }
      if tag == 257 { height = side }
    }
    guard let width, let height else { return nil }
    return (width, height)
  }

  /// Returns the largest size among the properties of all images in the file: a thumbnail is
  /// smaller than what it stands for, and a tile than its grid.
  static func imageItem(_ bytes: ArraySlice<UInt8>) -> Size? {
    guard bytes.count >= 12, holds(bytes, "ftyp", at: 4) else { return nil }
    // `meta` has a version before what it contains.
    guard let meta = box("meta", in: bytes)?.dropFirst(4),
      let properties = box("iprp", in: meta).flatMap({ box("ipco", in: $0) })
    else { return nil }
    var largest: Size?
    var rest = properties
    for _ in 0..<segmentCountLimit {
      guard let size = box("ispe", in: rest) else { break }
      rest = properties[size.endIndex...]
      guard size.count >= 12 else { continue }
      let sides = (width: number(size, 4, 4), height: number(size, 8, 4))
      if sides.width * sides.height >= (largest.map { $0.width * $0.height } ?? 0) {
        largest = sides
      }
    }
    return largest
  }

  /// Returns the content of the first box of a type.
  private static func box(_ type: String, in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    var rest = bytes
    for _ in 0..<segmentCountLimit {
      guard rest.count >= 8 else { return nil }
      var (head, length) = (8, number(rest, 0, 4))
      if length == 1 {
        guard rest.count >= 16 else { return nil }
        (head, length) = (16, number(rest, 8, 8))
      } else if length == 0 {
        length = rest.count
      }
      guard length >= head, length <= rest.count else { return nil }
      let content = rest[rest.startIndex + head..<rest.startIndex + length]
      if holds(rest, type, at: 4) { return content }
      rest = rest[(rest.startIndex + length)...]
    }
    return nil
  }
}
