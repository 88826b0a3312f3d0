import Checkpoint
import Testing

@Suite struct HalfPrecisionTests {
  @Test("Every number of half precision is widened exactly")
  func widened() {
    for bits in UInt16.min...UInt16.max {
      let (widened, expected) = (
        ElementType.float(half: bits), Float(Float16(bitPattern: bits))
      )
      // The NaN may be a different one.
      guard widened.bitPattern != expected.bitPattern, !(widened.isNaN && expected.isNaN) else {
        continue
      }
      Issue.record("\(bits): \(widened), not \(expected)")
    }
  }
}
