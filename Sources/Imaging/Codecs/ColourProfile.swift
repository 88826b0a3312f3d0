import CColourProfile

/// Conversion of an image's pixels to sRGB by the ICC profile inside it, on one thread.
@safe final class ColourProfile {
  /// Containers in which profiles are looked for.
  private static let containers: [ImageFormat: colour_profile_container] = [
    .jpeg: COLOUR_PROFILE_IN_JPEG, .png: COLOUR_PROFILE_IN_PNG, .webp: COLOUR_PROFILE_IN_WEBP,
    .tiff: COLOUR_PROFILE_IN_TIFF, .heic: COLOUR_PROFILE_IN_HEIF, .avif: COLOUR_PROFILE_IN_HEIF,
  ]

  // SAFETY: an open profile of CColourProfile, owned by this object alone and closed with it.
  private let profile: OpaquePointer

  /// Returns nil if the image has no profile. Throws `unsupportedFeature` for one that cannot be
  /// used.
  init?(of bytes: UnsafeBufferPointer<UInt8>, _ format: ImageFormat) throws(ImagingError) {
    guard let container = Self.containers[format], let start = bytes.baseAddress else { return nil }
    var opened: OpaquePointer?
    // SAFETY: the buffer outlives the call, which checks what it reads.
    switch unsafe colour_profile_open(container, start, bytes.count, &opened) {
    case COLOUR_PROFILE_OK: break
    case COLOUR_PROFILE_OUT_OF_MEMORY: throw .outOfMemory
    default:
      throw .unsupportedFeature(
        format: format,
        reason:
          "its colour profile is broken, over \(COLOUR_PROFILE_BYTE_COUNT_LIMIT) bytes, or for "
          + "other colours than RGB and grey")
    }
    guard let opened = unsafe opened else { return nil }
    unsafe self.profile = opened
  }

  deinit { unsafe colour_profile_close(profile) }

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
