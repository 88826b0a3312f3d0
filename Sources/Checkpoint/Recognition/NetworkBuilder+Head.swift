import ResNet

/// What comes after the last stage: pooling, and a classifier of any name.
extension NetworkBuilder {
  /// A classifier's module that has tensors.
  struct HeadModule {
    let name: String
    /// Its place in a sequence, or in sequences inside of each other; empty if it has none.
    let place: [Int]
    /// Whether it is the first one of a module that stands beside others.
    var startsModule = false

    /// Whether no module has room between the other one and this.
    func isNext(to other: HeadModule) -> Bool {
      guard let last = other.place.last else { return false }
      let parent = other.place.dropLast()
      let rest = place.dropFirst(parent.count)
      return place.starts(with: parent) && rest.first == last + 1
        && rest.dropFirst().allSatisfy { $0 == 0 }
    }
  }

  mutating func appendHead() throws(CheckpointError) {
    let (head, modules) = try head()
    try checkPoolsPlace(modules)
    try leaveOut(otherModules, than: head, inputs: inputCount(of: modules))
    if let exponent = poolingExponent {
      try appendGeneralizedMean(exponent)
    } else {
      try choosePooling(inputs: inputCount(of: modules), head)
      try appendGlobalPooling(pooling == .max ? "maxpool.global" : "avgpool", pooling ?? .avg)
    }
    var isLinear = false
    var last: HeadModule?
    for module in modules {
      // A place without tensors after a linear layer is its activation, a second one dropout; where
      // modules have no places, the activation comes after a normalisation.
      let mayFollowActivation =
        module.place.isEmpty || module.startsModule
        ? !isNormalization(module.name) : last.map { !module.isNext(to: $0) } ?? true
      if isLinear, modules.count > 1, !isSlopes(module.name), mayFollowActivation {
        try appendHeadActivation(before: module.name)
        isLinear = false
      } else if isLinear, let last,
        tensors.shape("\(module.name).weight")?.dropFirst() == [outputShape.elementCount]
      {
        // As modules of a list have no place for it, what is in the program's code is not told.
        guard variant.headActivation != nil else {
          throw .variant(
            "\(shown(last.name)) and \(shown(module.name)) of the classifier follow each other, "
              + "which does not tell whether an activation stands between linear layers; say which, "
              + "or that there is none (--arch head-activation=relu, --arch head-activation=none)")
        }
        try appendHeadActivation(before: module.name)
        isLinear = false
      } else if last == nil, module.place.contains(where: { $0 > 0 }) {
        assume(
          "nothing but pooling, flattening and dropout stands before \(shown(module.name)) of the "
            + "classifier (if an activation does, export the network as ONNX)")
      } else if let last, isNormalization(last.name), !module.isNext(to: last) {
        // As in fastai's heads.
        assume(
          "nothing but dropout stands between \(shown(last.name)) and \(shown(module.name)) of the "
            + "classifier (if an activation does, export the network as ONNX)")
      }
      last = module
      switch try append(module.name, isOnly: modules.count == 1) {
      case .linear: isLinear = true
      case .normalization: break
      case .activation: isLinear = false
      }
    }
    if modules.count == 1, isLinear, let last, last.place == [0] {
      // A sequence of one module is rarely written.
      assume(
        "nothing but dropout or a softmax follows \(shown(last.name)) of the classifier (if a sigmoid "
          + "does, say --activation sigmoid; if another activation does, export the network as ONNX)"
      )
    }
  }

  /// Refuses a classifier in which something computes before the pool, which comes first here.
  private mutating func checkPoolsPlace(_ modules: [HeadModule]) throws(CheckpointError) {
    guard let first = modules.first, modules.count > 1, first.place.count == 1 else { return }
    let position = first.place[0]
    let name = shown(first.name)
    let exponent = poolingExponent?.split(separator: ".").dropLast().last.flatMap { Int($0) }
    let isConvolution = tensors.shape("\(first.name).weight")?.count == 4
    guard isConvolution && position == 0 || exponent ?? position > position else {
      // An activation, a pool and Flatten have room there.
      if position == 0, let next = modules[1].place.first, next > Self.placesOfPool {
        assume("the pool comes before the classifier's module \(name)")
      }
      return
    }
    throw .unsupported(
      "the classifier begins with \(name), before its pool or after it, which tensors do not tell; "
        + "export the network as ONNX")
  }

  /// Modules without tensors after which a pool is unlikely: an activation and dropout.
  private static let placesOfPool = 2

  // MARK: Layers

  /// Returns the numbers that the head's first layer takes.
  private func inputCount(of modules: [HeadModule]) -> Int? {
    guard let first = modules.first else { return nil }
    if let width = width(ofNormalization: first.name) { return width }
    return tensors.shape("\(first.name).weight").flatMap { $0.count >= 2 ? $0[1] : $0.first }
  }

  /// Module that is the head in fastai's networks, whose body is module 0.
  private static let fastaiHead = "1"

