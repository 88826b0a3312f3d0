import COneDNN
import Engine
package import ResNet

extension TrainingNetwork {
  /// All parameters and running statistics by their names in files, in fp32 to the bit.
  package var weights: Weights {
    get throws(TrainingError) { try weights(parameters.values) }
  }

  /// Gradients of the last step by the parameters' names.
  package var gradients: Weights {
    get throws(TrainingError) {
      var gradients = Weights()
      try collect(parameters.gradients, into: &gradients)
      return gradients
    }
  }

  /// Replaces the gradients of the named parameters, and those of all others by zeros: for gradients
  /// that something else than a step computes.
  package func setGradients(_ gradients: [String: [Float]]) throws(TrainingError) {
    parameters.gradients.clear()
    for (name, numbers) in gradients {
      guard let parameter = parameters.parameters.first(where: { $0.name == name }) else {
        throw .graph(.missingParameter(name))
      }
      let shape = shapes[name] ?? parameter.shape
      guard numbers.count == shape.reduce(1, *) else {
        throw .graph(.parameterShape(name: name, expected: shape, actual: [numbers.count]))
      }
      let tensor = Tensor(shape: shape, storage: numbers)
      do throws(EngineError) {
        try parameters.write(tensor, to: parameter, of: parameters.gradients, device, stream)
      } catch {
        throw .engine(error)
      }
    }
  }

  /// Returns parameters out of a block laid out like the parameters' values, and running statistics.
  func weights(_ block: Region) throws(TrainingError) -> Weights {
    var weights = Weights()
    try collect(block, into: &weights)
    for (normalization, state) in zip(graph.normalizations, state.normalizations) {
      let shape = [normalization.channels]
      weights["\(normalization.name).running_mean"] = Tensor(
        shape: shape, storage: state.runningMean)
      weights["\(normalization.name).running_var"] = Tensor(
        shape: shape, storage: state.runningVariance)
    }
    return weights
  }

  /// Adds the tensors of a block laid out like the parameters' values, each named by `prefix` and
  /// its parameter.
  func collect(
    _ block: Region, prefix: String = "", into weights: inout Weights
  ) throws(TrainingError) {
    do throws(EngineError) {
      for parameter in parameters.parameters {
        weights[prefix + parameter.name] = try parameters.tensor(
          parameter, of: block, device, stream
        )
        .reshaped(shapes[parameter.name] ?? parameter.shape)
      }
    } catch {
      throw .engine(error)
    }
  }

  /// Takes parameters and running statistics, as `weights` gives them.
  package func load(_ weights: Weights) throws(TrainingError) {
    try distribute(weights, to: parameters.values)
    for (index, normalization) in graph.normalizations.enumerated() {
      state.normalizations[index].runningMean = try numbers(
        "\(normalization.name).running_mean", of: weights, count: normalization.channels)
      state.normalizations[index].runningVariance = try numbers(
        "\(normalization.name).running_var", of: weights, count: normalization.channels)
    }
  }

  private func numbers(
    _ name: String, of weights: Weights, count: Int
  ) throws(TrainingError) -> [Float] {
    guard let tensor = weights[name] else { throw .graph(.missingParameter(name)) }
    guard tensor.shape == [count] else {
      throw .graph(.parameterShape(name: name, expected: [count], actual: tensor.shape))
    }
    return tensor.values
  }

  /// Writes tensors named by `prefix` and their parameters into a block laid out like the
  /// parameters' values.
  func distribute(
    _ weights: Weights, prefix: String = "", to block: Region
  ) throws(TrainingError) {
    for parameter in parameters.parameters {
      let name = prefix + parameter.name
      let shape = shapes[parameter.name] ?? parameter.shape
      guard let tensor = weights[name] else { throw .graph(.missingParameter(name)) }
      guard tensor.shape == shape else {
        throw .graph(.parameterShape(name: name, expected: shape, actual: tensor.shape))
      }
      do throws(EngineError) {
        try parameters.write(tensor, to: parameter, of: block, device, stream)
      } catch {
        throw .engine(error)
      }
    }
  }
}

extension Tensor {
  fileprivate func reshaped(_ shape: [Int]) -> Tensor { Tensor(shape: shape, storage: storage) }
}
