import ResNet

/// Names of a residual network whose modules are numbered, as `nn.Sequential` does with the
/// children of torchvision's and timm's networks:
///
///     0 conv1   1 bn1   2 activation   3 maxpool   4 … layer1 …        nn.Sequential(*resnet.children())
///     0.0 …     0.1 …                              0.4 …    1.2, 1.4 …  fastai: body and head
enum NumberedModules {
  /// Numbers of modules, so that sums of them are small.
  private static let numberLimit = 64
  /// Modules before the first stage.
  private static let stemCount = 4

  /// Returns torchvision's names of all tensors whose modules are numbered, by their own; empty
  /// where they are not so, or other tensors have these names.
  static func translations(of names: some Collection<String>) -> [String: String] {
    guard let (prefix, first, count) = stages(names) else { return [:] }
    let stem = first - stemCount
    var translations: [String: String] = [:]
    for name in names where name.hasPrefix(prefix) {
      let rest = name.dropFirst(prefix.count)
      guard let dot = rest.firstIndex(of: "."), let number = Int(rest[..<dot]) else { continue }
      let module: String
      switch number {
      case stem: module = "conv1"
      case stem + 1: module = "bn1"
      case first - 1: module = "maxpool"
      case first..<first + count: module = "layer\(number - first + 1)"
      default: continue
      }
      translations[name] = module + rest[dot...]
    }
    let all = Set(names)
    return translations.values.contains(where: all.contains) ? [:] : translations
  }

  /// Returns what stands before the stages' numbers, the first of them, and how many there are.
  private static func stages(
    _ names: some Collection<String>
  ) -> (prefix: String, first: Int, count: Int)? {
    var prefix: Substring?
    var numbers: Set<Int> = []
    for name in names where name.hasSuffix(".0.conv1.weight") {
      let path = name.dropLast(".0.conv1.weight".count)
      let dot = path.lastIndex(of: ".")
      guard let number = Int(dot.map { path[path.index(after: $0)...] } ?? path),
        stemCount...numberLimit ~= number
      else { return nil }
      let before = dot.map { path[...$0] } ?? ""
      // fastai's body is the first module of two.
      guard ["", "0."].contains(before), prefix == nil || prefix == before else { return nil }
      prefix = before
      numbers.insert(number)
    }
    guard let prefix, let first = numbers.min(), let last = numbers.max(),
      last - first + 1 == numbers.count
    else { return nil }
    return (String(prefix), first, numbers.count)
  }
}
