import Decoding
import Foundation
import Imaging
import Testing

/// Contracts on their way to a decoder's process, which gets them in a message of numbers.
@Suite(.serialized, .enabled(if: Spawner.isPossible, "a sanitizer's build has no such processes"))
struct DecoderContractTests {
  private static let fixtures = ProgramUnderTest.repository + "/Tests/"
  private static let colours = #""mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]"#

  /// Returns the answer for an image that is decoded in a process of its own, once it is that for
  /// one decoded in the program.
  private func answer(
    _ contract: String, _ image: String = "resize-source.png", _ model: [String] = []
  ) async throws -> String {
    let arguments =
      ["classify", "--json", "--preprocess", contract] + model + [
        Self.fixtures + "ImagingTests/Fixtures/" + image
      ]
    let inside = try await ProgramUnderTest.run(ProgramUnderTest.url, arguments)
    let outside = try await ProgramUnderTest.run(
      ProgramUnderTest.url, arguments + ["--sandbox", "off"])
    #expect(inside.exitCode == 0, "\(inside.errors)")
    #expect(inside.output == outside.output)
    return inside.output
  }

  @Test("Every filter and rule reaches the decoder, and gives an answer of its own")
  func rules() async throws {
    let size = #""height": 32, "width": 32"#
    var answers: [String] = []
    for resize in [
      #""rule": "exact", \#(size)"#, #""rule": "exact", \#(size), "filter": "bicubic""#,
      #""rule": "exact", \#(size), "filter": "lanczos""#,
      #""rule": "exact", \#(size), "filter": "box""#,
      #""rule": "exact", \#(size), "filter": "nearest""#, #""rule": "letterbox", \#(size)"#,
      #""rule": "letterbox", \#(size), "fill": [199, 99, 9]"#,
    ] {
      answers.append(try await answer(#"{"resize": {\#(resize)}, \#(Self.colours)}"#))
    }
    for resize in [
      #""rule": "crop_fraction", "fraction": 0.8"#,
      #""rule": "crop_fraction", "fraction": 0.8, "mode": "squash""#,
    ] {
      answers.append(
        try await answer(
          #"{"resize": {\#(resize)}, "crop": {"rule": "center", \#(size)}, \#(Self.colours)}"#))
    }
    #expect(Set(answers).count == answers.count)
  }

  @Test("Where a crop begins reaches the decoder")
  func roundings() async throws {
    var answers: [String] = []
    // Of 71 rows 39 are cut off, or to 21 rows 11 are missing.
    for (image, rounding) in [
      ("resize-source.png", "half_even"), ("resize-source.png", "down"), ("rgb.png", "down"),
      ("rgb.png", "floor"),
    ] {
      let crop =
        #""crop": {"rule": "center", "height": 32, "width": 32, "rounding": "\#(rounding)"}"#
      answers.append(
        try await answer(#"{"resize": {"rule": "none"}, \#(crop), \#(Self.colours)}"#, image))
    }
    #expect(Set(answers).count == answers.count)
  }

  @Test("The scale of mean and deviation reaches the decoder")
  func range() async throws {
    let resize = #""resize": {"rule": "exact", "height": 32, "width": 32}"#
    let bytes = #""mean": [102, 127.5, 153], "std": [51, 76.5, 102]"#
    let one = try await answer("{\(resize), \(Self.colours)}")
    let other = try await answer(#"{\#(resize), "range": 255, \#(bytes)}"#)
    // The same numbers but for the rounding of their last bits.
    #expect(one.contains(#""label":"cat""#) && other.contains(#""label":"cat""#))
    #expect(one.prefix { $0 != "." } == other.prefix { $0 != "." })
  }

  @Test("Colour profiles reach the decoder")
  func profiles() async throws {
    let resize = #""resize": {"rule": "exact", "height": 32, "width": 32}"#
    var answers: [String] = []
    for profile in ["ignore", "srgb"] {
      answers.append(
        try await answer(
          #"{\#(resize), "color_profile": "\#(profile)", \#(Self.colours)}"#, "profile-rgb.jpg"))
    }
    #expect(answers[0] != answers[1])
  }

  @Test("Bands reach the decoder, with the numbers and policies of each")
  func bands() async throws {
    guard CodecVersions.areInstalled(for: .tiff) else { return }
    let folder = try TemporaryFolder()
    let labels = try folder.file("labels.txt", "a\nb\nc\nd\ne\n")
    let model = [
      "--model", Self.fixtures + "CheckpointTests/Fixtures/bands-17.onnx", "--labels", labels.path,
    ]
    var answers: [String] = []
    let near = "rgb-near-infrared-8"
    for (numbers, image) in [
      (#""mean": [5000, 5000, 5000, 5000], "range": 65535"#, "four-tiles-16-big"),
      (#""mean": [5000, 5000, 5000, 9000], "range": 65535"#, "four-tiles-16-big"),
      (#""mean": [20, 20, 20, 40], "range": 255"#, "four-tiles-16-big"),
      (#""mean": [20, 20, 20, 40], "range": 255"#, "four-8"),
      (#""mean": [20, 20, 20, 40], "range": 255, "alpha": {"policy": "band"}"#, "marked-8"),
      (#""mean": [20, 20, 20, 40], "range": 255, "alpha": {"policy": "drop"}"#, near),
    ] {
      let std = numbers.contains("65535") ? 2000 : 10
      answers.append(
        try await answer(
          #"""
          {"resize": {"rule": "exact", "height": 40, "width": 40}, \#(numbers),
           "std": [\#(std), \#(std), \#(std), \#(3 * std)]}
          """#, "Bands/\(image).tif", model))
    }
    #expect(Set(answers).count == 5)
    // The same samples, of which one is said to be transparency.
    #expect(answers[4] == answers[5])
  }

  @Test("Grey input reaches the decoder, with one mean")
  func grey() async throws {
    let folder = try TemporaryFolder()
    let labels = try folder.file("labels.txt", "a\nb\nc\nd\ne\n")
    let model = [
      "--model", Self.fixtures + "CheckpointTests/Fixtures/grey-17.onnx", "--labels", labels.path,
    ]
    var answers: [String] = []
    for numbers in [#""mean": [0.4], "std": [0.2]"#, #""mean": [0.4], "std": [0.3]"#] {
      answers.append(
        try await answer(
          #"{"resize": {"rule": "exact", "height": 28, "width": 28}, \#(numbers)}"#,
          "resize-source.png", model))
    }
    #expect(answers[0] != answers[1])
  }
}
