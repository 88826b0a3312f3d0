import FoundationEssentials
import Imaging
import Testing

/// What somebody is told who writes a contract that cannot be meant.
struct ContractMessageTests {
  private static let document = """
    {"resize": {"rule": "shorter_side", "size": 256, "filter": "bilinear"},
     "crop": {"rule": "center", "height": 224, "width": 224},
     "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
     "alpha": {"policy": "compose", "background": [255, 255, 255]},
     "grey": "replicate"}
    """

  /// Returns the reason why the document is refused once a part of it is replaced.
  private static func reason(_ part: String, _ replacement: String) throws -> String {
    let json = document.replacing(part, with: replacement)
    try #require(json != document)
    do {
      _ = try JSONDecoder().decode(Preprocessing.self, from: Data(json.utf8))
    } catch ImagingError.invalidContract(let reason) {
      return reason
    }
    return ""
  }

  @Test(
    "An unknown key is named, with the key that was meant and those allowed",
    arguments: [
      (
        #""grey":"#, #""chanel_order":"#,
        #"unknown key "chanel_order" (did you mean channel_order?); allowed are resize, crop, mean, std, range, channel_order, alpha, grey, cmyk, sixteen_bit, exif_orientation, color_profile, exact"#
      ),
      (
        #""grey":"#, #""interpolation":"#,
        #"unknown key "interpolation" (did you mean resize.filter?); allowed are resize, "#
      ),
      (#""grey":"#, #""filter":"#, #"unknown key "filter" (did you mean resize.filter?); allowed"#),
      (#""grey":"#, #""backgroud":"#, "(did you mean alpha.background?)"),
      (#""grey":"#, #""image_mean":"#, "(did you mean mean?)"),
      (#""grey":"#, #""icc":"#, "(did you mean color_profile?)"),
      (#""grey":"#, #""gray":"#, "(did you mean grey?)"),
      (#""grey":"#, #""loss":"#, #"unknown key "loss"; allowed"#),
      (
        #""filter":"#, #""filtre":"#,
        #"unknown key "filtre" in resize with the rule shorter_side (did you mean resize.filter?); allowed are rule, size, filter"#
      ),
      (
        #""size": 256"#, #""size": 256, "width": 3"#,
        #"unknown key "width" in resize with the rule shorter_side"#
      ),
      (#""width": 224"#, #""width": 224, "size": 224"#, #"unknown key "size" in crop"#),
      (
        #""rule": "center", "height""#, #""rule": "none", "height""#,
        #"unknown key "height" in crop with the rule none; allowed are rule"#
      ),
      (
        #""background":"#, #""colour":"#,
        #"unknown key "colour" in alpha; allowed are policy, background"#
      ),
      (#""compose""#, #""drop""#, #"unknown key "background" in alpha with the policy drop"#),
      (#""grey":"#, #""a\u0007b":"#, #"unknown key "a?b"; allowed"#),
    ])
  func unknownKeys(part: String, replacement: String, message: String) throws {
    let reason = try Self.reason(part, replacement)
    #expect(reason.contains(message), "\(reason)")
  }

  @Test(
    "A value that is not allowed is shown beside those that are",
    arguments: [
      (
        #""bilinear""#, #""area""#,
        #"resize.filter is "area"; allowed are bilinear, bicubic, lanczos, box, nearest"#
      ),
      (
        #""bilinear""#, #""Bicubic""#,
        #"resize.filter is "Bicubic" (did you mean "bicubic"?); allowed are"#
      ),
      (#""bilinear""#, "2", "resize.filter is 2; allowed are bilinear, bicubic"),
      (
        #""shorter_side""#, #""shortest""#,
        #"resize.rule is "shortest"; allowed are none, shorter_side, exact, letterbox, crop_fraction"#
      ),
      (
        #""rule": "shorter_side", "#, "",
        "resize.rule is missing: allowed are none, shorter_side, exact"
      ),
      (
        #""size": 256, "#, "",
        "resize.size is missing: write the length of the shorter side in pixels"
      ),
      ("256", #""256""#, #"resize.size is "256"; it must be a whole number"#),
      ("256", "256.5", "resize.size is 256.5; it must be a whole number"),
      ("256", "5000", "resize.size is 5000; allowed are 1 to 4096"),
      (
        #"{"rule": "center", "height": 224, "width": 224}"#, "224",
        "crop is 224; it must be an object with the keys rule, height, width"
      ),
      (
        "[255, 255, 255]", "[255, 256, 0]",
        "alpha.background is [255, 256, 0]; it must be a colour of three whole numbers from 0 to 255"
      ),
      ("[255, 255, 255]", #""white""#, #"alpha.background is "white"; it must be a colour"#),
      (#""replicate""#, "null", "grey is null; allowed are replicate, refuse"),
      (
        "[0.485, 0.456, 0.406]", "[[0.5], {}, 3]",
        "mean is [[…], an object, 3]; it must be a list of numbers, one for each channel"
      ),
      (
        "[0.485, 0.456, 0.406]", "0.5",
        "mean is 0.5; it must be a list of numbers, one for each channel: three for colours, one for "
          + "grey, or one for each band, such as [0.5, 0.5, 0.5] for colours or [0.5] for grey"
      ),
      (
        "[0.485, 0.456, 0.406]", "[0.5, 0.5]",
        "mean has 2 numbers and std 3 numbers; each must be a list of numbers"
      ),
      (
        #"[0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]"#, #"[0.5, 0.5], "std": [1, 1]"#,
        #"unknown key "grey" with the channel_order bands, which 2 numbers in mean mean; allowed are resize, crop, mean, std, range, channel_order, alpha, sixteen_bit, exif_orientation, exact"#
      ),
      (
        #""mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]"#,
        #""channel_order": "rgb", "mean": [0.5, 0.5], "std": [1, 1]"#,
        "channel_order is rgb, and mean has 2 numbers; it must have one for grey, three for rgb or bgr, and any other is for bands"
      ),
      (
        #""std": [0.229, 0.224, 0.225],"#, "",
        "std is missing: write a list of numbers, one for each channel"
      ),
      (
        #""center", "height": 224, "width": 224"#, #""none""#,
        "crop is missing or none, which is allowed only if resize gives the size"
      ),
      (
        "0.456", "123.675",
        #"mean is [0.485, 123.675, 0.406], which looks like the scale from 0 to 255: write "range": 255, or "range": 1 if white is 1"#
      ),
      (
        "0.224", "57.375",
        #"std is [0.229, 57.375, 0.225], which looks like the scale from 0 to 255: write "range": 255"#
      ),
      (#""grey""#, #""range": 2, "grey""#, "range is 2; allowed are 1, 255"),
      (#""grey""#, #""range": 255, "grey""#, "range is 255, but std is below 1"),
    ])
  func wrongValues(part: String, replacement: String, message: String) throws {
    let reason = try Self.reason(part, replacement)
    #expect(reason.contains(message), "\(reason)")
  }

  private static let bands = #""mean": [0.1, 0.2, 0.3, 0.4], "std": [1, 1, 1, 1], "range": 1"#

  @Test(
    "A contract for bands says nothing of colours",
    arguments: [
      (
        #""std""#, #""cmyk": "convert", "std""#,
        #"unknown key "cmyk" with the channel_order bands"#
      ),
      (
        #""std""#, #""sixteen_bit": "high_byte", "std""#,
        "sixteen_bit is high_byte, but of bands all bits count: write full or refuse"
      ),
      (
        #""std""#, #""alpha": {"policy": "compose"}, "std""#,
        "alpha.policy is compose, but bands cannot be laid over a colour: write band, drop or refuse"
      ),
      (
        #""exact", "height": 8, "width": 8"#,
        #""letterbox", "height": 8, "width": 8, "fill": [1, 0, 0]"#,
        "resize.fill is a colour, and bands have none"
      ),
      ("[1, 1, 1, 1]", "[1, 1]", "mean has 4 numbers and std 2 numbers; each must be a list"),
      (
        #", "range": 1"#, "",
        "mean and std have 4 numbers, which is neither grey (one) nor colours (three) but the channel_order bands; for these range is missing: write what the largest sample is on the scale of mean and std, 65535 for"
      ),
      (#""range": 1"#, #""range": 2"#, "range is 2; allowed are 1, 255, 65535"),
      (
        #""range": 1"#, #""range": 65535, "sixteen_bit": "refuse""#,
        "range is 65535, for samples of 16 bits, which sixteen_bit refuses"
      ),
      (
        #"[1, 1, 1, 1], "range": 1"#, #"[0.5, 0.5, 0.5, 0.5], "range": 65535"#,
        "range is 65535, but std is below 1, which is for the scale where white is 1"
      ),
      (#""std""#, #""in_chans": 4, "std""#, "(did you mean channel_order?)"),
    ])
  func bandValues(part: String, replacement: String, message: String) throws {
    let whole = #"{"resize": {"rule": "exact", "height": 8, "width": 8}, \#(Self.bands)}"#
    _ = try JSONDecoder().decode(Preprocessing.self, from: Data(whole.utf8))
    let json = whole.replacing(part, with: replacement)
    try #require(json != whole)
    #expect {
      _ = try JSONDecoder().decode(Preprocessing.self, from: Data(json.utf8))
    } throws: { error in
      guard case ImagingError.invalidContract(let reason) = error else { return false }
      return reason.contains(message)
    }
  }

  @Test("Bands are at most 32, and what is for them alone is refused for colours")
  func bandLimits() throws {
    let ones = [String](repeating: "1", count: 33).joined(separator: ", ")
    let resize = #""resize": {"rule": "exact", "height": 8, "width": 8}"#
    #expect(
      throws: ImagingError.invalidContract(
        reason: "mean has 33 numbers; allowed are 1 to 32, one for each band")
    ) {
      _ = try JSONDecoder().decode(
        Preprocessing.self,
        from: Data(#"{\#(resize), "mean": [\#(ones)], "std": [\#(ones)], "range": 1}"#.utf8))
    }
    for (replacement, message) in [
      (#""range": 65535, "grey""#, "range is 65535; allowed are 1, 255"),
      (
        #""sixteen_bit": "full", "grey""#,
        "sixteen_bit is full, which is for the channel_order bands"
      ),
    ] {
      #expect(try Self.reason(#""grey""#, replacement).contains(message))
    }
    let band = try Self.reason(
      #"{"policy": "compose", "background": [255, 255, 255]}"#, #"{"policy": "band"}"#)
    #expect(band.contains("alpha.policy is band, which is for the channel_order bands"))
  }

  @Test(
    "What a rule needs is said",
    arguments: [
      (
        #"{"rule": "crop_fraction", "fraction": 0.9, "mode": "border"}"#,
        #"resize.mode is "border"; allowed are center, squash"#
      ),
      (
        #"{"rule": "crop_fraction", "fraction": 0}"#,
        "resize.fraction is 0; it must be a number above 0 and at most 1"
      ),
      (#"{"rule": "crop_fraction"}"#, "resize.fraction is missing: write the crop's part"),
      (#"{"rule": "crop_fraction", "fraction": 0.01}"#, "resize.size is 22400; allowed are 1 to"),
      (
        #"{"rule": "letterbox", "height": 224, "width": 224}"#,
        "crop is center, but resize with the rule letterbox makes the input's size already"
      ),
      (
        #"{"rule": "letterbox", "height": 224, "width": 224, "fill": 114}"#,
        "resize.fill is 114; it must be a colour of three whole numbers from 0 to 255"
      ),
      (
        #"{"rule": "shorter_side", "size": 256, "crop_pct": 0.9}"#,
        "(did you mean resize.fraction?)"
      ),
    ])
  func rules(resize: String, message: String) throws {
    let part = #"{"rule": "shorter_side", "size": 256, "filter": "bilinear"}"#
    let reason = try Self.reason(part, resize)
    #expect(reason.contains(message), "\(reason)")
  }

  @Test("A fraction needs the crop that it is a part of, in center mode a square")
  func fractions() throws {
    for (crop, message) in [
      (
        #""crop": {"rule": "center", "height": 224, "width": 200}"#, "crop is 224x200, not a square"
      ),
      (#""crop": {"rule": "none"}"#, "crop_fraction of resize needs the size of the crop"),
    ] {
      let json = Self.document.replacing(
        #"{"rule": "shorter_side", "size": 256, "filter": "bilinear"}"#,
        with: #"{"rule": "crop_fraction", "fraction": 0.875}"#
      ).replacing(#""crop": {"rule": "center", "height": 224, "width": 224}"#, with: crop)
      #expect {
        _ = try JSONDecoder().decode(Preprocessing.self, from: Data(json.utf8))
      } throws: { error in
        guard case ImagingError.invalidContract(let reason) = error else { return false }
        return reason.contains(message)
      }
    }
  }

  @Test("Nesting beyond the limit is refused")
  func nesting() throws {
    let list = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    #expect(try Self.reason(#""replicate""#, list).contains("nest deeper than 16"))
  }

  @Test("A long value is cut short")
  func longValue() throws {
    let long = String(repeating: "x", count: 5000)
    #expect(try Self.reason(#""replicate""#, #""\#(long)""#).utf8.count < 200)
  }
}
