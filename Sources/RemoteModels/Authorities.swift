import CCurl
import Glibc

/// Places of the certificates by which other servers are trusted over TLS, whatever is asked of them.
///
/// They are those of the curl tool and OpenSSL: variables of the environment, else the system's.
package struct Authorities: Sendable, CustomStringConvertible {
  /// Advice for a server that is not trusted.
  static let remedy =
    "certificates of other authorities are read from the file that CURL_CA_BUNDLE or SSL_CERT_FILE names, "
    + "and from the folder of SSL_CERT_DIR"

  /// File and folders, in words.
  package let description: String
  /// Reason why a variable is of no use or nobody can be trusted, and the remedy; nil if all is well.
  package let fault: String?

  /// Looks for certificates there.
  package init() {
    // SAFETY: the strings are those of the environment and of libcurl, which nobody changes.
    var found = unsafe remote_find_authorities()
    var number: CInt = 0
    let result = unsafe remote_examine_authorities(&found, &number)
    let file = unsafe found.file.map { unsafe String(cString: $0) }
    let folders = unsafe found.folders.map { unsafe String(cString: $0) }
    description = [file, folders].compactMap(\.self).joined(separator: " and ")
    fault =
      switch result {
      case REMOTE_AUTHORITIES_FILE:
        Self.fault(
          of: file ?? "", by: unsafe found.file_variable.map { unsafe String(cString: $0) } ?? "",
          number: number)
      case REMOTE_AUTHORITIES_FOLDERS:
        "SSL_CERT_DIR names \(folders ?? ""), where OpenSSL finds no certificate by the hash of its subject: "
          + "run `openssl rehash` on the folder, or name another one"
      case REMOTE_AUTHORITIES_NONE:
        "no certificates of authorities can be read, so that no server is trusted over TLS: install the "
          + "package ca-certificates, or name a file by SSL_CERT_FILE or a folder by SSL_CERT_DIR"
      default: nil
      }
  }

  private static func fault(of file: String, by variable: String, number: CInt) -> String {
    let reason =
      number == 0
      ? "holds no certificate in PEM form"
      : "cannot be read (\(unsafe String(cString: strerror(number))))"
    return
      "\(variable) names \(file), which \(reason), so that no server is trusted over TLS: name a file "
      + "of certificates in PEM form, or unset the variable"
  }
}
