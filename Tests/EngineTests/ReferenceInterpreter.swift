import Glibc
import ResNet

/// Runs a graph as its operations are defined, one image at a time, in double precision and without
/// any pass: the slow truth that the engine is compared with.
struct ReferenceInterpreter {
  let graph: Graph
  let shapes: [FeatureShape]
  let weights: Weights

  init(_ graph: Graph, _ weights: Weights) throws {
    self.graph = graph
    self.weights = weights
    shapes = try graph.shapes()
  }

  func run(_ image: [Double]) -> [Double] {
    var values: [[Double]] = [image]
    for (id, node) in graph.nodes.enumerated().dropFirst() {
      let input = values[node.inputs[0]]
      let shape = shapes[node.inputs[0]]
      switch node.operation {
      case .input: preconditionFailure("only the first node may be the input")
      case .convolution(let convolution):
        values.append(convolve(node, convolution, input, shape, output: shapes[id]))
      case .batchNormalization(let normalization):
        values.append(normalize(node, normalization, input, shape))
      case .relu: values.append(input.map { max(0, $0) })
      case .elementwise(let function): values.append(input.map { apply(function, $0) })
      case .multiply:
        let other = values[node.inputs[1]]
        let pixels = shapes[id].pixelCount
        // A factor with one number per channel multiplies all pixels of its channel.
        func factor(_ values: [Double], _ index: Int) -> Double {
          values.count == shapes[id].elementCount ? values[index] : values[index / pixels]
        }
        values.append(
          (0..<shapes[id].elementCount).map { factor(input, $0) * factor(other, $0) })
      case .add: values.append(zip(input, values[node.inputs[1]]).map(+))
      case .maxPool(let pooling):
        values.append(slide(pooling, input, shape, shapes[id]) { $0.max() ?? -.infinity })
      case .averagePool(let pooling):
        let area = Double(pooling.window.height * pooling.window.width)
        values.append(
          slide(pooling, input, shape, shapes[id]) {
            $0.reduce(0, +) / (pooling.countsPadding ? area : Double($0.count))
          })
      case .pad(let padding):
        values.append(surround(padding, input, shape, output: shapes[id]))
      case .border(let padding, let border):
        values.append(surround(padding, border, input, shape, output: shapes[id]))
      case .concatenation: values.append(node.inputs.flatMap { values[$0] })
      case .globalAveragePool:
        values.append(
          (0..<shape.channels).map { channel in
            input[channel * shape.pixelCount..<(channel + 1) * shape.pixelCount].reduce(0, +)
              / Double(shape.pixelCount)
          })
      case .combine(let combination):
        let other = values[node.inputs[1]]
        values.append(
          input.indices.map { index in
            let second = other.count == input.count ? other[index] : other[index / shape.pixelCount]
            return combine(combination, input[index], second)
          })
      case .normalization(let normalization):
        values.append(normalizeRows(normalization, input, shape))
      case .softmax(let size): values.append(softmax(size, input, shape))
      case .resize(let resizing): values.append(resize(resizing, input, shape))
      case .depthToSpace(let block):
        values.append(spreadChannels(block, input, shape, output: shapes[id]))
      case .paddedShortcut(let shortcut):
        values.append(pad(shortcut, input, shape, output: shapes[id]))
      case .linear(let linear): values.append(multiply(node, linear, input))
      }
    }
    return values[graph.output]
  }

  private func parameter(_ name: String) -> [Double] {
    weights[name]?.values.map(Double.init) ?? []
  }

  private func apply(_ function: Elementwise, _ value: Double) -> Double {
    switch function {
    case .sigmoid: 1 / (1 + exp(-value))
    case .hardSigmoid(let alpha, let beta): max(0, min(1, Double(alpha) * value + Double(beta)))
    case .clip(let minimum, let maximum): max(Double(minimum), min(Double(maximum), value))
    case .leakyRelu(let slope): value < 0 ? Double(slope) * value : value
    case .elu(let alpha): value < 0 ? Double(alpha) * expm1(value) : value
    case .gelu: value / 2 * (1 + erf(value / 2.0.squareRoot()))
    case .tanhGelu:
      value / 2
        * (1 + tanh((2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)))
    case .tanh: tanh(value)
    case .softplus: max(value, 0) + log1p(exp(-abs(value)))
    case .exponential: exp(value)
    case .logarithm: log(value)
    case .squareRoot: value.squareRoot()
    case .power(let exponent): pow(value, Double(exponent))
    }
  }

