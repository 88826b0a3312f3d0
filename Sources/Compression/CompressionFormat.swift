import CCompression

/// A format of compressed bytes.
package enum CompressionFormat: Sendable, Hashable, CaseIterable {
  /// RFC 1952, one member or several.
  case gzip
  /// RFC 1950.
  case zlib
  /// RFC 8878, one frame or several.
  case zstd

  var code: compression_format {
    switch self {
    case .gzip: COMPRESSION_GZIP
    case .zlib: COMPRESSION_ZLIB
    case .zstd: COMPRESSION_ZSTD
    }
  }
}

/// Reason why bytes cannot be decompressed.
package enum DecompressionFault: Error, Sendable, Hashable, CustomStringConvertible {
  case truncated
  /// They break the format, in the library's words.
  case corrupt(String)
  /// A zstd frame has a window of more than 8 MiB.
  case window
  /// Something follows the end that is not compressed.
  case trailing
  case outOfMemory

  package var description: String {
    switch self {
    case .truncated: "they end too early"
    case .corrupt(let reason): reason.isEmpty ? "they are damaged" : reason
    case .window: "their window is larger than 8 MiB"
    case .trailing: "other bytes follow their end"
    case .outOfMemory: "no memory for them"
    }
  }
}
