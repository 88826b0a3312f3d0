import Words

/// Kinds of tensors that training programs leave among a network's, told by their names.
enum SpareTensor: CaseIterable, Hashable {
  /// PyTorch's counters of training steps, which every network has.
  case counter
  /// What thop and its relatives count.
  case profiler
  case loss, metric
  /// A single integer: an epoch, `n_averaged`.
  case integer
  /// Three numbers by which a network that normalises its own input does so.
  case normalization

  /// Returns the kind, or nil for a tensor that may be a parameter.
  init?(_ entry: TensorEntry) {
    let parts = entry.name.split(separator: ".", omittingEmptySubsequences: false)
    let last = parts.last ?? ""
    if last == "num_batches_tracked", entry.elementCount == 1 {
      self = .counter
    } else if last == "total_ops" || last == "total_params" {
      self = .profiler
    } else if parts.first?.hasPrefix("loss") == true || parts.dropLast().contains(where: isOfLoss) {
      self = .loss
    } else if parts.dropLast().contains(where: isOfMetric) {
      self = .metric
    } else if !entry.type.isFloatingPoint, entry.elementCount == 1,
      !TensorGroup.parameters.contains(last), !isOfNetwork(last)
    {
      self = .integer
    } else if StoredNormalization.role(of: entry) != nil {
      self = .normalization
    } else {
      return nil
    }
  }

  /// Words for a warning; nil for kinds that are no news or have a line of their own.
  var words: String? {
    switch self {
    case .counter, .normalization: nil
    case .profiler: "of a profiler"
    case .loss: "of a loss"
    case .metric: "of a metric"
    case .integer: "with a single integer"
    }
  }
}

/// Whether a single number under such a name changes what a network answers: the exponent of a pool
/// (GeM), a temperature.
private func isOfNetwork(_ part: Substring) -> Bool {
  ["p", "eps", "power", "exponent", "alpha", "beta", "gamma", "slope", "margin", "s", "t"]
    .contains(part) || ["scale", "temp", "exponent"].contains { part.containsText($0) }
}

private func isOfLoss(_ part: Substring) -> Bool {
  part.hasPrefix("loss") || part.hasSuffix("_loss") || part.hasPrefix("criteri")
}

private func isOfMetric(_ part: Substring) -> Bool {
  part.hasPrefix("metric") || part.hasSuffix("_metric") || part.hasSuffix("_metrics")
    || part.hasSuffix("_acc") || part.hasSuffix("accuracy")
}

/// Mean and standard deviation that a file holds as buffers, such as `normalize.mean`.
struct StoredNormalization: Hashable {
  enum Role: Hashable { case mean, std }

  let mean: [Float]
  let std: [Float]
  /// Name of the mean.
  let name: String
  /// Name of the deviation.
  let stdName: String

  private static let roles: [Substring: Role] = [
    "mean": .mean, "pixel_mean": .mean, "image_mean": .mean, "_mean": .mean, "std": .std,
    "pixel_std": .std, "image_std": .std, "_std": .std,
  ]

  /// Returns the role of three floating-point numbers under such a name.
  static func role(of entry: TensorEntry) -> Role? {
    guard entry.type.isFloatingPoint, entry.elementCount == 3, entry.shape.contains(3) else {
      return nil
    }
    return roles[entry.name.split(separator: ".").last ?? ""]
  }

  /// Whether the mean is ImageNet's for blue, green and red, as networks from Caffe and detectron2 have
  /// it, so that images are taken in this order.
  var isReversed: Bool {
    zip(mean, [0.406, 0.456, 0.485] as [Float]).allSatisfy { abs($0 - $1) < Self.meanTolerance }
  }

  /// Difference from ImageNet's mean up to which one is taken for it, less than half of what its
  /// channels differ by.
  private static let meanTolerance: Float = 0.01

  /// Reads the first pair in the same place, with numbers on the scale where white is 1: those for
  /// pixels from 0 to 255 are divided by it, which gives the same result.
  ///
  /// Throws if mean and deviation are not on one scale.
  init?(_ entries: [TensorEntry], in bytes: ModelBytes) throws(CheckpointError) {
    func place(_ entry: TensorEntry) -> Substring {
      entry.name[..<(entry.name.lastIndex(of: ".") ?? entry.name.startIndex)]
    }
    let means = entries.filter { Self.role(of: $0) == .mean }
    for mean in means {
      let stds = entries.filter { Self.role(of: $0) == .std && place($0) == place(mean) }
      // Of several beside it, the one of the same name: `pixel_mean` and `pixel_std`.
      let own = stds.first { $0.name.replacingText("std", with: "mean") == mean.name }
      guard let std = own ?? stds.first else { continue }
      let values = [mean, std].compactMap { try? $0.floats(in: bytes) }
      guard values.count == 2 else { continue }
      let isOfBytes = values[0].contains { $0 > 1 }
      let scale: Float = isOfBytes || values[1].allSatisfy { $0 > 1 } ? 255 : 1
      guard
        scale == 1
          || values[1].allSatisfy({ $0 >= 1 }) && (isOfBytes || values[0].allSatisfy { $0 == 0 })
      else {
        throw .tensor(
          name: mean.name, offset: mean.offset,
          reason:
            "its numbers \(values[0]) and those of \(std.name), \(values[1]), are not both for pixels "
            + "from 0 to 1 or from 0 to 255; give a contract (--preprocess)")
      }
      self.mean = values[0].map { $0 / scale }
      self.std = values[1].map { $0 / scale }
      (name, stdName) = (mean.name, std.name)
      return
    }
    return nil
  }
}