  private func combine(_ combination: Combination, _ a: Double, _ b: Double) -> Double {
    switch combination {
    case .subtract: a - b
    case .divide: a / b
    case .minimum: min(a, b)
    case .maximum: max(a, b)
    }
  }

  /// Replaces the numbers at each of the lists of places by what they become together.
  private func replace(
    _ input: [Double], _ rows: [[Int]], _ function: ([Double]) -> [Double]
  ) -> [Double] {
    var result = input
    for row in rows {
      for (place, value) in zip(row, function(row.map { input[$0] })) { result[place] = value }
    }
    return result
  }

  private func normalizeRows(
    _ normalization: SampleNormalization, _ input: [Double], _ shape: FeatureShape
  ) -> [Double] {
    let rows: [[Int]]
    switch normalization.scope {
    case .groups(let groups):
      let length = input.count / groups
      rows = (0..<groups).map { Array($0 * length..<($0 + 1) * length) }
    case .channels:
      rows = (0..<shape.pixelCount).map { pixel in
        (0..<shape.channels).map { $0 * shape.pixelCount + pixel }
      }
    }
    return replace(input, rows) { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.map { ($0 - mean) / (variance + Double(normalization.epsilon)).squareRoot() }
    }
  }

  private func softmax(_ size: Int, _ input: [Double], _ shape: FeatureShape) -> [Double] {
    let rows = (0..<shape.channels / size).flatMap { group in
      (0..<shape.pixelCount).map { pixel in
        (0..<size).map { (group * size + $0) * shape.pixelCount + pixel }
      }
    }
    return replace(input, rows) { row in
      let exponentials = row.map { exp($0) }
      return exponentials.map { $0 / exponentials.reduce(0, +) }
    }
  }

  private func resize(
    _ resizing: Resizing, _ input: [Double], _ shape: FeatureShape
  ) -> [Double] {
    /// Neighbours of a place along an axis, and the weight of the second.
    func neighbours(_ place: Int, _ count: Int, of size: Int) -> (Int, Int, Double) {
      if resizing.method == .nearest { return (place * size / count, 0, 0) }
      let exact = (Double(place) + 0.5) * Double(size) / Double(count) - 0.5
      let low = exact.rounded(.down)
      return (max(0, Int(low)), min(size - 1, Int(low) + 1), exact - low)
    }
    var result: [Double] = []
    for channel in 0..<shape.channels {
      for y in 0..<resizing.height {
        let (top, bottom, down) = neighbours(y, resizing.height, of: shape.height)
        for x in 0..<resizing.width {
          let (left, right, across) = neighbours(x, resizing.width, of: shape.width)
          func pixel(_ row: Int, _ column: Int) -> Double {
            input[(channel * shape.height + row) * shape.width + column]
          }
          let upper = pixel(top, left) * (1 - across) + pixel(top, right) * across
          let lower = pixel(bottom, left) * (1 - across) + pixel(bottom, right) * across
          result.append(upper * (1 - down) + lower * down)
        }
      }
    }
    return result
  }

  private func convolve(
    _ node: Graph.Node, _ convolution: Convolution, _ input: [Double], _ shape: FeatureShape,
    output: FeatureShape
  ) -> [Double] {
    let weight = parameter("\(node.name).weight")
    let bias = convolution.hasBias ? parameter("\(node.name).bias") : []
    let perGroup = shape.channels / convolution.groups
    let outputsPerGroup = output.channels / convolution.groups
    var result: [Double] = []
    for k in 0..<output.channels {
      let firstChannel = k / outputsPerGroup * perGroup
      for y in 0..<output.height {
        for x in 0..<output.width {
          var sum = bias.isEmpty ? 0 : bias[k]
          for c in 0..<perGroup {
            for i in 0..<convolution.kernel.height {
              for j in 0..<convolution.kernel.width {
                let row =
                  y * convolution.stride.height - convolution.padding.before.height
                  + i * convolution.dilation.height
                let column =
                  x * convolution.stride.width - convolution.padding.before.width
                  + j * convolution.dilation.width
                guard 0..<shape.height ~= row, 0..<shape.width ~= column else { continue }
                let tap =
                  ((k * perGroup + c) * convolution.kernel.height + i)
                  * convolution.kernel.width + j
                let pixel = ((firstChannel + c) * shape.height + row) * shape.width + column
                sum += weight[tap] * input[pixel]
              }
            }
          }
          result.append(sum)
        }
      }
    }
    return result
  }

