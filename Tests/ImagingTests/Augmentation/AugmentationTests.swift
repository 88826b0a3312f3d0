import Imaging
import Testing

/// Canvases and views without a reference program.
struct AugmentationTests {
  private static func contract(
    _ resize: ResizeRule, _ crop: CropRule, order: Preprocessing.ChannelOrder = .rgb
  ) throws -> Preprocessing {
    let isGrey = order == .grey
    return try Preprocessing(
      resize: resize, crop: crop, channelOrder: order,
      mean: isGrey ? [0.45] : [0.485, 0.456, 0.406], std: isGrey ? [0.226] : [0.229, 0.224, 0.225])
  }

  private static let contracts: [Preprocessing] = {
    let fill = Colour(red: 9, green: 130, blue: 200)
    do {
      var all: [Preprocessing] = [
        try contract(.exact(height: 32, width: 32, filter: .bilinear), .none),
        try contract(
          .exact(height: 40, width: 20, filter: .lanczos), .center(height: 33, width: 28)),
        try contract(.letterbox(height: 30, width: 44, filter: .bicubic, fill: fill), .none),
        try contract(.none, .center(height: 24, width: 60)),
        try contract(
          .shorterSide(size: 36, filter: .nearest), .center(height: 30, width: 31), order: .bgr),
        try contract(
          .shorterSide(size: 36, filter: .box), .center(height: 30, width: 50), order: .grey),
        try contract(
          .letterbox(height: 16, width: 31, filter: .box, fill: fill), .none, order: .grey),
      ]
      // Every parity of what the two crops take away.
      for size in 20...27 {
        all.append(
          try contract(
            .shorterSide(size: size, filter: .bilinear), .center(height: 20, width: 19)))
      }
      return all
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  @Test(
    "The plain view is what serving computes, bit for bit", arguments: contracts,
    ["resize-source.png", "orientation-6.jpg", "photo-420.jpg", "grey-8.png", "wide.jpg"])
  func plainView(contract: Preprocessing, file: String) throws {
    let rule = try CanvasRule(contract)
    let image = Fixtures.bytes(file)
    let served = try ImagePreprocessor(contract).prepare(image)
    let canvas = try rule.canvas(of: image)
    let view = rule.plainView(canvas)
    #expect(view.map(\.bitPattern) == served.map(\.bitPattern))
    let key = AugmentationKey(seed: 1, epoch: 2, image: 3)
    #expect(rule.view(canvas, Augmentation(), key: key) == served)
  }

  @Test(
    "A canvas is as large as views of every image can be drawn from",
    arguments: [
      (256, 224, 256), (232, 224, 232), (235, 224, 232), (224, 224, 224), (225, 224, 224),
      (200, 224, 224),
    ])
  func canvasSize(resized: Int, view: Int, side: Int) throws {
    let rule = try CanvasRule(
      Self.contract(
        .shorterSide(size: resized, filter: .bilinear), .center(height: view, width: view)))
    #expect(rule.canvasSize == (side, side))
    #expect(rule.canvasByteCount == 3 * side * side)
    #expect(rule.viewCount == 3 * view * view)
  }

  // MARK: Keys

  private static let strong = Augmentation(
    crop: .resized(scale: 0.2...1, ratio: 0.75...1.33), flip: .random,
    jitter: ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1),
    erasing: Erasing())

  private static func squares() throws -> (rule: CanvasRule, canvas: Canvas) {
    let rule = try CanvasRule(
      contract(.shorterSide(size: 40, filter: .bilinear), .center(height: 32, width: 32)))
    return (rule, try rule.canvas(of: Fixtures.bytes("resize-source.png")))
  }

  @Test("The same key gives the same view; another seed, epoch or image another one")
  func keys() throws {
    let (rule, canvas) = try Self.squares()
    let key = AugmentationKey(seed: 5, epoch: 6, image: 7)
    let view = rule.view(canvas, Self.strong, key: key)
    #expect(rule.view(canvas, Self.strong, key: key) == view)
    for (seed, epoch, image) in [(6, 6, 7), (5, 7, 7), (5, 6, 8), (5, 67, 0)]
      as [(UInt64, Int, Int)]
    {
      let other = AugmentationKey(seed: seed, epoch: epoch, image: image)
      #expect(rule.view(canvas, Self.strong, key: other) != view)
    }
  }

  @Test("Alternating flips mirror each image in every second epoch, half of them in the first")
  func alternating() throws {
    let (rule, canvas) = try Self.squares()
    let flipping = Augmentation(flip: .alternating)
    let plain = rule.plainView(canvas)
    let mirrored = Self.mirrored(plain, width: 32)
    var flippedCount = 0
    for image in 0..<40 {
      let views = (0..<4).map {
        rule.view(canvas, flipping, key: AugmentationKey(seed: 1, epoch: $0, image: image))
      }
      let isFlipped = views[0] == mirrored
      #expect(
        views
          == (isFlipped ? [mirrored, plain, mirrored, plain] : [plain, mirrored, plain, mirrored]))
      flippedCount += isFlipped ? 1 : 0
    }
    #expect(10...30 ~= flippedCount)
  }

