import CCompression

/// Versions of the libraries that compress and decompress, as loaded.
package enum CompressionVersions {
  package static var all: [(name: String, version: String)] {
    [
      ("zlib", unsafe String(cString: compression_zlib_version())),
      ("libzstd", unsafe String(cString: compression_zstd_version())),
    ]
  }
}