  private func normalize(
    _ node: Graph.Node, _ normalization: BatchNormalization, _ input: [Double],
    _ shape: FeatureShape
  ) -> [Double] {
    let (gamma, beta) = (parameter("\(node.name).weight"), parameter("\(node.name).bias"))
    let mean = parameter("\(node.name).running_mean")
    let variance = parameter("\(node.name).running_var")
    return input.enumerated().map { index, value in
      let c = index / shape.pixelCount
      let deviation = (variance[c] + Double(normalization.epsilon)).squareRoot()
      return (value - mean[c]) / deviation * gamma[c] + beta[c]
    }
  }

  private func slide(
    _ pooling: Pooling, _ input: [Double], _ shape: FeatureShape, _ output: FeatureShape,
    _ reduce: ([Double]) -> Double
  ) -> [Double] {
    var result: [Double] = []
    for c in 0..<output.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          var window: [Double] = []
          for i in 0..<pooling.window.height {
            for j in 0..<pooling.window.width {
              let row = y * pooling.stride.height - pooling.padding.before.height + i
              let column = x * pooling.stride.width - pooling.padding.before.width + j
              guard 0..<shape.height ~= row, 0..<shape.width ~= column else { continue }
              window.append(input[(c * shape.height + row) * shape.width + column])
            }
          }
          result.append(reduce(window))
        }
      }
    }
    return result
  }

  private func surround(
    _ padding: Padding, _ input: [Double], _ shape: FeatureShape, output: FeatureShape
  ) -> [Double] {
    var result = [Double](repeating: 0, count: output.elementCount)
    for c in 0..<shape.channels {
      for y in 0..<shape.height {
        for x in 0..<shape.width {
          let row = c * output.height + y + padding.before.height
          result[row * output.width + x + padding.before.width] =
            input[(c * shape.height + y) * shape.width + x]
        }
      }
    }
    return result
  }

  private func surround(
    _ padding: Padding, _ border: Border, _ input: [Double], _ shape: FeatureShape,
    output: FeatureShape
  ) -> [Double] {
    func inside(_ place: Int, _ size: Int) -> Int {
      switch border {
      case .reflect: place < 0 ? -place : place < size ? place : 2 * (size - 1) - place
      case .edge: max(0, min(size - 1, place))
      case .wrap: (place + size) % size
      }
    }
    return (0..<output.elementCount).map { index in
      let c = index / output.pixelCount
      let y = inside(index / output.width % output.height - padding.before.height, shape.height)
      let x = inside(index % output.width - padding.before.width, shape.width)
      return input[(c * shape.height + y) * shape.width + x]
    }
  }

  private func spreadChannels(
    _ block: Extent, _ input: [Double], _ shape: FeatureShape, output: FeatureShape
  ) -> [Double] {
    (0..<output.elementCount).map { index in
      let (c, y, x) = (
        index / output.pixelCount, index / output.width % output.height, index % output.width
      )
      let place = y % block.height * block.width + x % block.width
      let row = (place * output.channels + c) * shape.height + y / block.height
      return input[row * shape.width + x / block.width]
    }
  }

  private func pad(
    _ shortcut: PaddedShortcut, _ input: [Double], _ shape: FeatureShape, output: FeatureShape
  ) -> [Double] {
    var result = [Double](repeating: 0, count: output.elementCount)
    for c in 0..<shape.channels {
      for y in 0..<output.height {
        for x in 0..<output.width {
          let channel = c + shortcut.leadingZeroChannels
          result[(channel * output.height + y) * output.width + x] =
            input[(c * shape.height + y * shortcut.stride) * shape.width + x * shortcut.stride]
        }
      }
    }
    return result
  }

  private func multiply(_ node: Graph.Node, _ linear: Linear, _ input: [Double]) -> [Double] {
    let weight = parameter("\(node.name).weight")
    let bias = linear.hasBias ? parameter("\(node.name).bias") : []
    return (0..<linear.outputs).map { output in
      input.enumerated().reduce(bias.isEmpty ? 0 : bias[output]) {
        $0 + $1.element * weight[output * input.count + $1.offset]
      }
    }
  }
}
