import Numbers

/// Order in which images are trained on: every epoch has each once, or each class equally often,
/// shuffled anew.
///
/// Which images a step has follows from the seed and the step's number alone, so that training goes
/// on in the middle of an epoch without any state.
package struct BatchOrder: Sendable {
  package let imageCount: Int
  /// Images of a batch at most.
  package let batchImageCount: Int
  private let seed: UInt64
  /// Images of each class, if classes are to be seen equally often.
  private let classes: [[Int]]?
  private var epoch = -1
  private var shuffled: [ImageView] = []

  /// - Parameters:
  ///   - imageCount: At least one.
  ///   - balancing: Class of each image, if an epoch is to have each class equally often; nil for
  ///     each image once.
  package init(
    imageCount: Int, batchImageCount: Int, seed: UInt64, balancing labels: [Int]? = nil
  ) {
    precondition(imageCount > 0 && batchImageCount > 0, "there must be images in a batch")
    precondition(labels.map { $0.count == imageCount } ?? true, "each image must have a class")
    (self.imageCount, self.batchImageCount, self.seed) = (imageCount, batchImageCount, seed)
    classes = labels.map { labels in
      let members = Dictionary(grouping: labels.indices) { labels[$0] }
      return members.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  /// Steps of an epoch. Its batches differ by one image at most, so that none is so small that its
  /// statistics say nothing.
  package var stepsPerEpoch: Int { (imageCount + batchImageCount - 1) / batchImageCount }

  package func epoch(of step: Int) -> Int { step / stepsPerEpoch }

  /// Returns the images of a step, counted from 0.
  package mutating func images(of step: Int) -> [ImageView] {
    let wanted = epoch(of: step)
    if wanted != epoch {
      let views =
        classes.map { balanced($0, epoch: wanted) }
        ?? (0..<imageCount).map { ImageView(image: $0, epoch: wanted) }
      let order = Self.order(views.count, "order \(seed) \(wanted)")
      shuffled = order.map { views[$0] }
      epoch = wanted
    }
    let place = step % stepsPerEpoch
    return Array(
      shuffled[place * imageCount / stepsPerEpoch..<(place + 1) * imageCount / stepsPerEpoch])
  }

  /// Returns an epoch's share of an endless row of each class's images, in which every pass has each
  /// image once, in another order.
  ///
  /// So the images of a class are seen equally often too, and an image that comes again is another
  /// view of it.
  private func balanced(_ classes: [[Int]], epoch: Int) -> [ImageView] {
    var views: [ImageView] = []
    views.reserveCapacity(imageCount)
    for (number, members) in classes.enumerated() {
      // The floors of all classes add up to the images of all epochs (Hermite's identity).
      let first = (epoch * imageCount + number) / classes.count
      let end = ((epoch + 1) * imageCount + number) / classes.count
      var pass = -1
      var order: [Int] = []
      for place in first..<end {
        if place / members.count != pass {
          pass = place / members.count
          order = Self.order(members.count, "class \(seed) \(number) \(pass)")
        }
        views.append(ImageView(image: members[order[place % members.count]], epoch: pass))
      }
    }
    return views
  }

  /// Returns the numbers below `count` in the order that a name decides.
  private static func order(_ count: Int, _ name: String) -> [Int] {
    let numbers = ReproducibleNumbers(name)
    let keys = (0..<count).map { numbers.bits($0) }
    return (0..<count).sorted { (keys[$0], $0) < (keys[$1], $1) }
  }
}
