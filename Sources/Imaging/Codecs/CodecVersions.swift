import CColourProfile
import CImageCodec

/// Versions of the libraries that decode.
package enum CodecVersions {
  /// libjpeg-turbo, as built against; its ABI is fixed by the file name of the library.
  package static var jpeg: String { unsafe String(cString: image_codec_version_jpeg()) }

  /// libspng, as loaded.
  package static var png: String { unsafe String(cString: image_codec_version_png()) }

  /// libwebp, as loaded.
  package static var webp: String {
    let packed = image_codec_version_webp()
    return "\(packed >> 16 & 0xFF).\(packed >> 8 & 0xFF).\(packed & 0xFF)"
  }

  /// lcms2, as loaded.
  package static var lcms: String {
    let packed = colour_profile_library_version()
    return "\(packed / 1000).\(packed % 1000 / 10)"
  }

  /// Name and version of each library, in a fixed order.
  package static var all: [(name: String, version: String)] {
    [("libjpeg-turbo", jpeg), ("libspng", png), ("libwebp", webp), ("lcms2", lcms)]
  }
}
