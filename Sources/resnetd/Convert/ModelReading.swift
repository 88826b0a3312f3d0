import Checkpoint

/// Choices by which a file is read as one network or another, where it leaves them open.
struct ModelReading: Hashable {
  var variant = NetworkVariant()
  var activation: OutputRule.Activation?
  var outputName: String?

  /// Activations in the order in which they are tried where a file cannot be read without one.
  private static let activations: [OutputRule.Activation] = [.none, .sigmoid, .softmax]
  /// Outputs of a file that are tried.
  private static let outputLimit = 16

  /// Returns the models that a file may be, with how each was read: one if nothing but this reading is
  /// needed, else one for each of its outputs, with an activation where one is needed.
  ///
  /// Throws the reader's error if there is none.
  func models(
    _ load: (ModelReading) throws(CheckpointError) -> Model
  ) throws(CheckpointError) -> [(reading: ModelReading, model: Model)] {
    do throws(CheckpointError) { return [(self, try load(self))] } catch {
      switch error {
      case .severalOutputs(_, let names) where outputName == nil:
        // Names are told to whoever has to give one.
        let tellable = names.filter { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }
        let found = tellable.prefix(Self.outputLimit).flatMap { name in
          var reading = self
          reading.outputName = name
          return (try? reading.models(load)) ?? []
        }
        if found.isEmpty { throw error }
        return found
      case .unclearOutputs where activation == nil, .singleOutput where activation == nil:
        return [try interpreted(load)]
      default: throw error
      }
    }
  }

  /// Reads a file with the first activation that it can have; which one is right is another question.
  private func interpreted(
    _ load: (ModelReading) throws(CheckpointError) -> Model
  ) throws(CheckpointError) -> (reading: ModelReading, model: Model) {
    var first: CheckpointError?
    for activation in Self.activations {
      var reading = self
      reading.activation = activation
      do throws(CheckpointError) { return (reading, try load(reading)) } catch {
        first = first ?? error
      }
    }
    throw first ?? .singleOutput
  }
}
