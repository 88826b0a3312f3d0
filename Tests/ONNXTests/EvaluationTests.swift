import ONNX
import Testing

/// Expected numbers are worked out by hand from the operators' definitions.
struct EvaluationTests {
  private func floats(_ shape: [Int], _ values: [Double]) -> DenseTensor {
    DenseTensor(.float, shape, values)
  }

  private func whole(_ values: [Int64], _ type: ONNXElementType = .int64) -> DenseTensor {
    DenseTensor(type, [values.count], values)
  }

  private func run(
    _ operation: String, _ inputs: [DenseTensor?], _ attributes: [String: ONNXAttribute] = [:],
    opset: Int64 = 13, outputs: Int = 1
  ) throws(ONNXError) -> [DenseTensor] {
    let node = ONNXNode(
      name: "n", operation: operation, inputs: inputs.map { _ in "" },
      outputs: (0..<outputs).map { "o\($0)" }, attributes: attributes)
    return try Evaluator().evaluate(node, inputs: inputs, opset: opset)
  }

  private func reason(
    _ operation: String, _ inputs: [DenseTensor?], _ attributes: [String: ONNXAttribute] = [:],
    opset: Int64 = 13
  ) -> String? {
    do throws(ONNXError) {
      _ = try run(operation, inputs, attributes, opset: opset)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func arithmeticBroadcastsAndWrapsAround() throws {
    #expect(
      try run("Add", [floats([2, 1], [1, 2]), floats([3], [10, 20, 30])])[0]
        == floats([2, 3], [11, 21, 31, 12, 22, 32]))
    #expect(try run("Add", [whole([100], .int8), whole([100], .int8)])[0] == whole([-56], .int8))
    #expect(try run("Sub", [whole([0], .uint8), whole([1], .uint8)])[0] == whole([255], .uint8))
    #expect(
      try run("Div", [whole([-7, .min]), whole([2, -1])])[0] == whole([-3, .min]))
    #expect(
      try run("Div", [whole([-1], .uint64), whole([2], .uint64)])[0] == whole([.max], .uint64))
  }

  @Test func aSumHasAnyNumberOfInputs() throws {
    let inputs = [floats([2, 1], [1, 2]), floats([2], [10, 20]), floats([1], [100])]
    #expect(try run("Sum", Array(inputs.prefix(1)))[0] == inputs[0])
    #expect(try run("Sum", inputs)[0] == floats([2, 2], [111, 121, 112, 122]))
    #expect(reason("Sum", [floats([2], [1, 2]), floats([3], [1, 2, 3])]) != nil)
    let third = floats([1], [103])
    #expect(
      try run("Mean", inputs.dropLast() + [third])[0]
        == floats([2, 2], [38, 124 / 3, 115 / 3, 125 / 3]))
    #expect(try run("Mean", [third])[0] == third)
  }

  @Test func divisionOfIntegersByZeroNamesTheNode() {
    #expect(
      reason("Div", [whole([1]), whole([0])])
        == "node \"n\" (Div): an integer is divided by zero")
  }

  @Test func groupedConvolutionKeepsGroupsApart() throws {
    let input = floats([1, 2, 1, 3], [1, 2, 3, 10, 20, 30])
    let weights = floats([2, 1, 1, 2], [1, 1, 1, -1])
    #expect(
      try run("Conv", [input, weights, floats([2], [0, 100])], ["group": .integer(2)])[0]
        == floats([1, 2, 1, 2], [3, 5, 90, 90]))
  }

  @Test func dilationAndPaddingMoveTheWindow() throws {
    let input = floats([1, 1, 4], [1, 2, 3, 4])
    let weights = floats([1, 1, 2], [1, 10])
    let attributes: [String: ONNXAttribute] = [
      "dilations": .integers([2]), "pads": .integers([1, 0]), "strides": .integers([2]),
    ]
    #expect(try run("Conv", [input, weights], attributes)[0] == floats([1, 1, 2], [20, 42]))
  }

  @Test func partsHaveTheSizesGivenOrAreEqual() throws {
    let input = floats([2, 3], [1, 2, 3, 4, 5, 6])
    let axis: [String: ONNXAttribute] = ["axis": .integer(1)]
    #expect(
      try run("Split", [input, whole([1, 2])], axis, outputs: 2)
        == [floats([2, 1], [1, 4]), floats([2, 2], [2, 3, 5, 6])])
    #expect(
      try run("Split", [input], axis, outputs: 2)
        == [floats([2, 2], [1, 2, 4, 5]), floats([2, 1], [3, 6])])
    #expect(
      try run("Split", [input], outputs: 2) == [
        floats([1, 3], [1, 2, 3]), floats([1, 3], [4, 5, 6]),
      ])
    for sizes in [[1, 1], [3], [4, -1], [.max, .max], [1, 1, 1]] as [[Int64]] {
      #expect(throws: ONNXError.self) {
        try run("Split", [input, whole(sizes)], axis, outputs: 2)
      }
    }
    #expect(throws: ONNXError.self) { try run("Split", [input], axis, outputs: 5) }
  }

  @Test func expansionStretchesEitherSide() throws {
    #expect(
      try run("Expand", [floats([2, 1], [1, 2]), whole([1, 3])])[0]
        == floats([2, 3], [1, 1, 1, 2, 2, 2]))
    #expect(try run("Expand", [floats([1], [7]), whole([2, 1])])[0] == floats([2, 1], [7, 7]))
    for shape in [[3, 1], [-1, 1], [1 << 40, 1 << 40]] as [[Int64]] {
      #expect(reason("Expand", [floats([2, 1], [1, 2]), whole(shape)]) != nil)
    }
  }

  @Test func theHardSwishIsItsInputByAHardSigmoid() throws {
    #expect(
      try run("HardSwish", [floats([5], [-4, -3, 0, 1.5, 6])])[0]
        == floats([5], [0, 0, 0, 1.125, 6]))
  }

  @Test func theLastWindowOfRoundingUpStartsInsideTheInput() throws {
    let attributes: [String: ONNXAttribute] = [
      "kernel_shape": .integers([1]), "strides": .integers([3]), "ceil_mode": .integer(1),
    ]
    let input = floats([1, 1, 3], [1, 2, 3])
    #expect(try run("MaxPool", [input], attributes)[0] == floats([1, 1, 1], [1]))
  }

  @Test func paddingCountsInAnAverageOnlyWhenAsked() throws {
    let input = floats([1, 1, 2], [2, 4])
    var attributes: [String: ONNXAttribute] = [
      "kernel_shape": .integers([2]), "pads": .integers([1, 0]),
    ]
    #expect(try run("AveragePool", [input], attributes)[0] == floats([1, 1, 2], [2, 3]))
    attributes["count_include_pad"] = .integer(1)
    #expect(try run("AveragePool", [input], attributes)[0] == floats([1, 1, 2], [1, 3]))
  }

  @Test func maximaReturnTheirPlaces() throws {
    let input = floats([1, 1, 2, 2], [1, 4, 3, 2])
    let results = try run(
      "MaxPool", [input], ["kernel_shape": .integers([2, 2])], outputs: 2)
    #expect(results[0] == floats([1, 1, 1, 1], [4]))
    #expect(results[1] == DenseTensor(.int64, [1, 1, 1, 1], [Int64(1)]))
  }

  @Test func softmaxTakesAllThatFollowsBeforeOperatorSet13() throws {
    let input = floats([1, 2, 2], [0, 0, 0, 0])
    #expect(try run("Softmax", [input], opset: 12)[0].doubles == [0.25, 0.25, 0.25, 0.25])
    #expect(try run("Softmax", [input], opset: 13)[0].doubles == [0.5, 0.5, 0.5, 0.5])
  }

  @Test func reductionsSumSquaresMagnitudesAndFindTheLeast() throws {
    let input = floats([2, 2], [3, -4, 0, 5])
    let axes: [String: ONNXAttribute] = ["axes": .integers([-1]), "keepdims": .integer(0)]
    #expect(try run("ReduceL1", [input], axes)[0] == floats([2], [7, 5]))
    #expect(try run("ReduceL2", [input], axes)[0] == floats([2], [5, 5]))
    #expect(try run("ReduceSumSquare", [input], axes)[0] == floats([2], [25, 25]))
    #expect(try run("ReduceMin", [input], axes)[0] == floats([2], [-4, 0]))
    #expect(try run("ReduceL2", [input])[0] == floats([1, 1], [Double(50).squareRoot()]))
    #expect(try run("ReduceMin", [whole([3, -7])])[0] == whole([-7]))
    #expect(reason("ReduceL1", [whole([3, -7])])?.contains("floating-point") == true)
    // Squares beyond the largest number of half precision, 65504.
    let half = DenseTensor(.float16, [2], [300.0, 400])
    #expect(try run("ReduceL2", [half])[0].doubles == [500])
  }

  @Test func divisionByTheNormLeavesZerosAlone() throws {
    let input = floats([2, 2], [3, 0, -4, 0])
    #expect(
      try run("LpNormalization", [input], ["axis": .integer(0)])[0]
        == floats([2, 2], [0.6, 0, -0.8, 0]))
    #expect(
      try run("LpNormalization", [floats([1, 2], [1, -3])], ["p": .integer(1)])[0]
        == floats([1, 2], [0.25, -0.75]))
    #expect(reason("LpNormalization", [input], ["p": .integer(3)])?.contains("p is 3") == true)
  }

  @Test func pixelsBecomeChannelsAndBack() throws {
    let channels = floats([1, 4, 1, 2], [0, 1, 2, 3, 4, 5, 6, 7])
    let size: [String: ONNXAttribute] = ["blocksize": .integer(2)]
    let pixels = try run("DepthToSpace", [channels], size)[0]
    #expect(pixels == floats([1, 1, 2, 4], [0, 2, 1, 3, 4, 6, 5, 7]))
    #expect(try run("SpaceToDepth", [pixels], size)[0] == channels)
    // Two channels of one block each: the orders differ.
    let deep = floats([1, 8, 1, 1], [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(try run("DepthToSpace", [deep], size)[0].doubles == [0, 2, 4, 6, 1, 3, 5, 7])
    let other = size.merging(["mode": .string("CRD")]) { $1 }
    #expect(try run("DepthToSpace", [deep], other)[0].doubles == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(reason("SpaceToDepth", [deep], size) != nil)
    #expect(reason("DepthToSpace", [deep], ["blocksize": .integer(1 << 40)]) != nil)
  }

  @Test func largeLogitsDoNotOverflow() throws {
    let result = try run("Softmax", [floats([1, 2], [10_000, 10_000])])[0]
    #expect(result.doubles == [0.5, 0.5])
  }

  @Test func reshapeUnderstandsZeroAndMinusOne() throws {
    let input = floats([2, 3], [1, 2, 3, 4, 5, 6])
    #expect(try run("Reshape", [input, whole([0, -1, 1])])[0].shape == [2, 3, 1])
    #expect(reason("Reshape", [input, whole([-1, -1])])?.contains("two sizes") == true)
    #expect(reason("Reshape", [input, whole([4, 2])]) != nil)
    #expect(reason("Reshape", [input, whole([.max, .max])]) != nil)
    let empty = floats([0, 3], [])
    #expect(
      try run("Reshape", [empty, whole([3, 0])], ["allowzero": .integer(1)], opset: 14)[0].shape
        == [3, 0])
  }

  @Test func slicesGoBackwardsAndClampTheirEnds() throws {
    let input = floats([4], [1, 2, 3, 4])
    func slice(_ start: Int64, _ end: Int64, _ step: Int64) throws -> [Double] {
      try run("Slice", [input, whole([start]), whole([end]), whole([0]), whole([step])])[0].doubles
    }
    #expect(try slice(-1, .min, -2) == [4, 2])
    #expect(try slice(1, .max, 1) == [2, 3, 4])
    #expect(try slice(0, .max, .max) == [1])
    #expect(try slice(.max, .min, .min) == [4])
    #expect(try slice(3, 1, 1) == [])
  }

  @Test func reflectionsDoNotRepeatTheEdge() throws {
    #expect(
      try run(
        "Pad", [floats([3], [1, 2, 3]), whole([2, 2])], ["mode": .string("reflect")])[0].doubles
        == [3, 2, 1, 2, 3, 2, 1])
    #expect(
      try run("Pad", [floats([3], [1, 2, 3]), whole([-1, 1])])[0].doubles == [2, 3, 0])
  }

  @Test func paddingMayNameSomeAxes() throws {
    let input = floats([2, 2], [1, 2, 3, 4])
    #expect(
      try run("Pad", [input, whole([1, 0]), floats([], [9]), whole([1])], opset: 17)[0]
        == floats([2, 3], [9, 1, 2, 9, 3, 4]))
    #expect(
      try run("Pad", [input, whole([0, 1, 1, 0]), nil, whole([1, 0])], opset: 17)[0]
        == floats([3, 3], [0, 0, 0, 1, 2, 0, 3, 4, 0]))
    #expect(
      reason("Pad", [input, whole([1]), nil, whole([1])], opset: 17)?.contains("1 pads for 1 axes")
        == true)
  }

  @Test func axesOfAnyReductionMayBeAnInput() throws {
    let input = floats([2, 2], [3, 0, -4, 0])
    #expect(
      try run("ReduceL2", [input, whole([0])], ["keepdims": .integer(0)], opset: 17)[0]
        == floats([2], [5, 0]))
    let noop: [String: ONNXAttribute] = ["noop_with_empty_axes": .integer(1)]
    #expect(try run("ReduceMean", [input, whole([])], noop, opset: 17)[0] == input)
    #expect(reason("ReduceL2", [input, whole([])], noop, opset: 17)?.contains("no axes") == true)
    #expect(try run("ReduceMax", [input, whole([])], opset: 17)[0] == floats([1, 1], [3]))
  }

  /// Results of ONNX Runtime 1.32.
  @Test func resizingMayNameSomeAxesAndKeepTheRatioOfTheSides() throws {
    let input = floats([1, 1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8])
    func resized(
      _ scales: DenseTensor?, _ sizes: DenseTensor?, _ attributes: [String: ONNXAttribute]
    ) throws -> DenseTensor {
      try run("Resize", [input, nil, scales, sizes], attributes, opset: 17)[0]
    }
    #expect(
      try resized(floats([1], [2]), nil, ["axes": .integers([3])])
        == floats([1, 1, 2, 8], [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]))
    var attributes: [String: ONNXAttribute] = [
      "axes": .integers([2, 3]), "keep_aspect_ratio_policy": .string("not_larger"),
      "mode": .string("linear"),
    ]
    let smaller = try resized(nil, whole([3, 3]), attributes)
    let known = [1.8333335, 3.1666667, 4.5, 5.1666665, 6.5, 7.833333]
    #expect(smaller.shape == [1, 1, 2, 3])
    for (found, value) in zip(smaller.doubles, known) { #expect(abs(found - value) < 1e-5) }
    attributes["keep_aspect_ratio_policy"] = .string("not_smaller")
    #expect(try resized(nil, whole([4, 4]), attributes).shape == [1, 1, 4, 8])
    attributes["keep_aspect_ratio_policy"] = .string("other")
    #expect(throws: ONNXError.self) { try resized(nil, whole([4, 4]), attributes) }
  }

  /// Results of ONNX Runtime 1.32.
  @Test(arguments: [
    (0.6, [1.6666667, 3.3333333]),
    (1.9, [1.0, 1.4473684, 1.9736842, 2.5, 3.0263159, 3.5526316, 4]),
  ])
  func aResultOfNoWholeSizeLiesInTheMiddle(scale: Double, known: [Double]) throws {
    let result = try run(
      "Resize", [floats([1, 1, 1, 4], [1, 2, 3, 4]), nil, floats([4], [1, 1, 1, scale])],
      [
        "mode": .string("linear"),
        "coordinate_transformation_mode": .string("half_pixel_symmetric"),
      ], opset: 17)[0]
    #expect(result.shape == [1, 1, 1, known.count])
    for (found, value) in zip(result.doubles, known) { #expect(abs(found - value) < 1e-5) }
  }

  @Test func comparisonsBroadcastAndHaveNoOrderForNaN() throws {
    let (row, column) = (floats([3], [1, 2, .nan]), floats([2, 1], [1, 2]))
    func truths(_ operation: String) throws -> [Int64]? {
      let result = try run(operation, [row, column])[0]
      #expect(result.elementType == .bool && result.shape == [2, 3])
      return result.integers
    }
    #expect(try truths("Equal") == [1, 0, 0, 0, 1, 0])
    #expect(try truths("Greater") == [0, 1, 0, 0, 0, 0])
    #expect(try truths("Less") == [0, 0, 0, 1, 0, 0])
    #expect(try truths("GreaterOrEqual") == [1, 1, 0, 0, 1, 0])
    #expect(try truths("LessOrEqual") == [1, 0, 0, 1, 1, 0])
    // The highest bit of 64 is no sign there.
    let large = DenseTensor(.uint64, [1], [Int64(-1)])
    #expect(
      try run("Less", [DenseTensor(.uint64, [1], [Int64(1)]), large])[0].integers == [1])
    #expect(reason("Less", [row, whole([1])])?.contains("differ") == true)
  }

  @Test func truthValuesChooseAndCombine() throws {
    let (a, b) = (whole([1, 1, 0, 0], .bool), whole([1, 0, 1, 0], .bool))
    #expect(try run("And", [a, b])[0].integers == [1, 0, 0, 0])
    #expect(try run("Or", [a, b])[0].integers == [1, 1, 1, 0])
    #expect(try run("Not", [a])[0] == whole([0, 0, 1, 1], .bool))
    #expect(reason("Not", [whole([1])])?.contains("not bool") == true)
    #expect(
      try run("Where", [whole([1, 0], .bool), floats([2, 1], [5, 6]), floats([], [7])])[0]
        == floats([2, 2], [5, 7, 6, 7]))
    #expect(
      try run("Where", [whole([0, 1], .bool), whole([8, 9]), whole([-1, -2])])[0] == whole([-1, 9]))
    #expect(reason("Where", [whole([1]), whole([1]), whole([2])])?.contains("not bool") == true)
  }

  @Test func remaindersHaveTheSignOfTheDivisorOrTheDividend() throws {
    let (a, b) = (whole([7, -7, 7, -7, 6]), whole([3, 3, -3, -3, 3]))
    #expect(try run("Mod", [a, b])[0] == whole([1, 2, -2, -1, 0]))
    let truncated: [String: ONNXAttribute] = ["fmod": .integer(1)]
    #expect(try run("Mod", [a, b], truncated)[0] == whole([1, -1, 1, -1, 0]))
    #expect(
      try run("Mod", [floats([2], [5.5, -5.5]), floats([1], [2])], truncated)[0]
        == floats([2], [1.5, -1.5]))
    #expect(reason("Mod", [floats([1], [1]), floats([1], [2])])?.contains("fmod") == true)
    #expect(reason("Mod", [whole([1]), whole([0])])?.contains("divided by zero") == true)
  }

  @Test func sizesAndTypesOfOthersAreTaken() throws {
    #expect(
      try run("Size", [floats([2, 3], [1, 2, 3, 4, 5, 6])])[0]
        == DenseTensor(.int64, [], [Int64(6)]))
    #expect(try run("CastLike", [whole([2, 3]), floats([], [0])])[0] == floats([2], [2, 3]))
    #expect(try run("CastLike", [floats([2], [2.7, -3.7]), whole([0])])[0] == whole([2, -3]))
  }

  @Test func quantizationRoundsTiesToEvenAndSaturates() throws {
    let input = floats([5], [0.5, 1.5, -1, 300, .nan])
    let result = try run(
      "QuantizeLinear", [input, floats([], [1]), DenseTensor(.uint8, [], [Int64(0)])])
    #expect(result[0] == whole([0, 2, 0, 255, 0], .uint8))
  }

  @Test func castsStayInRange() throws {
    let input = floats([4], [-1.9, 1e30, .nan, 3.7])
    #expect(
      try run("Cast", [input], ["to": .integer(6)])[0]
        == whole([-1, Int64(Int32.max), 0, 3], .int32))
    #expect(
      try run("Cast", [input], ["to": .integer(7)])[0] == whole([-1, .max, 0, 3]))
    #expect(
      try run("Cast", [input], ["to": .integer(9)])[0] == whole([1, 1, 1, 1], .bool))
    #expect(reason("Cast", [input], ["to": .integer(8)]) != nil)
  }

  @Test func halfNumbersRoundAfterEachOperator() throws {
    let one = DenseTensor(.float16, [1], [2048.0])
    let two = DenseTensor(.float16, [1], [1.0])
    #expect(try run("Add", [one, two])[0].doubles == [2048])
    #expect(DenseTensor.rounded(1 + 1.0 / 256, to: .bfloat16) == 1)
    #expect(DenseTensor.rounded(1 + 3.0 / 256, to: .bfloat16) == 1 + 2.0 / 128)
  }

  @Test func castsToBfloat16RoundToTheNearest() throws {
    let node = ONNXNode(
      name: "n", operation: "Cast", inputs: ["x"], outputs: ["y"], attributes: ["to": .integer(16)])
    let numbers: [Double] = [1.01171875, 1.00390625, -1.01171875]
    let input = DenseTensor(.float, [3], numbers)
    let results = try Evaluator().evaluate(node, inputs: [input], opset: 13)
    let rounded: [Double] = [1.015625, 1, -1.015625]
    #expect(results[0].doubles == rounded)
  }

  @Test func bytesComeBackAsTheyWere() {
    for type in ONNXElementType.allCases where type != .string && type != .bool {
      let bytes = (0..<2 * type.byteCount).map { UInt8($0 + 1) }
      #expect(DenseTensor(type, [2], bytes: bytes).bytes == bytes, "\(type)")
    }
  }

  @Test(arguments: [
    ("Gather", ["axis": ONNXAttribute.integer(5)]), ("Concat", ["axis": .integer(-9)]),
    ("Softmax", ["axis": .integer(.min)]), ("Flatten", ["axis": .integer(.max)]),
    ("Transpose", ["perm": .integers([0, 0])]), ("Squeeze", [:]),
    ("ReduceMean", ["axes": .integers([7])]),
    ("MaxPool", ["kernel_shape": .integers([.max, .max])]),
    ("AveragePool", ["kernel_shape": .integers([0])]), ("Conv", ["group": .integer(0)]),
    ("ConstantOfShape", [:]), ("Constant", [:]),
  ])
  func attributesThatMakeNoSenseAreErrors(
    _ operation: String, _ attributes: [String: ONNXAttribute]
  ) {
    let input = floats([2, 2], [1, 2, 3, 4])
    #expect(
      reason(operation, [input, whole([9])], attributes)?.hasPrefix("node \"n\" (\(operation))")
        == true)
  }

  @Test func rangesEndBeforeTheirLimit() throws {
    func range(_ values: Int64...) throws -> [Int64]? {
      try run("Range", values.map { DenseTensor(.int64, [], [$0]) })[0].integers
    }
    #expect(try range(0, 5, 1) == [0, 1, 2, 3, 4])
    #expect(try range(3, 9, 4) == [3, 7])
    #expect(try range(10, 4, -2) == [10, 8, 6])
    #expect(try range(4, 4, 1) == [])
    #expect(try range(4, 9, -1) == [])
    let half = try run("Range", [1, 2.1, 0.5].map { DenseTensor(.float, [], [$0]) })[0]
    #expect(half.doubles == [1, 1.5, 2])
    func refusal(_ values: Int64...) -> String? {
      reason("Range", values.map { DenseTensor(.int64, [], [$0]) })
    }
    #expect(refusal(0, 5, 0) != nil)
    #expect(refusal(.min, .max, 1) != nil)
    #expect(refusal(0, .max, 1)?.contains("allowed") == true)
    #expect(reason("Range", [0, .infinity, 1].map { DenseTensor(.float, [], [$0]) }) != nil)
  }

  @Test func resultsBeyondTheLimitAreRefusedBeforeTheyTakeMemory() {
    #expect(reason("ConstantOfShape", [whole([1 << 40])])?.contains("allowed") == true)
    #expect(
      reason("Pad", [floats([1], [1]), whole([1 << 30, 1 << 30])])?.contains("allowed") == true)
    #expect(
      reason(
        "MaxPool", [floats([1, 1, 1], [1])],
        [
          "kernel_shape": .integers([1 << 30]), "pads": .integers([1 << 30, 1 << 30]),
        ])?.contains("allowed") == true)
  }

  @Test func workIsBounded() throws {
    var limits = ONNXLimits()
    limits.workLimit = 1000
    let node = ONNXNode(name: "n", operation: "MatMul", inputs: ["", ""], outputs: ["y"])
    let matrix = floats([20, 20], [Double](repeating: 1, count: 400))
    #expect(throws: ONNXError.self) {
      try Evaluator(limits: limits).evaluate(node, inputs: [matrix, matrix], opset: 13)
    }
  }

  @Test func unknownOperatorsAreNamedWithTheirNode() {
    #expect(
      reason("Einsum", [floats([1], [1])]) == "node \"n\": operator Einsum is not supported")
  }
}
