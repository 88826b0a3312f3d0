/// Names of the classes in a checkpoint of OpenMMLab: `meta.CLASSES`, since MMEngine
/// `meta.dataset_meta.classes`.
enum CheckpointClasses {
  private static let paths = [
    ["meta", "CLASSES"], ["meta", "dataset_meta", "classes"], ["meta", "dataset_meta", "CLASSES"],
    ["dataset_meta", "classes"], ["dataset_meta", "CLASSES"],
  ]

  /// Returns labels and their place; nil if there is nothing that can be labels.
  static func find(in pickle: Pickle) -> (labels: [String], source: String)? {
    for path in paths {
      var value = pickle.root
      var isThere = true
      for name in path {
        // A later item replaces an earlier one of the same name.
        guard let item = pickle.items(value)?.last(where: { pickle.text($0.key) == name }) else {
          isThere = false
          break
        }
        value = item.value
      }
      guard isThere, let parts = pickle.sequence(value), !parts.isEmpty,
        parts.count <= SafetensorsLimits.tensorCount
      else { continue }
      let labels = parts.compactMap { pickle.text($0) }
      guard labels.count == parts.count, labels.allSatisfy({ Labels.fault(in: $0) == nil }) else {
        continue
      }
      return (labels, path.joined(separator: "."))
    }
    return nil
  }
}
