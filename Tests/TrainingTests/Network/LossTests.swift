import Testing
import Training

@Suite struct LossTests {
  /// The logits and targets of Fixtures/make-small.py.
  static let logits: [Float] = [1.5, -0.5, 0.25, 3, -2, 0.5, 0.75, 0, 0.125, 4, -1, 2]
  static let classes = Targets.classes([3, 1, 0])
  static let shares = Targets.distributions([0.25, 0.75, 0, 0, 0, 0, 0.5, 0.5, 1, 0, 0, 0])
  static let labels = Targets.distributions([1, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0.25, 0])
  static let weights: [Float] = [0.5, 2, 1, 1.25]

  @Test("Losses and their gradients are PyTorch's")
  func values() throws {
    let fixture = try SmallFixture()
    for (name, loss, targets, correct) in [
      ("softmax", Loss(.softmax(smoothing: 0)), Self.classes, 1),
      ("smoothed", Loss(.softmax(smoothing: 0.1)), Self.classes, 1),
      ("weighted", Loss(.softmax(smoothing: 0.2), weights: Self.weights), Self.classes, 1),
      ("shares", Loss(.softmax(smoothing: 0.1), weights: Self.weights), Self.shares, 1),
      ("binary", Loss(.binary, weights: Self.weights), Self.labels, 7),
    ] {
      var gradient: [Float] = []
      let value = try loss.evaluate(Self.logits, outputCount: 4, targets, gradient: &gradient)
      let expected = try fixture.loss(name)
      #expect(abs(value.loss - expected.loss) < 1e-12 * 100, "\(name)")
      #expect(
        zip(gradient, expected.gradient).allSatisfy { abs(Double($0) - $1) < 1e-7 }, "\(name)")
      #expect(gradient.count == expected.gradient.count)
      #expect(value.correctCount == correct, "\(name)")
      #expect(value.answerCount == (loss.kind == .binary ? 12 : 3))
    }
  }

  @Test("Independent labels that are added up weigh as many times as there are of them")
  func sums() throws {
    var (gradient, summed) = ([Float](), [Float]())
    let mean = try Loss(.binary).evaluate(
      Self.logits, outputCount: 4, Self.labels, gradient: &gradient)
    var loss = Loss(.binary)
    loss.sumsLabels = true
    let sum = try loss.evaluate(Self.logits, outputCount: 4, Self.labels, gradient: &summed)
    #expect(abs(sum.loss - 4 * mean.loss) < 1e-12)
    #expect(zip(summed, gradient).allSatisfy { abs($0 - 4 * $1) < 1e-6 })
  }

  @Test("Large logits do not overflow")
  func overflow() throws {
    var gradient: [Float] = []
    let logits: [Float] = [1e4, -1e4]
    let softmax = try Loss(.softmax(smoothing: 0)).evaluate(
      logits, outputCount: 2, .classes([1]), gradient: &gradient)
    #expect(softmax.loss == 2e4 && gradient == [1, -1])
    let binary = try Loss(.binary).evaluate(
      logits, outputCount: 2, .distributions([0, 1]), gradient: &gradient)
    #expect(binary.loss == 1e4 && gradient == [0.5, -0.5])
  }

  @Test("Targets that do not fit are refused with what is allowed")
  func refusals() {
    let loss = Loss(.softmax(smoothing: 0))
    for (targets, loss, part) in [
      (Targets.classes([0, 4, 1]), loss, "class 4; the network has classes 0 to 3"),
      (.classes([0]), loss, "1 targets for 3 images"),
      (.distributions([1]), loss, "1 targets for 3 images of 4 outputs"),
      (.classes([0, 1, 2]), Loss(.binary), "independent labels need a number"),
      (Self.classes, Loss(.softmax(smoothing: 0), weights: [1]), "1 weights of classes for 4"),
    ] {
      #expect {
        var gradient: [Float] = []
        _ = try loss.evaluate(Self.logits, outputCount: 4, targets, gradient: &gradient)
      } throws: { error in
        (error as? TrainingError)?.description.contains(part) ?? false
      }
    }
  }
}
