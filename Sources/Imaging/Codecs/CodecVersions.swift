import CColourProfile
import CImageCodec

/// Versions of the libraries that decode.
package enum CodecVersions {
  /// Library that is opened when it is first needed, if it is installed.
  private struct Optional {
    let name: String
    /// Debian's package.
    let package: String
    /// Its version; nil if it is not installed.
    let version: String?

    init(
      _ name: String, _ package: String,
      _ write: (UnsafeMutablePointer<CChar>, Int) -> Bool
    ) {
      self.name = name
      self.package = package
      let capacity = 64
      // SAFETY: CImageCodec writes at most `capacity` bytes and ends them with a zero.
      version = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) {
        buffer in
        unsafe buffer.initialize(repeating: 0)
        guard unsafe write(buffer.baseAddress!, capacity) else { return nil }
        return unsafe String(cString: buffer.baseAddress!)
      }
    }
  }

  private static var tiff: Optional {
    unsafe Optional("libtiff", "libtiff6") { unsafe image_codec_version_tiff($0, $1) }
  }
  private static var heif: Optional {
    unsafe Optional("libheif", "libheif1") { unsafe image_codec_version_heif($0, $1) }
  }
  private static var dav1d: Optional {
    unsafe Optional("libdav1d", "libdav1d6") { unsafe image_codec_version_dav1d($0, $1) }
  }
  private static var de265: Optional {
    unsafe Optional("libde265", "libde265-0") { unsafe image_codec_version_de265($0, $1) }
  }

  /// libjpeg-turbo, as built against; its ABI is fixed by the file name of the library.
  package static var jpeg: String { unsafe String(cString: image_codec_version_jpeg()) }

  /// libspng, as loaded.
  package static var png: String { unsafe String(cString: image_codec_version_png()) }

  /// giflib, as built against.
  package static var gif: String { unsafe String(cString: image_codec_version_gif()) }

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

  /// Name and version of each library, in a fixed order; for one that is not installed, the package
  /// that it would come with.
  package static var all: [(name: String, version: String)] {
    [
      ("libjpeg-turbo", jpeg), ("libspng", png), ("libwebp", webp), ("giflib", gif),
      ("lcms2", lcms),
    ]
      + [tiff, heif, dav1d, de265].map {
        ($0.name, $0.version ?? "is not installed (Debian: \($0.package))")
      }
  }

  /// Whether the libraries that decode the format are there. The first call opens them.
  package static func areInstalled(for format: ImageFormat) -> Bool {
    switch format {
    case .jpeg, .png, .webp, .gif, .bmp: true
    case .tiff: tiff.version != nil
    case .avif: heif.version != nil && dav1d.version != nil
    case .heic: heif.version != nil && de265.version != nil
    }
  }
}
