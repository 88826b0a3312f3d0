import ResNet
import Words

/// Pooling by generalised means (GeM; Radenović et al., "Fine-tuning CNN Image Retrieval with No Human
/// Annotation", 2018), told by their learned exponent, a tensor `p` of one number or of one for each
/// channel:
///
///     (mean over all pixels of max(x, epsilon)^p)^(1/p)
extension NetworkBuilder {
  /// What smaller numbers count as, in the program of the paper's authors and those that follow it.
  private static let smallest: Float = 1e-6

  /// Name of the exponent for the channels of the output so far; nil if there is none, or several
  /// tensors may be it.
  var poolingExponent: String? {
    let names = tensors.parameters.keys.filter { name in
      Self.mayBeExponent(name)
        && tensors.shape(name).map { [1, outputShape.channels].contains($0.reduce(1, *)) } == true
    }
    return names.count == 1 ? names.first : nil
  }

  /// Whether a name is that of a pool's exponent: dropout and activations have a `p` as well.
  private static func mayBeExponent(_ name: String) -> Bool {
    let parts = name.split(separator: ".")
    guard parts.last == "p", !name.hasPrefix("layer") else { return false }
    guard let module = parts.dropLast().last?.lowercased() else { return true }
    return module.containsText("pool") || module.containsText("gem") || module == "gap"
      || Int(module) != nil
  }

  mutating func appendGeneralizedMean(_ exponent: String) throws(CheckpointError) {
    let name = tensors.nameInFile(of: exponent)
    guard variant.pooling == nil else {
      throw .variant(
        "the file has the learned exponent of another pool, a generalised mean (\(name)); leave "
          + "out pool=…")
    }
    assume(
      "the pool is a generalised mean (GeM) of the exponent \(name), in which numbers below "
        + "\(Self.smallest) count as that")
    poolsByExponent = true
    try count(derived: 2 * outputShape.channels)
    try append("avgpool.clip", .elementwise(.clip(minimum: Self.smallest, maximum: .infinity)))
    let isForAll = tensors.shape(exponent)?.allSatisfy { $0 == 1 } == true
    try appendPower("avgpool.power", isForAll ? .repeated(exponent) : .stored(exponent))
    try append("avgpool", .globalAveragePool)
    try appendPower("avgpool.root", .inverse(exponent))
  }

  /// Raises numbers that are above zero to a power of their channel's.
  private mutating func appendPower(
    _ name: String, _ exponents: ParameterSource
  ) throws(CheckpointError) {
    try append("\(name).log", .elementwise(.logarithm))
    try appendFactor("\(name).factor", from: exponents)
    try append(name, .elementwise(.exponential))
  }
}