  @Test("Random flips mirror about half of the views")
  func randomFlips() throws {
    let (rule, canvas) = try Self.squares()
    let plain = rule.plainView(canvas)
    let mirrored = Self.mirrored(plain, width: 32)
    var flippedCount = 0
    for epoch in 0..<100 {
      let view = rule.view(
        canvas, Augmentation(flip: .random), key: AugmentationKey(seed: 1, epoch: epoch, image: 0))
      #expect(view == plain || view == mirrored)
      flippedCount += view == mirrored ? 1 : 0
    }
    #expect(35...65 ~= flippedCount)
  }

  @Test("Padded crops reach every offset, the last too")
  func offsets() throws {
    let rule = try CanvasRule(
      Self.contract(.exact(height: 8, width: 6, filter: .bilinear), .none))
    var seen: Set<PixelBox> = []
    for epoch in 0..<2000 {
      let drawn = DrawnView(
        Augmentation(crop: .padded(2)), key: AugmentationKey(seed: 3, epoch: epoch, image: 1),
        plain: rule.plainBox, canvas: rule.canvasSize)
      guard case .cut(let box) = drawn.crop else {
        Issue.record("a padded crop must be cut")
        return
      }
      seen.insert(box)
    }
    let expected = (-2...2).flatMap { top in
      (-2...2).map { PixelBox(top: top, left: $0, height: 8, width: 6) }
    }
    #expect(seen == Set(expected))
  }

  @Test("Colours of a network that takes BGR are changed as those of one that takes RGB")
  func channelOrder() throws {
    let image = Fixtures.bytes("resize-source.png")
    let key = AugmentationKey(seed: 2, epoch: 1, image: 4)
    let views = try [Preprocessing.ChannelOrder.rgb, .bgr].map { order in
      let rule = try CanvasRule(
        Preprocessing(
          resize: .exact(height: 32, width: 32, filter: .bilinear), crop: .none,
          channelOrder: order, mean: [0.5, 0.5, 0.5], std: [1, 1, 1]))
      return rule.view(try rule.canvas(of: image), Self.strong, key: key)
    }
    let planes = (0..<3).map { Array(views[0][1024 * $0..<1024 * ($0 + 1)]) }
    #expect(views[1] == planes[2] + planes[1] + planes[0])
    #expect(planes[0] != planes[2])
  }

  @Test("Numbers beyond their limits, and canvases of another rule, are mistakes of the program")
  func limits() async throws {
    await #expect(processExitsWith: .failure) { _ = Augmentation(crop: .padded(-1)) }
    await #expect(processExitsWith: .failure) {
      var augmentation = Augmentation()
      augmentation.crop = .resized(scale: 0...1, ratio: 0.75...1.33)
    }
    await #expect(processExitsWith: .failure) { _ = ColourJitter(hue: 0.51) }
    await #expect(processExitsWith: .failure) { _ = Erasing(ratio: 0.3...1e6) }
    await #expect(processExitsWith: .failure) {
      let rule = try CanvasRule(.cifar10(mean: [0, 0, 0], std: [1, 1, 1]))
      let pixels = [UInt8](repeating: 0, count: 3 * 32 * 33)
      _ = rule.plainView(Canvas(height: 32, width: 33, channels: 3, pixels: pixels))
    }
  }

  /// Each row of the planes reversed.
  private static func mirrored(_ planes: [Float], width: Int) -> [Float] {
    stride(from: 0, to: planes.count, by: width).flatMap { planes[$0..<$0 + width].reversed() }
  }
}
