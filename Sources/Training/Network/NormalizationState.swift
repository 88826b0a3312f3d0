import Engine
import ResNet

/// Numbers of one batch normalisation in training, `[C]` each.
///
/// Ioffe and Szegedy 2015, Algorithm 1, with all sums in double precision: the biased variance
/// normalises, the unbiased one goes into the running variance.
struct NormalizationState {
  let channels: Int
  let epsilon: Double
  let isFrozen: Bool
  var runningMean: [Float]
  var runningVariance: [Float]
  /// Indices of gamma and beta in the parameter store.
  let gamma: Int
  let beta: Int

  /// Mean and 1 / sqrt(variance + epsilon) of this step.
  var mean: [Double]
  var inverseDeviation: [Double]

  /// Factor of the value, and mean, as the kernels read them.
  let scale: Region
  let kernelMean: Region
  /// Gradient of the value: value * `valueFactor` + `term` + gradient * `gradientFactor`.
  let valueFactor: Region
  let term: Region
  let gradientFactor: Region
  /// Two rows of C sums in double precision for each shard.
  let partials: Region

  init(
    _ normalization: TrainingGraph.Normalization, shardLimit: Int, gamma: Int, beta: Int
  ) throws(EngineError) {
    channels = normalization.channels
    epsilon = Double(normalization.epsilon)
    isFrozen = normalization.isFrozen
    self.gamma = gamma
    self.beta = beta
    runningMean = Array(repeating: 0, count: channels)
    runningVariance = Array(repeating: 1, count: channels)
    mean = Array(repeating: 0, count: channels)
    inverseDeviation = mean
    let rows = try Region(floatCount: 5 * channels, for: "batch normalisation")
    scale = rows.floats(at: 0, count: channels)
    kernelMean = rows.floats(at: channels, count: channels)
    valueFactor = rows.floats(at: 2 * channels, count: channels)
    term = rows.floats(at: 3 * channels, count: channels)
    gradientFactor = rows.floats(at: 4 * channels, count: channels)
    partials = try Region(
      floatCount: Self.partialByteCount(channels) / 4 * shardLimit, for: "batch normalisation")
  }

  static func partialByteCount(_ channels: Int) -> Int {
    2 * channels * MemoryLayout<Double>.stride
  }

  /// Row 0 or 1 of a shard's sums.
  func partial(_ shard: Int, row: Int) -> Region {
    partials.part(shard, byteCount: Self.partialByteCount(channels))
      .part(row, byteCount: Self.partialByteCount(channels) / 2)
  }

  /// Adds up a row of the shards' sums by a fixed tree.
  func total(row: Int, shardCount: Int) -> [Double] {
    var sums = (0..<shardCount).map { shard in
      let row = partial(shard, row: row)
      return unsafe Array(UnsafeBufferPointer(start: row.doubles, count: channels))
    }
    var width = 1
    while width < shardCount {
      for index in stride(from: 0, to: shardCount - width, by: 2 * width) {
        for channel in 0..<channels { sums[index][channel] += sums[index + width][channel] }
      }
      width *= 2
    }
    return sums[0]
  }

  /// Takes the statistics of a batch whose sums and sums of squares the shards have, or the running
  /// ones.
  ///
  /// - Parameter count: Numbers of each channel.
  mutating func finishForward(
    shardCount: Int, count: Int, momentum: Double, gamma gammas: Region
  ) {
    if !isFrozen {
      let sums = total(row: 0, shardCount: shardCount)
      let squares = total(row: 1, shardCount: shardCount)
      for channel in 0..<channels {
        let mean = sums[channel] / Double(count)
        let variance = max(0, squares[channel] / Double(count) - mean * mean)
        self.mean[channel] = mean
        inverseDeviation[channel] = 1 / (variance + epsilon).squareRoot()
        let unbiased = variance * Double(count) / Double(max(1, count - 1))
        runningMean[channel] = Self.mixed(runningMean[channel], mean, momentum)
        runningVariance[channel] = Self.mixed(runningVariance[channel], unbiased, momentum)
      }
    } else {
      for channel in 0..<channels {
        mean[channel] = Double(runningMean[channel])
        inverseDeviation[channel] =
          1 / (Double(runningVariance[channel]) + epsilon).squareRoot()
      }
    }
    for channel in 0..<channels {
      scale[channel] = Float(Double(gammas[channel]) * inverseDeviation[channel])
      kernelMean[channel] = Float(mean[channel])
    }
  }

  private static func mixed(_ old: Float, _ new: Double, _ momentum: Double) -> Float {
    Float((1 - momentum) * Double(old) + momentum * new)
  }

  /// Computes gradients of gamma and beta, and the factors of the value's gradient.
  ///
  /// - Parameter sums: Sums of the result's gradient, which two normalisations of one sum share.
  mutating func finishBackward(
    shardCount: Int, count: Int, sums: [Double], gamma gammas: Region, gammaGradient: Region,
    betaGradient: Region
  ) {
    let products = total(row: 1, shardCount: shardCount)
    for channel in 0..<channels {
      let deviation = inverseDeviation[channel]
      // The kernels take the mean in fp32.
      let product =
        products[channel] + sums[channel] * (Double(kernelMean[channel]) - mean[channel])
      gammaGradient[channel] = Float(product * deviation)
      betaGradient[channel] = Float(sums[channel])
      let factor = Double(gammas[channel]) * deviation
      gradientFactor[channel] = Float(factor)
      guard !isFrozen else { continue }
      let slope = -factor * deviation * deviation * product / Double(count)
      valueFactor[channel] = Float(slope)
      term[channel] = Float(-factor * sums[channel] / Double(count) - slope * mean[channel])
    }
  }

  var byteCount: Int { 5 * channels * MemoryLayout<Float>.stride + partials.byteCount }
}
