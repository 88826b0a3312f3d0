import CJansson
import COpenSSL
import CZip

/// Versions of the libraries that model files are read with.
package enum ModelFileVersions {
  /// Name and version of each library as loaded, in a fixed order.
  package static var all: [(name: String, version: String)] {
    [
      ("OpenSSL", openSSL), ("jansson", unsafe String(cString: jansson_version_str())),
      ("libzip", unsafe String(cString: zip_libzip_version())),
    ]
  }

  private static var openSSL: String {
    guard let text = unsafe OpenSSL_version(OPENSSL_VERSION_STRING) else { return "unknown" }
    return unsafe String(cString: text)
  }
}
