import Glibc

/// Rectangle of pixels.
package struct PixelBox: Sendable, Hashable {
  package var top: Int
  package var left: Int
  package var height: Int
  package var width: Int

  package init(top: Int, left: Int, height: Int, width: Int) {
    (self.top, self.left, self.height, self.width) = (top, left, height, width)
  }
}

/// Decisions that make one view out of a canvas.
package struct DrawnView: Sendable, Hashable {
  package enum Crop: Sendable, Hashable {
    /// A rectangle of the view's size, which may reach beyond the canvas, where it shows the canvas
    /// mirrored.
    case cut(PixelBox)
    /// A rectangle of the canvas that is resized to the view's size.
    case resized(PixelBox)
  }

  package var crop: Crop
  package var isFlipped: Bool
  /// Changes of colours, in the order in which they are made.
  package var colours: [ColourChange]
  /// Rectangle of the view that is erased.
  package var erased: PixelBox?

  package init(
    crop: Crop, isFlipped: Bool = false, colours: [ColourChange] = [], erased: PixelBox? = nil
  ) {
    (self.crop, self.isFlipped, self.colours, self.erased) = (crop, isFlipped, colours, erased)
  }

  /// Decides by the key's random numbers.
  package init(
    _ augmentation: Augmentation, key: AugmentationKey, plain: PixelBox,
    canvas: (height: Int, width: Int)
  ) {
    switch augmentation.crop {
    case .plain: crop = .cut(plain)
    case .padded(let count):
      var draws = key.draws("crop")
      let top = draws.number(below: canvas.height + 2 * count - plain.height + 1)
      let left = draws.number(below: canvas.width + 2 * count - plain.width + 1)
      crop = .cut(
        PixelBox(
          top: top - count, left: left - count, height: plain.height, width: plain.width))
    case .resized(let scale, let ratio):
      crop = .resized(Self.part(of: canvas, scale, ratio, key.draws("crop")))
    }
    switch augmentation.flip {
    case .none: isFlipped = false
    case .random:
      var draws = key.draws("flip")
      isFlipped = draws.fraction() < 0.5
    case .alternating:
      var draws = key.lastingDraws("flip")
      isFlipped = (draws.fraction() < 0.5) == key.epoch.isMultiple(of: 2)
    }
    colours = augmentation.jitter.map { Self.changes($0, key.draws("colours")) } ?? []
    erased = augmentation.erasing.flatMap {
      Self.erased($0, of: (plain.height, plain.width), key.draws("erasing"))
    }
  }

  /// Attempts to draw a rectangle that fits, as in torchvision.
  private static let attemptCount = 10

  /// Draws as `RandomResizedCrop.get_params`.
  private static func part(
    of canvas: (height: Int, width: Int), _ scale: ClosedRange<Double>,
    _ ratio: ClosedRange<Double>, _ numbers: Draws
  ) -> PixelBox {
    var draws = numbers
    for _ in 0..<attemptCount {
      let area = Double(canvas.height * canvas.width) * draws.number(in: scale)
      let proportion = self.proportion(ratio, &draws)
      let width = Int((area * proportion).squareRoot().rounded(.toNearestOrEven))
      let height = Int((area / proportion).squareRoot().rounded(.toNearestOrEven))
      guard 1...canvas.width ~= width, 1...canvas.height ~= height else { continue }
      let top = draws.number(below: canvas.height - height + 1)
      let left = draws.number(below: canvas.width - width + 1)
      return PixelBox(top: top, left: left, height: height, width: width)
    }
    // The largest part in the middle whose proportions are allowed.
    var (height, width) = canvas
    let proportion = Double(width) / Double(height)
    if proportion < ratio.lowerBound {
      height = Int((Double(width) / ratio.lowerBound).rounded(.toNearestOrEven))
    } else if proportion > ratio.upperBound {
      width = Int((Double(height) * ratio.upperBound).rounded(.toNearestOrEven))
    }
    // Allowed proportions that are extreme would leave no pixel.
    (height, width) = (max(height, 1), max(width, 1))
    return PixelBox(
      top: (canvas.height - height) / 2, left: (canvas.width - width) / 2, height: height,
      width: width)
  }

  /// Draws as `RandomErasing`; nil if nothing is erased.
  private static func erased(
    _ erasing: Erasing, of view: (height: Int, width: Int), _ numbers: Draws
  ) -> PixelBox? {
    var draws = numbers
    guard draws.fraction() < erasing.probability else { return nil }
    for _ in 0..<attemptCount {
      let area = Double(view.height * view.width) * draws.number(in: erasing.scale)
      let proportion = self.proportion(erasing.ratio, &draws)
      let height = Int((area * proportion).squareRoot().rounded(.toNearestOrEven))
      let width = Int((area / proportion).squareRoot().rounded(.toNearestOrEven))
      guard height < view.height, width < view.width else { continue }
      let top = draws.number(below: view.height - height + 1)
      let left = draws.number(below: view.width - width + 1)
      return PixelBox(top: top, left: left, height: height, width: width)
    }
    return nil
  }

  /// Draws evenly on the logarithmic scale, so that 1:2 is as likely as 2:1.
  private static func proportion(_ ratio: ClosedRange<Double>, _ draws: inout Draws) -> Double {
    exp(draws.number(in: log(ratio.lowerBound)...log(ratio.upperBound)))
  }

  /// Draws as `ColorJitter.get_params`.
  private static func changes(_ jitter: ColourJitter, _ numbers: Draws) -> [ColourChange] {
    var draws = numbers
    var order = [0, 1, 2, 3]
    for last in stride(from: 3, to: 0, by: -1) { order.swapAt(last, draws.number(below: last + 1)) }
    let factors = [jitter.brightness, jitter.contrast, jitter.saturation].map { amount in
      amount == 0 ? nil : draws.number(in: max(0, 1 - amount)...1 + amount)
    }
    let changes: [ColourChange?] = [
      factors[0].map { .brightness($0) }, factors[1].map { .contrast($0) },
      factors[2].map { .saturation($0) },
      jitter.hue == 0 ? nil : .hue(draws.number(in: -jitter.hue...jitter.hue)),
    ]
    return order.compactMap { changes[$0] }
  }
}
