import Checkpoint
import Imaging
package import Inference
import ResNet

/// Difference between what a model asks of its images or means by its answers, and the model whose
/// place it takes: what clients may have to know.
package struct ContractChange: Sendable, Hashable {
  /// Name of what has changed, as answers and the log have it.
  package let what: String
  package let former: String
  package let now: String

  /// Returns the differences, none if clients need not know of the swap. Labels have a report of
  /// their own.
  package static func all(from former: CompiledModel, to next: CompiledModel) -> [ContractChange] {
    let pairs = [
      ("output", output(former), output(next)),
      ("input_size", size(former), size(next)),
      ("channels", channels(former), channels(next)),
    ]
    return pairs.compactMap { what, before, now in
      before == now ? nil : ContractChange(what: what, former: before, now: now)
    }
  }

  private static func output(_ model: CompiledModel) -> String {
    model.output.activation.rawValue
  }

  private static func size(_ model: CompiledModel) -> String {
    "\(model.graph.inputShape.height)x\(model.graph.inputShape.width)"
  }

  private static func channels(_ model: CompiledModel) -> String {
    let contract = model.preprocessing
    guard contract.channelOrder == .bands else { return contract.channelOrder.rawValue }
    return "\(contract.channelCount) bands"
  }
}
