import Glibc
import ResNet

/// Loss of a batch as the operations are defined, in double precision and by simple loops, with
/// batch statistics: the slow truth that gradients are compared with by finite differences.
struct ReferenceNetwork {
  let graph: Graph
  let shapes: [FeatureShape]
  /// Parameters and running statistics by name.
  var parameters: [String: [Double]]
  var frozen: Set<String> = []

  init(_ graph: Graph, _ weights: Weights) throws {
    self.graph = graph
    shapes = try graph.shapes()
    parameters = [:]
    for name in weights.names { parameters[name] = weights[name]?.values.map(Double.init) }
  }

  /// Mean cross entropy of images `[N, C, H, W]`.
  func loss(_ images: [[Double]], _ classes: [Int]) -> Double {
    let logits = run(images)
    var sum = 0.0
    for (row, target) in zip(logits, classes) {
      let largest = row.max() ?? 0
      sum -= row[target] - largest - log(row.reduce(0) { $0 + exp($1 - largest) })
    }
    return sum / Double(classes.count)
  }

  func run(_ images: [[Double]]) -> [[Double]] {
    var values: [[[Double]]] = [images]
    for (id, node) in graph.nodes.enumerated().dropFirst() {
      let input = values[node.inputs[0]]
      let shape = shapes[node.inputs[0]]
      let output = shapes[id]
      switch node.operation {
      case .convolution(let convolution):
        values.append(input.map { convolve(node.name, convolution, $0, shape, output) })
      case .linear(let linear): values.append(input.map { multiply(node.name, linear, $0) })
      case .batchNormalization(let normalization):
        values.append(normalize(node.name, normalization, input, shape))
      case .relu: values.append(input.map { $0.map { max(0, $0) } })
      case .add: values.append(zip(input, values[node.inputs[1]]).map { zip($0, $1).map(+) })
      case .maxPool(let pooling):
        values.append(input.map { pool(pooling, $0, shape, output) { $0.max() ?? 0 } })
      case .averagePool(let pooling):
        let area = Double(pooling.window.height * pooling.window.width)
        values.append(
          input.map {
            pool(pooling, $0, shape, output) { numbers in
              numbers.reduce(0, +) / (pooling.countsPadding ? area : Double(numbers.count))
            }
          })
      case .globalAveragePool:
        values.append(
          input.map { image in
            (0..<shape.channels).map { channel in
              image[channel * shape.pixelCount..<(channel + 1) * shape.pixelCount].reduce(0, +)
                / Double(shape.pixelCount)
            }
          })
      case .paddedShortcut(let shortcut):
        values.append(input.map { sample(shortcut, $0, shape, output) })
      default: preconditionFailure("the operation must be one that can be trained")
      }
    }
    return values[graph.output]
  }

  private func parameter(_ name: String) -> [Double] {
    guard let numbers = parameters[name] else { preconditionFailure("\(name) is missing") }
    return numbers
  }

  private func convolve(
    _ name: String, _ convolution: Convolution, _ input: [Double], _ shape: FeatureShape,
    _ output: FeatureShape
  ) -> [Double] {
    let weight = parameter("\(name).weight")
    let bias = convolution.hasBias ? parameter("\(name).bias") : nil
    let (height, width) = (convolution.kernel.height, convolution.kernel.width)
    let perGroup = shape.channels / convolution.groups
    var result = [Double](repeating: 0, count: output.elementCount)
    for k in 0..<output.channels {
      let group = k / (output.channels / convolution.groups)
      for y in 0..<output.height {
        for x in 0..<output.width {
          var sum = bias?[k] ?? 0
          for c in 0..<perGroup {
            for i in 0..<height {
              let row =
                y * convolution.stride.height + i * convolution.dilation.height
                - convolution.padding.before.height
              guard 0..<shape.height ~= row else { continue }
              for j in 0..<width {
                let column =
                  x * convolution.stride.width + j * convolution.dilation.width
                  - convolution.padding.before.width
                guard 0..<shape.width ~= column else { continue }
                let place = ((group * perGroup + c) * shape.height + row) * shape.width + column
                sum += input[place] * weight[((k * perGroup + c) * height + i) * width + j]
              }
            }
          }
          result[(k * output.height + y) * output.width + x] = sum
        }
      }
    }
    return result
  }

  private func multiply(_ name: String, _ linear: Linear, _ input: [Double]) -> [Double] {
    let weight = parameter("\(name).weight")
    let bias = linear.hasBias ? parameter("\(name).bias") : nil
    return (0..<linear.outputs).map { output in
      input.indices.reduce(bias?[output] ?? 0) {
        $0 + input[$1] * weight[output * input.count + $1]
      }
    }
  }

  private func normalize(
    _ name: String, _ normalization: BatchNormalization, _ input: [[Double]],
    _ shape: FeatureShape
  ) -> [[Double]] {
    let gamma = parameter("\(name).weight")
    let beta = parameter("\(name).bias")
    var result = input
    for channel in 0..<shape.channels {
      let range = channel * shape.pixelCount..<(channel + 1) * shape.pixelCount
      let numbers = input.flatMap { $0[range] }
      var mean = numbers.reduce(0, +) / Double(numbers.count)
      var variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(numbers.count)
      if frozen.contains(name) {
        mean = parameter("\(name).running_mean")[channel]
        variance = parameter("\(name).running_var")[channel]
      }
      let scale = gamma[channel] / (variance + Double(normalization.epsilon)).squareRoot()
      for image in input.indices {
        for index in range {
          result[image][index] = (input[image][index] - mean) * scale + beta[channel]
        }
      }
    }
    return result
  }

  private func pool(
    _ pooling: Pooling, _ input: [Double], _ shape: FeatureShape, _ output: FeatureShape,
    _ combine: ([Double]) -> Double
  ) -> [Double] {
    var result: [Double] = []
    for channel in 0..<output.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          var numbers: [Double] = []
          for i in 0..<pooling.window.height {
            for j in 0..<pooling.window.width {
              let row = y * pooling.stride.height + i - pooling.padding.before.height
              let column = x * pooling.stride.width + j - pooling.padding.before.width
              guard 0..<shape.height ~= row, 0..<shape.width ~= column else { continue }
              numbers.append(input[(channel * shape.height + row) * shape.width + column])
            }
          }
          result.append(combine(numbers))
        }
      }
    }
    return result
  }

  private func sample(
    _ shortcut: PaddedShortcut, _ input: [Double], _ shape: FeatureShape, _ output: FeatureShape
  ) -> [Double] {
    var result = [Double](repeating: 0, count: output.elementCount)
    for channel in 0..<shape.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          let to = ((channel + shortcut.leadingZeroChannels) * output.height + y) * output.width + x
          result[to] =
            input[
              (channel * shape.height + y * shortcut.stride) * shape.width + x * shortcut.stride]
        }
      }
    }
    return result
  }
}
