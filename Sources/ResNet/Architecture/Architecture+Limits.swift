extension Architecture {
  package static let stageCountLimit = 8
  package static let stageBlockCountLimit = 1000
  package static let widthLimit = 16_384
  package static let classCountLimit = 1_000_000
  package static let inputSizeLimit = 4096

  /// Throws for the first number outside its range, so that a graph can be built without overflow.
  package func validate() throws(GraphError) {
    try Self.check("stage count", stages.count, Self.stageCountLimit)
    for (index, stage) in stages.enumerated() {
      try Self.check("stage \(index + 1): blocks", stage.blocks, Self.stageBlockCountLimit)
      try Self.check("stage \(index + 1): width", stage.width, Self.widthLimit)
    }
    try Self.check("groups", groups, Self.widthLimit)
    try Self.check("width per group", widthPerGroup, Self.widthLimit)
    for (index, stage) in stages.enumerated() {
      try Self.check(
        "stage \(index + 1): inner width", innerWidth(of: stage), Self.widthLimit)
    }
    try Self.check("class count", classCount, Self.classCountLimit)
    try Self.check("input size", inputSize, Self.inputSizeLimit)
  }

  private static func check(_ what: String, _ value: Int, _ limit: Int) throws(GraphError) {
    guard 1...limit ~= value else {
      throw .outOfRange(what: what, value: value, allowed: 1...limit)
    }
  }

  /// Returns the channels of a block's inner convolutions: torchvision's `width * base_width / 64 *
  /// groups`.
  package func innerWidth(of stage: Stage) -> Int {
    block == .basic ? stage.width : stage.width * widthPerGroup / 64 * groups
  }
}