  /// Refuses a classifier that takes twice the channels if nothing says of what they are.
  private mutating func choosePooling(inputs: Int?, _ head: String) throws(CheckpointError) {
    let channels = outputShape.channels
    guard inputs == 2 * channels, pooling == nil else { return }
    guard outputShape.pixelCount != 2 else {
      throw .unsupported(
        "the classifier takes \(2 * channels) numbers: the last map's \(channels) channels of 2 pixels "
          + "each, flattened without a pool, or their means and maxima; tensors do not tell which, so export "
          + "the network as ONNX")
    }
    guard head == Self.fastaiHead else {
      throw .variant(
        "the classifier takes \(2 * channels) numbers, twice the \(channels) channels of the last "
          + "map: their means and maxima; say in which order (--arch pool=avg+max as timm's "
          + "catavgmax, or pool=max+avg as fastai; if they are a map of two pixels, flattened, export the "
          + "network as ONNX)")
    }
    pooling = .maxAvg
    assume(
      "the classifier takes each channel's maximum, then each one's mean, as after fastai's "
        + "AdaptiveConcatPool2d (--arch pool=…)")
  }

  private mutating func appendHeadActivation(before name: String) throws(CheckpointError) {
    usesHeadActivation = true
    if variant.headActivation == nil {
      assume(
        "ReLU stands before \(shown(name)), between linear layers of the classifier "
          + "(--arch head-activation=…)")
    }
    try append("\(name).before", variant.headActivation ?? .relu)
  }

  /// Whether a module has a weight alone, of one dimension, as learned slopes have.
  func isSlopes(_ name: String) -> Bool {
    tensors.shape("\(name).weight")?.count == 1 && tensors.shape("\(name).bias") == nil
      && tensors.shape("\(name).running_mean") == nil
  }

  /// Whether a module has a number for each channel and is no activation.
  func isNormalization(_ name: String) -> Bool { width(ofNormalization: name) != nil }

  /// Returns the channels of a normalisation, which may have statistics alone; nil for other modules.
  func width(ofNormalization name: String) -> Int? {
    isSlopes(name) ? nil : tensors.width(ofNormalization: name)
  }

  /// Kind of a layer.
  private enum Layer {
    case linear, normalization, activation
  }

  /// Appends a layer; returns what it is.
  private mutating func append(_ name: String, isOnly: Bool) throws(CheckpointError) -> Layer {
    guard let entry = tensors.parameters["\(name).weight"] else {
      guard isNormalization(name) else { throw .unsupported("no tensor \(shown(name)).weight") }
      try append(
        name, .batchNormalization(BatchNormalization(epsilon: variant.epsilon ?? 1e-5)))
      take("\(name).weight", from: .filled(1))
      take("\(name).bias", from: .filled(0))
      return .normalization
    }
    let shape = entry.shape
    if shape.count == 1 {
      if tensors.shape("\(name).running_mean") != nil {
        try append(
          name, .batchNormalization(BatchNormalization(epsilon: variant.epsilon ?? 1e-5)))
      } else {
        guard tensors.shape("\(name).bias") != nil else {
          // One number, or where the whole network has such: no normalisation has one for all.
          if shape == [1] && outputShape.channels > 1 || usesSlopes {
            try appendSlopes(name, name)
            return .activation
          }
          throw .unsupported(
            "module \(shown(name)) of the classifier has a weight alone (shape \(shape)), as PReLU "
              + "of a slope for each number and normalisations without a bias have; export the "
              + "network as ONNX")
        }
        assume(
          "\(shown(name)), a normalisation in the classifier without running statistics, is a "
            + "layer normalisation")
        try append(
          "\(name).normal",
          .normalization(SampleNormalization(.channels, epsilon: variant.epsilon ?? 1e-5)))
        try appendScale(name)
      }
      return .normalization
    }
    guard shape.count == 2 || shape.count == 4 && shape[2...] == [1, 1] else {
      throw .tensor(
        name: entry.name, offset: entry.offset,
        reason: "shape \(shape) is not that of a classifier's layer, [classes, features]")
    }
    guard shape[1] == outputShape.elementCount else {
      throw .variant(
        "module \(shown(name)) takes \(shape[1]) numbers, and what comes before it gives "
          + "\(outputShape.elementCount); if it stands beside that, say which is the "
          + "classifier (--arch head=NAME), else export the network as ONNX")
    }
    var linear = Linear(outputs: shape[0])
    linear.hasBias = tensors.shape("\(name).bias") != nil
    if !linear.hasBias {
      assume(
        "\(shown(name)), which has no bias, multiplies features as they are; if it normalises them "
          + "first, as cosine classifiers do, export the network as ONNX")
    }
    if isOnly, shape.count == 4 {
      assume(
        "nothing but the pool follows \(shown(name)), the classifier's convolution (if an "
          + "activation does, as in SqueezeNet, export the network as ONNX)")
    }
    // The one layer of a classifier has the name that all programs know.
    let node = isOnly ? "fc" : name
    try append(node, .linear(linear))
    take("\(node).weight", from: .stored("\(name).weight"))
    if linear.hasBias, node != name { take("\(node).bias", from: .stored("\(name).bias")) }
    return .linear
  }
}
