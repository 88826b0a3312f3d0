/// Places of images that are preprocessed already, `[N, C, H, W]`.
struct TensorPlaces: Sendable {
  enum Source: Sendable {
    /// fp32, little endian, from an offset on.
    case bytes(Int)
    /// Numbers in JSON, with brackets and commas between them.
    case text(Range<Int>)
  }

  let shape: [Int]
  private let source: Source
  /// Image in text whose turn is next, and where it begins.
  private var next = (image: 0, offset: 0)

  init(shape: [Int], source: Source) {
    self.shape = shape
    self.source = source
  }

  /// Number of images.
  var count: Int { shape[0] }

  /// Count of one image's numbers.
  var elementCount: Int { shape[1...].reduce(1, *) }

  /// Takes the numbers of an image, `[C, H, W]`; images are taken in order, any number of times from
  /// the first on.
  ///
  /// Throws if one is not finite.
  mutating func take(_ index: Int, of body: [UInt8]) throws(Problem) -> [Float] {
    var numbers = [Float](repeating: 0, count: elementCount)
    switch source {
    case .bytes(let start): Self.read(&numbers, body, from: start + index * 4 * elementCount)
    case .text(let place):
      if index == 0 { next = (0, place.lowerBound) }
      precondition(index == next.image, "images must be taken in order")
      guard
        let end = JSONEvents.numbers(
          body, from: next.offset, to: place.upperBound, into: &numbers)
      else { preconditionFailure("data must have as many numbers as were counted") }
      next = (index + 1, end)
    }
    guard let place = numbers.firstIndex(where: { !$0.isFinite }) else { return numbers }
    throw .body("number \(place) of image \(index) is \(numbers[place]), which is not finite")
  }

  private static func read(_ numbers: inout [Float], _ body: [UInt8], from start: Int) {
    let bytes = unsafe body.span.bytes
    for place in numbers.indices {
      // SAFETY: any bits are an integer; the span checks the offset.
      let bits = unsafe bytes.unsafeLoadUnaligned(
        fromByteOffset: start + 4 * place, as: UInt32.self)
      numbers[place] = Float(bitPattern: UInt32(littleEndian: bits))
    }
  }
}
