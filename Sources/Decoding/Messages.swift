internal import CSandbox
import Imaging

// The messages between server and decoder, to and from Imaging's types. A decoder is not trusted:
// whatever it sends becomes an error of an image, or is rejected.

extension sandbox_contract {
  init(_ preprocessor: ImagePreprocessor) {
    self.init()
    pixel_count_limit = Int64(preprocessor.limits.pixelCountLimit)
    decoded_byte_count_limit = Int64(preprocessor.limits.decodedByteCountLimit)
    let contract = preprocessor.contract
    switch contract.resize {
    case .none: resize_rule = 0
    case .shorterSide(let size, _): (resize_rule, resize_width) = (1, CInt(size))
    case .exact(let height, let width, _):
      (resize_rule, resize_height, resize_width) = (2, CInt(height), CInt(width))
    case .letterbox(let height, let width, _, let fill):
      (resize_rule, resize_height, resize_width) = (3, CInt(height), CInt(width))
      (fill_red, fill_green, fill_blue) = (CInt(fill.red), CInt(fill.green), CInt(fill.blue))
    }
    resize_filter = Self.code(contract.resize.filter)
    if case .center(let height, let width, let rounding) = contract.crop {
      (crop_rule, crop_height, crop_width) = (
        1 + Self.code(rounding), CInt(height), CInt(width)
      )
    }
    channel_order = Self.code(contract.channelOrder)
    channel_count = CInt(contract.channelCount)
    // SAFETY: both structures hold numbers alone.
    unsafe withUnsafeMutableBytes(of: &mean) { unsafe Self.fill($0, contract.mean) }
    unsafe withUnsafeMutableBytes(of: &std) { unsafe Self.fill($0, contract.std) }
    range = CInt(contract.range.rawValue)
    exact = contract.exact ? 1 : 0
    set(contract.policies)
    switch preprocessor.encoding {
    case .planes: encoding = 0
    case .fp32: encoding = 1
    case .bf16: encoding = 2
    case .s8(let scale, let zeroPoint):
      (encoding, encoding_scale, encoding_zero_point) = (3, scale, CInt(zeroPoint))
    }
  }

  /// Returns the number of a case.
  private static func code<Case: CaseIterable & Equatable>(_ value: Case) -> CInt {
    CInt(Array(Case.allCases).firstIndex(of: value) ?? 0)
  }

  /// Returns the case of a number, nil if there is none.
  private static func value<Case: CaseIterable>(_ code: CInt) -> Case? {
    let all = Array(Case.allCases)
    return all.indices.contains(Int(code)) ? all[Int(code)] : nil
  }

  private static func fill(_ bytes: UnsafeMutableRawBufferPointer, _ numbers: [Float]) {
    let target = unsafe bytes.assumingMemoryBound(to: Float.self)
    precondition(numbers.count <= SANDBOX_CHANNEL_LIMIT, "channels must fit in a message")
    for (index, number) in numbers.enumerated() { unsafe target[index] = number }
  }

  /// Returns the numbers of the channels.
  private func channelNumbers(_ bytes: UnsafeRawBufferPointer) -> [Float] {
    let count = max(0, min(Int(channel_count), Int(SANDBOX_CHANNEL_LIMIT)))
    return unsafe Array(bytes.assumingMemoryBound(to: Float.self).prefix(count))
  }

  private mutating func set(_ policies: ImagePolicies) {
    switch policies.alpha {
    case .compose(let red, let green, let blue):
      (alpha, alpha_red, alpha_green, alpha_blue) = (0, CInt(red), CInt(green), CInt(blue))
    case .drop: alpha = 1
    case .refuse: alpha = 2
    case .band: alpha = 3
    }
    grey = policies.grey == .refuse ? 1 : 0
    cmyk = policies.cmyk == .refuse ? 1 : 0
    sixteen_bit = Self.code(policies.sixteenBit)
    exif_orientation = policies.exifOrientation == .ignore ? 1 : 0
    color_profile = policies.colourProfile == .sRGB ? 1 : 0
  }

  var decoded: (contract: Preprocessing, limits: DecodingLimits, encoding: PixelEncoding)
  {
    get throws(ImagingError) {
      let filter = Self.value(resize_filter) ?? ResizeFilter.bilinear
      let order = Self.value(channel_order) ?? Preprocessing.ChannelOrder.rgb
      let resize: ResizeRule =
        switch resize_rule {
        case 1: .shorterSide(size: Int(resize_width), filter: filter)
        case 2: .exact(height: Int(resize_height), width: Int(resize_width), filter: filter)
        case 3:
          .letterbox(
            height: Int(resize_height), width: Int(resize_width), filter: filter,
            fill: Colour(
              red: UInt8(truncatingIfNeeded: fill_red),
              green: UInt8(truncatingIfNeeded: fill_green),
              blue: UInt8(truncatingIfNeeded: fill_blue)))
        default: .none
        }
      let contract = try Preprocessing(
        resize: resize,
        crop: crop_rule == 0
          ? .none
          : .center(
            height: Int(crop_height), width: Int(crop_width),
            rounding: Self.value(crop_rule - 1) ?? .halfEven),
        channelOrder: order,
        // SAFETY: all bytes of the structures may be read.
        mean: unsafe withUnsafeBytes(of: mean) { unsafe channelNumbers($0) },
        std: unsafe withUnsafeBytes(of: std) { unsafe channelNumbers($0) },
        range: Preprocessing.PixelRange(rawValue: Int(range)) ?? .unit, policies: policies,
        exact: exact == 1)
      let numbers: PixelEncoding =
        switch encoding {
        case 1: .fp32
        case 2: .bf16
        case 3: .s8(scale: encoding_scale, zeroPoint: Int(encoding_zero_point))
        default: .planes
        }
      let limits = DecodingLimits(
        pixelCountLimit: Int(pixel_count_limit),
        decodedByteCountLimit: Int(decoded_byte_count_limit))
      return (contract, limits, numbers)
    }
  }

