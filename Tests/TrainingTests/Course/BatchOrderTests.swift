import Testing
import Training

@Suite struct BatchOrderTests {
  @Test("Every epoch has each image once, in batches that differ by one image at most")
  func order() {
    var order = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1)
    #expect(order.stepsPerEpoch == 3)
    var epochs: [[ImageView]] = []
    for epoch in 0..<2 {
      let batches = (0..<3).map { order.images(of: 3 * epoch + $0) }
      #expect(batches.map(\.count).allSatisfy { 12...13 ~= $0 })
      #expect(batches.joined().map(\.image).sorted() == Array(0..<37))
      #expect(batches.joined().allSatisfy { $0.epoch == epoch })
      epochs.append(Array(batches.joined()))
    }
    #expect(epochs[0].map(\.image) != epochs[1].map(\.image))
    // Asked for in another order, a step has the same images.
    var backwards = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1)
    let last = backwards.images(of: 5)
    #expect(backwards.images(of: 0) == Array(epochs[0].prefix(12)))
    #expect(last == Array(epochs[1].suffix(13)))
  }

  @Test("Balanced epochs have each class equally often, and each image of a class too")
  func balanced() {
    // 30, 6 and 1 images.
    let labels = (0..<37).map { $0 < 30 ? 0 : $0 < 36 ? 1 : 2 }
    var order = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1, balancing: labels)
    var views: [ImageView] = []
    for epoch in 0..<6 {
      let ofEpoch = (0..<3).flatMap { order.images(of: 3 * epoch + $0) }
      let counts = (0..<3).map { label in ofEpoch.count { labels[$0.image] == label } }
      #expect(counts.allSatisfy { 12...13 ~= $0 } && counts.reduce(0, +) == 37)
      views += ofEpoch
    }
    // 74 views of each class.
    let counts = Dictionary(grouping: views, by: \.image).mapValues(\.count)
    #expect((0..<30).allSatisfy { 2...3 ~= counts[$0] ?? 0 })
    #expect((30..<36).allSatisfy { 12...13 ~= counts[$0] ?? 0 } && counts[36] == 74)
    // The same image is never seen twice in the same way.
    #expect(Set(views).count == views.count)
    var backwards = BatchOrder(imageCount: 37, batchImageCount: 16, seed: 1, balancing: labels)
    for step in stride(from: 17, through: 0, by: -1) {
      let start = (0..<step).reduce(0) { $0 + (($1 % 3) == 0 ? 12 : $1 % 3 == 1 ? 12 : 13) }
      let images = backwards.images(of: step)
      #expect(images == Array(views[start..<start + images.count]), "step \(step)")
    }
  }
}

@Suite struct MixupTests {
  @Test("Shares have the mean and variance of Beta(alpha, alpha)", arguments: [0.1, 0.4, 1, 5])
  func shares(alpha: Double) {
    let count = 20_000
    let shares = (0..<count).map {
      Double(Mixup(alpha: alpha, imageCount: 2, seed: 3, step: $0).share)
    }
    let mean = shares.reduce(0, +) / Double(count)
    let variance = shares.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    #expect(shares.allSatisfy { 0...1 ~= $0 })
    #expect(abs(mean - 0.5) < 0.012, "\(mean)")
    let expected = 1 / (4 * (2 * alpha + 1))
    #expect(abs(variance - expected) < 0.05 * expected, "\(variance), \(expected)")
  }

  @Test("Pairs are a permutation that depends on seed and step, and limits of alpha are finite")
  func pairs() {
    let one = Mixup(alpha: 0.2, imageCount: 50, seed: 1, step: 4)
    #expect(one.partners.sorted() == Array(0..<50) && one.partners != Array(0..<50))
    #expect(Mixup(alpha: 0.2, imageCount: 50, seed: 1, step: 4).partners == one.partners)
    for (seed, step) in [(UInt64(2), 4), (1, 5)] {
      let other = Mixup(alpha: 0.2, imageCount: 50, seed: seed, step: step)
      #expect(other.partners != one.partners && other.share != one.share)
    }
    for alpha in [Mixup.alphaLimit.lowerBound, Mixup.alphaLimit.upperBound] {
      for step in 0..<500 {
        #expect(0...1 ~= Mixup(alpha: alpha, imageCount: 1, seed: 0, step: step).share)
      }
    }
  }
}
