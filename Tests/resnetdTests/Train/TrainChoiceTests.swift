import ResNet
import Testing
import resnetd

/// What `resnetd train` decides and foresees by itself.
@Suite struct TrainChoiceTests {
  @Test(
    "All layers are learned of many images, many of each class, if the network is quick",
    arguments: [
      (2000, 100, 64, true), (2000, 1000, 64, false), (1999, 2, 64, false), (1980, 99, 64, false),
      (100_000, 10, 32, true), (100_000, 10, 65, false), (100_000, 5001, 64, false),
    ])
  func tuning(imageCount: Int, classCount: Int, side: Int, isAll: Bool) {
    let shape = FeatureShape(channels: 3, height: side, width: side)
    let choice = TuningChoice(
      imageCount: imageCount, classCount: classCount, shape, hasBands: false)
    #expect(choice.isAll == isAll, "\(choice.text)")
    #expect(choice.text.hasPrefix(isAll ? "--tune all: " : "--tune head: "))
    #expect(choice.text.contains(" of each class on average"))
    let bands = TuningChoice(imageCount: imageCount, classCount: classCount, shape, hasBands: true)
    #expect(!bands.isAll && !bands.text.contains("--tune all"))
  }

  @Test("Classes whose names differ in their spelling alone are told")
  func likeNames() {
    let note = LikeNames.note(of: ["Cat", "dog", "cat", "sea-lion", "Sea lion"])
    #expect(
      note?.hasPrefix("\"Cat\" and \"cat\" (and 1 more such names) are classes of their") == true)
    #expect(LikeNames.note(of: ["cat", "cats", "-", "_", "1", "01"]) == nil)
  }

  @Test("A training has as many epochs as end in time, one more at least and no more than planned")
  func epochs() {
    func count(_ done: Int, _ planned: Int, _ left: Double, _ epoch: Double) -> Int {
      CourseClock.epochCount(
        done: done, of: planned, secondsLeft: left, secondsPerEpoch: epoch)
    }
    #expect(count(2, 10, 16, 2) == 10 && count(2, 10, 15.9, 2) == 9 && count(2, 10, 100, 2) == 10)
    #expect(count(2, 10, 3, 2) == 3 && count(2, 10, 1, 2) == 3 && count(2, 10, -50, 2) == 3)
    #expect(count(10, 10, -1, 2) == 10 && count(2, 10, 5, 0) == 10)
  }

  @Test("What follows the last epoch is foreseen from steps and judgements")
  func ending() {
    #expect(CourseEnding.observedBatchCount(stepsPerEpoch: 16) == 16)
    #expect(CourseEnding.observedBatchCount(stepsPerEpoch: 1000) == 50)
    #expect(CourseEnding.judgementSeconds(imageCount: 300, speed: 100) == 1)
    #expect(CourseEnding.seconds(step: 1, judgement: 0.5, observedBatchCount: 16) == 10)
    #expect(CourseEnding.seconds(step: 1, judgement: 0, observedBatchCount: 0) == 0)
  }
}