  private var policies: ImagePolicies {
    var policies = ImagePolicies()
    policies.alpha =
      switch alpha {
      case 1: .drop
      case 2: .refuse
      case 3: .band
      default:
        .compose(
          red: UInt8(truncatingIfNeeded: alpha_red), green: UInt8(truncatingIfNeeded: alpha_green),
          blue: UInt8(truncatingIfNeeded: alpha_blue))
      }
    policies.grey = grey == 1 ? .refuse : .replicate
    policies.cmyk = cmyk == 1 ? .refuse : .convert
    policies.sixteenBit = Self.value(sixteen_bit) ?? .highByte
    policies.exifOrientation = exif_orientation == 1 ? .ignore : .apply
    policies.colourProfile = color_profile == 1 ? .sRGB : .ignore
    return policies
  }
}

extension ImagingError {
  /// Number of each case in a message.
  fileprivate enum Code: CInt {
    case unsupportedFormat, unsupportedFeature, corrupt, truncated, pixelCount, decodedByteCount
    case refusedByContract, invalidContract, outOfMemory, channels
  }

  func write(to reply: inout sandbox_reply) {
    switch self {
    case .unsupportedFormat(let content):
      let number = ForeignContent.allCases.firstIndex(of: content) ?? 0
      reply.set(.unsupportedFormat, numbers: (number, 0, 0))
    case .unsupportedFeature(let format, let reason):
      reply.set(.unsupportedFeature, format, string: reason)
    case .corrupt(let format, let reason): reply.set(.corrupt, format, string: reason)
    case .truncated(let format): reply.set(.truncated, format)
    case .pixelCount(let width, let height, let limit):
      reply.set(.pixelCount, numbers: (width, height, limit))
    case .decodedByteCount(let actual, let limit):
      reply.set(.decodedByteCount, numbers: (actual, limit, 0))
    case .refusedByContract(let kind): reply.set(.refusedByContract, string: kind)
    case .channels(let found, let expected, let fault):
      let number = ChannelFault.allCases.firstIndex(of: fault) ?? 0
      reply.set(.channels, numbers: (found, expected, number))
    case .invalidContract(let reason): reply.set(.invalidContract, string: reason)
    case .outOfMemory: reply.set(.outOfMemory)
    }
  }

  /// Reads an error; nil if the message is not that of an error.
  init?(_ reply: sandbox_reply) {
    let formats = ImageFormat.allCases
    guard let code = Code(rawValue: reply.failure), formats.indices.contains(Int(reply.format)),
      [reply.numbers.0, reply.numbers.1, reply.numbers.2].allSatisfy({ $0 >= 0 })
    else { return nil }
    let format = formats[Int(reply.format)]
    let numbers = (Int(reply.numbers.0), Int(reply.numbers.1), Int(reply.numbers.2))
    self =
      switch code {
      case .unsupportedFormat:
        .unsupportedFormat(
          ForeignContent.allCases.indices.contains(numbers.0)
            ? ForeignContent.allCases[numbers.0] : .unknown)
      case .unsupportedFeature: .unsupportedFeature(format: format, reason: reply.printableString)
      case .corrupt: .corrupt(format: format, reason: reply.printableString)
      case .truncated: .truncated(format: format)
      case .pixelCount: .pixelCount(width: numbers.0, height: numbers.1, limit: numbers.2)
      case .decodedByteCount: .decodedByteCount(actual: numbers.0, limit: numbers.1)
      case .refusedByContract: .refusedByContract(kind: reply.printableString)
      case .channels:
        .channels(
          found: numbers.0, expected: numbers.1,
          ChannelFault.allCases.indices.contains(numbers.2)
            ? ChannelFault.allCases[numbers.2] : .count)
      case .invalidContract: .invalidContract(reason: reply.printableString)
      case .outOfMemory: .outOfMemory
      }
  }
}

extension sandbox_reply {
  fileprivate mutating func set(
    _ code: ImagingError.Code, _ format: ImageFormat = .jpeg, string reason: String = "",
    numbers: (Int, Int, Int) = (0, 0, 0)
  ) {
    failure = code.rawValue
    self.format = CInt(ImageFormat.allCases.firstIndex(of: format) ?? 0)
    self.numbers = (Int64(numbers.0), Int64(numbers.1), Int64(numbers.2))
    // SAFETY: the structure holds as many bytes, of which the last stays 0.
    unsafe withUnsafeMutableBytes(of: &string) { bytes in
      for (index, byte) in reason.utf8.prefix(bytes.count - 1).enumerated() {
        unsafe bytes[index] = byte
      }
    }
  }

  /// The string up to its end, with a question mark for every byte that is not printable ASCII.
  fileprivate var printableString: String {
    var string = string
    // SAFETY: all bytes of the structure may be read.
    let bytes = unsafe withUnsafeBytes(of: &string) { unsafe Array($0.prefix { $0 != 0 }) }
    return String(
      decoding: bytes.map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
  }
}
