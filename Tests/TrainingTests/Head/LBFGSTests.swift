import Testing
import Training

/// The minimiser on functions whose minimum is known.
@Suite struct LBFGSTests {
  @Test("The curved valley of Rosenbrock leads to (1, 1)")
  func rosenbrock() {
    var evaluationCount = 0
    let found = LBFGS().minimize(from: [-1.2, 1]) { point in
      evaluationCount += 1
      let (x, y) = (point[0], point[1])
      return .init(
        value: 100 * (y - x * x) * (y - x * x) + (1 - x) * (1 - x),
        gradient: [-400 * x * (y - x * x) - 2 * (1 - x), 200 * (y - x * x)])
    }
    #expect(found.isConverged)
    #expect(abs(found.point[0] - 1) < 1e-4 && abs(found.point[1] - 1) < 1e-4)
    // scipy.optimize.minimize, L-BFGS-B, takes 48.
    #expect(evaluationCount < 80)
  }

  @Test("A quadratic of very different curvatures is solved")
  func quadratic() {
    let curvatures = (0..<30).map { Double(1 + $0 * $0) }
    let found = LBFGS().minimize(from: [Double](repeating: 3, count: 30)) { point in
      var (value, gradient) = (0.0, [Double]())
      for (index, x) in point.enumerated() {
        let difference = x - Double(index)
        value += curvatures[index] / 2 * difference * difference
        gradient.append(curvatures[index] * difference)
      }
      return .init(value: value, gradient: gradient)
    }
    #expect(found.isConverged && found.evaluation.value < 1e-9)
    for (index, x) in found.point.enumerated() { #expect(abs(x - Double(index)) < 1e-4) }
  }

  @Test("A minimum at the start needs no step, and being stopped none either")
  func start() {
    let bowl: ([Double]) -> LBFGS.Evaluation = {
      .init(value: $0[0] * $0[0], gradient: [2 * $0[0]])
    }
    let still = LBFGS().minimize(from: [0], bowl)
    #expect(still.isConverged && still.iterationCount == 0)
    let stopped = LBFGS().minimize(from: [5], while: { false }, bowl)
    #expect(!stopped.isConverged && stopped.point == [5])
  }
}
