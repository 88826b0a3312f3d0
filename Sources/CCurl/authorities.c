#include "internal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The system's authorities where libcurl was built to know none.
#define USUAL_FILE "/etc/ssl/certs/ca-certificates.crt"
#define USUAL_FOLDER "/etc/ssl/certs"

enum {
  PATH_BYTE_COUNT = 4096,
  // Digits of the hash of a subject, by which OpenSSL finds a certificate in a folder.
  HASH_DIGIT_COUNT = 8,
};

static const char *value_of(const char *variable) {
  const char *value = getenv(variable);
  return value && *value ? value : NULL;
}

static const char *if_readable(const char *path) { return access(path, R_OK) ? NULL : path; }

remote_authorities remote_find_authorities(void) {
  remote_authorities found = {.file = value_of("CURL_CA_BUNDLE")};
  if (found.file) {
    found.file_variable = "CURL_CA_BUNDLE";
  } else {
    found.file = value_of("SSL_CERT_FILE");
    if (found.file) found.file_variable = "SSL_CERT_FILE";
    found.folders = value_of("SSL_CERT_DIR");
    if (found.folders) found.folders_variable = "SSL_CERT_DIR";
  }
  const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
  // libcurl refuses to work without a file that it is given; a system may have only one of both.
  if (!found.file) found.file = if_readable(built->cainfo ? built->cainfo : USUAL_FILE);
  if (!found.folders) found.folders = if_readable(built->capath ? built->capath : USUAL_FOLDER);
  return found;
}

CURLcode remote_set_authorities(CURL *curl) {
  const remote_authorities found = remote_find_authorities();
  // Without any, libcurl's own places are left to its message.
  if (!found.file && !found.folders) return CURLE_OK;
  CURLcode code = curl_easy_setopt(curl, CURLOPT_CAINFO, found.file);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CAPATH, found.folders);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, found.file);
  if (!code) code = curl_easy_setopt(curl, CURLOPT_PROXY_CAPATH, found.folders);
  return code;
}

CURLcode remote_set_only_authorities(CURL *curl, const char *file) {
  CURLcode code = curl_easy_setopt(curl, CURLOPT_CAINFO, file);
  // Debian's libcurl would read the system's folder besides.
  if (!code) code = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
  return code;
}

X509_STORE *remote_read_authorities(void) {
  const remote_authorities found = remote_find_authorities();
  X509_STORE *store = found.file || found.folders ? X509_STORE_new() : NULL;
  bool is_read = store && (!found.file || X509_STORE_load_file(store, found.file)) &&
                 (!found.folders || X509_STORE_load_path(store, found.folders)) &&
                 // Like libcurl: an authority may be one that another has certified.
                 X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  ERR_clear_error();
  if (is_read) return store;
  X509_STORE_free(store);
  return NULL;
}

// MARK: - A look at them

// Returns whether a file holds a certificate; errno is 0 where it can be read but has none.
static bool holds_certificate(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) return false;
  errno = S_ISDIR(status.st_mode) ? EISDIR : 0;
  if (!S_ISREG(status.st_mode) || access(path, R_OK) != 0) return false;
  X509_STORE *store = X509_STORE_new();
  const bool result = store && X509_STORE_load_file(store, path);
  X509_STORE_free(store);
  ERR_clear_error();
  errno = 0;
  return result;
}

static bool is_hashed(const char *name) {
  for (int index = 0; index < HASH_DIGIT_COUNT; index++) {
    if (!isxdigit((unsigned char)name[index])) return false;
  }
  return name[HASH_DIGIT_COUNT] == '.' && isdigit((unsigned char)name[HASH_DIGIT_COUNT + 1]);
}

static bool folder_holds_certificate(const char *folder) {
  DIR *stream = opendir(folder);
  if (!stream) return false;
  bool result = false;
  const struct dirent *entry;
  while (!result && (entry = readdir(stream))) {
    char path[PATH_BYTE_COUNT];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    result = is_hashed(entry->d_name) && length < (int)sizeof path && holds_certificate(path);
  }
  closedir(stream);
  return result;
}

// Looks into each of the folders, between which there are colons.
static bool folders_hold_certificate(const char *folders) {
  for (const char *start = folders; *start;) {
    const size_t length = strcspn(start, ":");
    char folder[PATH_BYTE_COUNT];
    if (length > 0 && length < sizeof folder) {
      memcpy(folder, start, length);
      folder[length] = 0;
      if (folder_holds_certificate(folder)) return true;
    }
    start += length;
    if (*start) start++;
  }
  return false;
}

remote_authorities_fault remote_examine_authorities(const remote_authorities *found, int *number) {
  errno = 0;
  const bool has_file = found->file && holds_certificate(found->file);
  *number = errno;
  if (found->file_variable && !has_file) return REMOTE_AUTHORITIES_FILE;
  const bool has_folder = found->folders && folders_hold_certificate(found->folders);
  if (found->folders_variable && !has_folder) return REMOTE_AUTHORITIES_FOLDERS;
  return has_file || has_folder ? REMOTE_AUTHORITIES_READ : REMOTE_AUTHORITIES_NONE;
}
