package import Imaging
package import Machine

/// Decoder in this process, on the calling thread: an image that is begun is not interrupted.
package final class LocalDecoder: ImageDecoder {
  private let budget: MemoryBudget?
  private let overdraws: Bool

  /// - Parameters:
  ///   - budget: Budget from which an image's memory is reserved before it is taken; nil to count
  ///     nothing.
  ///   - overdraws: See `DecoderSource.makeDecoder`.
  package init(budget: MemoryBudget? = nil, overdraws: Bool = false) {
    self.budget = budget
    self.overdraws = overdraws
  }

  package func begin(
    _ encoded: Span<UInt8>, by preprocessor: ImagePreprocessor,
    into output: inout MutableSpan<UInt8>, until deadline: ContinuousClock.Instant,
    patience: Duration?
  ) throws(DecodingFailure) -> UnfinishedImage? {
    guard ContinuousClock.now < deadline else { throw .deadline }
    var reservation: Reservation?
    var refusal: DecodingFailure?
    do throws(ImagingError) {
      try preprocessor.prepare(encoded, into: &output) { byteCount throws(ImagingError) in
        guard let budget else { return }
        reservation =
          overdraws
          ? budget.overdraw(byteCount, isLasting: false, use: .decoding)
          : budget.reserve(byteCount, until: deadline)
        guard reservation == nil else { return }
        refusal = DecodingFailure(refusing: byteCount, of: budget)
        throw .outOfMemory
      }
      withExtendedLifetime(reservation) {}
      return nil
    } catch {
      throw refusal ?? .image(error)
    }
  }

  package func takeBack(_ image: UnfinishedImage) {}
}

/// Source of decoders in this process, which share nothing but the budget.
package struct LocalDecoders: DecoderSource {
  private let budget: MemoryBudget?

  package init(budget: MemoryBudget? = nil) { self.budget = budget }

  package func makeDecoder(overdraws: Bool) -> any ImageDecoder {
    LocalDecoder(budget: budget, overdraws: overdraws)
  }
}

extension DecodingFailure {
  /// Tells why a budget cannot give so many bytes.
  init(refusing byteCount: Int, of budget: MemoryBudget) {
    let limit = budget.largestByteCount
    self =
      byteCount > limit
      ? .tooLarge(neededByteCount: byteCount, limit: limit) : .noRoom(neededByteCount: byteCount)
  }
}
