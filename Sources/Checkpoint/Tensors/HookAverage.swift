/// Copies of a network's tensors that OpenMMLab's EMAHook keeps beside them, each under the other's
/// name with underscores for dots.
///
///     backbone.conv1.weight        ema_backbone_conv1_weight
///
/// The hook exchanges both before a checkpoint is saved, so the network's own are the averages
/// (mmcv/runner/hooks/ema.py).
enum HookAverage {
  private static let prefix = "ema_"

  /// Returns the names of the copies.
  static func names(among names: some Sequence<String>) -> Set<String> {
    let copies = names.filter { $0.hasPrefix(prefix) && !$0.utf8.contains(UInt8(ascii: ".")) }
    guard !copies.isEmpty else { return [] }
    let originals = Set(names.lazy.map { String($0.map { $0 == "." ? "_" : $0 }) })
    return Set(copies.filter { originals.contains(String($0.dropFirst(prefix.count))) })
  }

  /// A line for whoever loads the network.
  static func note(count: Int) -> String {
    "\(count) \(count == 1 ? "tensor" : "tensors") of OpenMMLab's EMAHook (ema_…) "
      + "\(count == 1 ? "is" : "are") passed over: it exchanges them with the network's before it "
      + "saves, so the network's own are the averages"
  }
}
