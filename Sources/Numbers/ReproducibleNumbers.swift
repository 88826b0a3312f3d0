/// Pseudo-random numbers that any language can make again from a name: the fixtures of the parity
/// tests hold only results, and both sides make the weights.
///
/// Number `index` of stream `name` is SplitMix64 (Steele, Lea and Flood 2014) at position `index`
/// after the stream's start, which is the name's 64-bit FNV-1a hash; its upper 24 bits make a
/// fraction that fp32 holds exactly.
package struct ReproducibleNumbers: Sendable {
  private let start: UInt64

  package init(_ name: String) {
    start = name.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  /// Returns the number at `index`, uniform in `[0, 1)`.
  package func fraction(_ index: Int) -> Float { Float(bits(index) >> 40) * 0x1p-24 }

  /// Returns all 64 bits of the number at `index`.
  package func bits(_ index: Int) -> UInt64 {
    var bits = start &+ (UInt64(index) &+ 1) &* 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }

  /// Returns the first `count` numbers, uniform between the bounds.
  package func values(count: Int, from low: Float, to high: Float) -> [Float] {
    (0..<count).map { low + fraction($0) * (high - low) }
  }
}
