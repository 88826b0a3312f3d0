/// Files damaged by chance, identical in every run, and by cutting.
package enum Damage {
  /// Cuts the file at lengths spread over it, more of them at its beginning and at its end.
  package static func cuts(of bytes: [UInt8], named name: String, count: Int) -> [Hostile] {
    let lengths = (1...count).flatMap { step -> [Int] in
      [bytes.count * step / (count + 1), step * 7, bytes.count - step]
    }
    return Set(lengths).filter { 0 < $0 && $0 < bytes.count }.sorted().prefix(3 * count).map {
      Hostile("\(name) cut to \($0) bytes", "", bytes: Array(bytes.prefix($0)))
    }
  }

  /// Changes a few bytes in each file, in half of them only near the beginning; some may stay
  /// valid.
  package static func changes(of bytes: [UInt8], named name: String, count: Int) -> [Hostile] {
    var numbers = SplitMix64(state: UInt64(bytes.count))
    return (0..<count).map { index in
      var changed = bytes
      let reach = index.isMultiple(of: 2) ? min(2048, bytes.count) : bytes.count
      for _ in 0...(index % 4) {
        let place = Int.random(in: 0..<reach, using: &numbers)
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0: changed[place] = UInt8.random(in: 0...255, using: &numbers)
        case 1: changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 2: changed[place] = [0, 0x7f, 0x80, 0xff][Int.random(in: 0..<4, using: &numbers)]
        default:
          let length = min(Int.random(in: 1...16, using: &numbers), reach - place)
          let source = Int.random(in: 0...(reach - length), using: &numbers)
          changed.replaceSubrange(place..<place + length, with: bytes[source..<source + length])
        }
      }
      return Hostile("\(name) changed, \(index)", "", bytes: changed)
    }
  }
}

/// Generator of Steele, Lea and Flood 2014: the same numbers in every run.
private struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
