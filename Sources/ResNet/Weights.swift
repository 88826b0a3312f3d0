/// A network's parameters by the names of their file, torchvision's for the ResNet family
/// (`layer1.0.conv1.weight`, `layer1.0.bn1.running_mean`, `fc.bias`).
package struct Weights: Sendable {
  private var tensors: [String: Tensor]

  package init(_ tensors: [String: Tensor] = [:]) { self.tensors = tensors }

  package subscript(name: String) -> Tensor? {
    get { tensors[name] }
    set { tensors[name] = newValue }
  }

  package var names: Dictionary<String, Tensor>.Keys { tensors.keys }
}
