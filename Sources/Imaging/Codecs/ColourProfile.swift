import CColourProfile
import CImageCodec

/// Conversion of an image's pixels to sRGB by the ICC profile inside it, on one thread.
@safe final class ColourProfile {
  /// Containers in which profiles are looked for.
  private static let containers: [ImageFormat: colour_profile_container] = [
    .jpeg: COLOUR_PROFILE_IN_JPEG, .png: COLOUR_PROFILE_IN_PNG, .webp: COLOUR_PROFILE_IN_WEBP,
    .tiff: COLOUR_PROFILE_IN_TIFF, .heic: COLOUR_PROFILE_IN_HEIF, .avif: COLOUR_PROFILE_IN_HEIF,
  ]

  // SAFETY: an open profile of CColourProfile, owned by this object alone and closed with it.
  private let profile: OpaquePointer

  /// Returns nil if the image has no profile, or one for other colours than its own. Throws
  /// `unsupportedFeature` for one that cannot be used.
  init?(
    of bytes: UnsafeBufferPointer<UInt8>, _ format: ImageFormat, _ header: image_codec_header
  ) throws(ImagingError) {
    guard let container = Self.containers[format], let start = bytes.baseAddress else { return nil }
    var opened: OpaquePointer?
    // SAFETY: the buffer outlives the call, which checks what it reads.
    switch unsafe colour_profile_open(
      container, Self.colours(of: header), start, bytes.count, &opened)
    {
    case COLOUR_PROFILE_OK: break
    case COLOUR_PROFILE_OUT_OF_MEMORY: throw .outOfMemory
    default:
      throw .unsupportedFeature(
        format: format,
        reason:
          "its colour profile is broken or over \(COLOUR_PROFILE_BYTE_COUNT_LIMIT) bytes; save the "
          + "image in sRGB, without a profile")
    }
    guard let opened = unsafe opened else { return nil }
    unsafe self.profile = opened
  }

  deinit { unsafe colour_profile_close(profile) }

  /// Returns the set of `colour_profile_colours` that fit an image.
  private static func colours(of header: image_codec_header) -> UInt32 {
    let (grey, rgb) = (COLOUR_PROFILE_OF_GREY.rawValue, COLOUR_PROFILE_OF_RGB.rawValue)
    switch header.colour {
    case IMAGE_CODEC_COLOUR_GREY: return grey
    case IMAGE_CODEC_COLOUR_RGB: return header.has_light_alone ? grey | rgb : rgb
    default: return 0
    }
  }

  /// Returns the bytes that are held at once to use the image's profile; 0 if it has none.
  static func byteCount(in bytes: UnsafeBufferPointer<UInt8>, _ format: ImageFormat) -> Int {
    guard let container = containers[format], let start = bytes.baseAddress else { return 0 }
    return unsafe colour_profile_working_byte_count(container, start, bytes.count)
  }

  /// Converts a row of RGB in place.
  func convert(_ row: UnsafeMutablePointer<UInt8>, count: Int) {
    unsafe colour_profile_convert(profile, row, count)
  }

  /// Makes the library do what it does on first use, which a sandbox would forbid.
  static func warmUp() { colour_profile_warm_up() }
}
