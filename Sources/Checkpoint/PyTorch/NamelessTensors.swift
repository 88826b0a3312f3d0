/// Tensors in a list, as a moving average of parameters keeps them (the package torch_ema).
///
///     {"model": {"conv1.weight": …}, "ema": {"decay": 0.999, "shadow_params": [tensor, …]}}
///
/// They may be the parameters of a state dict of the same file: all that is in it but buffers, in its
/// order, which is that of `Module.parameters()`.
struct NamelessTensors: Sendable {
  /// Names of the dictionaries around them and their own, joined by dots.
  let path: String
  let count: Int
  /// The tensors under the names of a state dict, with its buffers; nil if they fit none, or several.
  let group: TensorGroup?
  /// Path of that state dict, "." for the outermost.
  let owner: String

  /// Lists below this many tensors are no network's parameters.
  static let leastCount = 6
  /// A copy of the network's own parameters, which such a program keeps while it tries the average.
  static let backupName = "collected_params"

  /// Last parts of the names of what is no parameter.
  private static let buffers: Set<Substring> = [
    "running_mean", "running_var", "num_batches_tracked", "filt",
  ]

  /// - Parameters:
  ///   - groups: State dicts of the file.
  ///   - orders: Names of their tensors as they stand in the file.
  init(path: String, _ list: [TensorEntry], _ groups: [TensorGroup], orders: [[String]]) {
    (self.path, count) = (path, list.count)
    let fitting = zip(groups, orders).compactMap { group, order in
      Self.named(list, as: group, order).map { (group.path, $0) }
    }
    // Of two, buffers may differ.
    let only = fitting.count == 1 ? fitting.first : nil
    owner = only.map { $0.0.isEmpty ? "." : $0.0 } ?? ""
    group = only.map { TensorGroup(path: path, entries: $0.1) }
  }

  /// Returns the tensors under the names of a state dict, and its buffers; nil if their shapes in their
  /// order are not those of its parameters.
  private static func named(
    _ list: [TensorEntry], as group: TensorGroup, _ order: [String]
  ) -> [TensorEntry]? {
    guard !StateDictionaries.isOfTraining(group.path) else { return nil }
    let isBuffer = { (name: String) in buffers.contains(name.split(separator: ".").last ?? "") }
    let names = order.filter { !isBuffer($0) }
    guard names.count == list.count else { return nil }
    let shapes = Dictionary(
      group.entries.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    guard zip(names, list).allSatisfy({ shapes[$0] == $1.shape }) else { return nil }
    return zip(names, list).map { $1.named($0) } + group.entries.filter { isBuffer($0.name) }
  }

  /// A line for whoever loads another network of the file.
  var note: String {
    let subject = "\(path.prefix(80)), a list of \(count) tensors without names, is not used"
    return group == nil
      ? "\(subject), and its shapes are not in order those of one state dict of the file"
      : "\(subject); in its order it fits the parameters of \(owner.prefix(80)): --weights "
        + "\(path.prefix(80)) takes them, with the buffers of \(owner.prefix(80))"
  }

  /// A line for whoever has named it.
  var usage: String {
    "the tensors of \(path.prefix(80)), which have no names, are taken for the parameters of "
      + "\(owner.prefix(80)) in their order, which their shapes fit; buffers, such as running "
      + "statistics, are those of \(owner.prefix(80))"
  }

  /// The error where it was named and fits no state dict.
  var misfit: CheckpointError {
    .unsupported(
      "\(path.prefix(80)) is a list of \(count) tensors without names, and their shapes are not in order "
        + "those of the parameters of one state dict of the file; put them into the network and save its "
        + "state dict, in Python with torch_ema: ema.copy_to(); torch.save(model.state_dict(), "
        + "\"model.pth\")")
  }
}
