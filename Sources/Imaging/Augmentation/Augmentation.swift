/// Changes that training makes to images at random, so that a network learns what does not matter.
///
/// The operations are those of torchvision's transforms on eight-bit images, in this order: crop,
/// flip, colours, normalisation, erasing. The random numbers are our own.
package struct Augmentation: Sendable, Hashable {
  package enum Crop: Sendable, Hashable {
    /// The serving contract's.
    case plain
    /// Any part of the view's size, of the canvas with so many pixels mirrored beyond each of its
    /// edges, the edge itself not repeated: `RandomCrop` with the padding mode `reflect`.
    case padded(Int)
    /// A part of random size and proportions, resized by the contract's filter:
    /// `RandomResizedCrop`. `scale` is its share of the canvas' area, `ratio` its width by its
    /// height.
    case resized(scale: ClosedRange<Double>, ratio: ClosedRange<Double>)
  }

  package enum Flip: Sendable, Hashable {
    case none
    /// Mirrors one view in two, `RandomHorizontalFlip`.
    case random
    /// Mirrors every image in every second epoch, half of them in the first: Jordan 2024, "94% on
    /// CIFAR-10 in 3.29 Seconds on a Single GPU".
    case alternating
  }

  /// Pixels of padding that are allowed.
  package static let paddingLimit = 0...Preprocessing.sideLimit.upperBound
  /// Shares of an area that a crop may have; more than none.
  package static let scaleLimit: ClosedRange<Double> = 0.0001...1
  /// Proportions that may be drawn.
  package static let ratioLimit: ClosedRange<Double> = 0.01...100

  package var crop: Crop { didSet { Self.check(crop) } }
  package var flip: Flip
  package var jitter: ColourJitter?
  package var erasing: Erasing?

  /// The numbers must keep the limits.
  package init(
    crop: Crop = .plain, flip: Flip = .none, jitter: ColourJitter? = nil, erasing: Erasing? = nil
  ) {
    Self.check(crop)
    (self.crop, self.flip, self.jitter, self.erasing) = (crop, flip, jitter, erasing)
  }

  private static func check(_ crop: Crop) {
    switch crop {
    case .plain: break
    case .padded(let count):
      precondition(paddingLimit.contains(count), "padding must be within its limit")
    case .resized(let scale, let ratio):
      precondition(scaleLimit.contains(scale), "scale must be within its limit")
      precondition(ratioLimit.contains(ratio), "ratio must be within its limit")
    }
  }
}

/// Changes of colours in a random order: torchvision's `ColorJitter`. An amount of 0 leaves out its
/// change.
package struct ColourJitter: Sendable, Hashable {
  /// Amounts of brightness, contrast and saturation that are allowed.
  package static let amountLimit: ClosedRange<Double> = 0...100
  /// Turns of the hue that are allowed, of which 0.5 is half the colour wheel.
  package static let hueLimit: ClosedRange<Double> = 0...0.5

  /// Factors are uniform from 1 - amount, or 0 if that is negative, to 1 + amount.
  package let brightness: Double
  package let contrast: Double
  package let saturation: Double
  /// Largest turn of the colour wheel either way.
  package let hue: Double

  package init(
    brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0
  ) {
    precondition(
      [brightness, contrast, saturation].allSatisfy(Self.amountLimit.contains),
      "amounts must be within their limit")
    precondition(Self.hueLimit.contains(hue), "hue must be within its limit")
    (self.brightness, self.contrast) = (brightness, contrast)
    (self.saturation, self.hue) = (saturation, hue)
  }
}

/// A rectangle of zeros in the normalised view: torchvision's `RandomErasing`.
package struct Erasing: Sendable, Hashable {
  package let probability: Double
  /// Share of the view's area.
  package let scale: ClosedRange<Double>
  /// Height by width.
  package let ratio: ClosedRange<Double>

  package init(
    probability: Double = 0.5, scale: ClosedRange<Double> = 0.02...0.33,
    ratio: ClosedRange<Double> = 0.3...3.3
  ) {
    precondition((0...1).contains(probability), "probability must be from 0 to 1")
    precondition((0...1).contains(scale), "scale must be from 0 to 1")
    precondition(Augmentation.ratioLimit.contains(ratio), "ratio must be within its limit")
    (self.probability, self.scale, self.ratio) = (probability, scale, ratio)
  }
}
