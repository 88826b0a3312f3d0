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

  package var crop: Crop
  package var flip: Flip
  package var jitter: ColourJitter?
  package var erasing: Erasing?

  package init(
    crop: Crop = .plain, flip: Flip = .none, jitter: ColourJitter? = nil, erasing: Erasing? = nil
  ) {
    switch crop {
    case .plain: break
    case .padded(let count): precondition(count >= 0, "padding must not be negative")
    case .resized(let scale, let ratio):
      precondition(scale.lowerBound > 0 && scale.upperBound <= 1, "scale must be in (0, 1]")
      precondition(ratio.lowerBound > 0, "ratio must be positive")
    }
    (self.crop, self.flip, self.jitter, self.erasing) = (crop, flip, jitter, erasing)
  }
}

/// Changes of colours in a random order: torchvision's `ColorJitter`. An amount of 0 leaves out its
/// change.
package struct ColourJitter: Sendable, Hashable {
  /// Factors are uniform from 1 - amount, or 0 if that is negative, to 1 + amount.
  package let brightness: Double
  package let contrast: Double
  package let saturation: Double
  /// Turn of the colour wheel either way, at most 0.5.
  package let hue: Double

  package init(
    brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0
  ) {
    precondition(
      [brightness, contrast, saturation].allSatisfy { $0 >= 0 && $0.isFinite },
      "amounts must not be negative")
    precondition((0...0.5).contains(hue), "hue must be from 0 to 0.5")
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
    precondition(scale.lowerBound >= 0 && scale.upperBound <= 1, "scale must be from 0 to 1")
    precondition(ratio.lowerBound > 0, "ratio must be positive")
    (self.probability, self.scale, self.ratio) = (probability, scale, ratio)
  }
}
