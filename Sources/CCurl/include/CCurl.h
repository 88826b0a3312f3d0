// One request at a time over libcurl, without its variadic options: a GET of a file, a question to
// a server of this program, an object of a bucket, or spans for a collector.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

enum { REMOTE_ETAG_BYTE_COUNT = 256, REMOTE_MESSAGE_BYTE_COUNT = 256 };

typedef struct {
  // http or https; nothing else is fetched, not by redirection either.
  const char *url;
  // ETag of the answer that the caller has already: the server may answer 304.
  const char *_Nullable etag;
  // Place in the file where the wanted bytes begin; 0 for all of it.
  int64_t offset;
  // ETag of the file whose first `offset` bytes the caller has: if it has changed, all of it comes.
  const char *_Nullable if_range;
  // Parameters of AWS' signature version 4, as libcurl wants them: `aws:amz:REGION:SERVICE`; NULL
  // for none.
  const char *_Nullable signature;
  const char *_Nullable key;
  const char *_Nullable secret;
  const char *_Nullable session_token;
  long redirect_limit;
  long connect_timeout_ms;
  // Milliseconds for the whole transfer.
  long timeout_ms;
  // Seconds, each with less than a kilobyte, after which the transfer is given up.
  long stall_timeout_s;
} remote_request;

typedef struct {
  int status;
  // ETag; empty where the server sent none, or one that is too long.
  char etag[REMOTE_ETAG_BYTE_COUNT];
  // Reason for which there is no answer.
  char message[REMOTE_MESSAGE_BYTE_COUNT];
  // Whether the reason is the other side's certificate, which another attempt will find unchanged.
  bool is_untrusted;
  // Whether the reason is a redirection: one that goes on and on, or leads where nothing is
  // fetched from.
  bool is_misdirected;
} remote_answer;

// Facts of a body that are known when its first bytes come.
typedef struct {
  // Place in the file where it begins: 0, or the request's offset.
  int64_t start;
  // Bytes of the whole file, or -1 where that is not known.
  int64_t announced;
  // ETag; empty where the server sent none, or one that is too long.
  char etag[REMOTE_ETAG_BYTE_COUNT];
} remote_body;

// Takes the next bytes of a body whose status is 200, or 206 where an offset was asked for;
// `is_first` for the first ones. False ends the transfer.
typedef bool (*remote_sink)(
    void *context, const void *bytes, size_t count, const remote_body *body, bool is_first);

// Asks whether to stop, several times a second, whatever the other side does; true ends the
// transfer.
typedef bool (*remote_stop)(void *context);

// Fetches a file. Returns 0 when there is a whole answer, whatever its status; -1 with a message
// otherwise. `context` is passed to both functions.
int remote_fetch(
    const remote_request *request, remote_sink sink, remote_stop stop, void *context,
    remote_answer *answer);

typedef struct {
  const char *method;
  // http; no redirection is followed and no proxy asked, for neither should see a token.
  const char *url;
  // Path of the Unix socket to connect to, whatever host the URL names.
  const char *_Nullable socket_path;
  // Values of fields, each sent where it is given.
  const char *_Nullable authorization;
  const char *_Nullable content_type;
  const char *_Nullable content_digest;
  const char *_Nullable if_match;
  // Body in memory.
  const char *_Nullable body;
  size_t body_byte_count;
  // Descriptor of a file that is the body, read from its position, or -1; it stays open.
  int file;
  int64_t file_byte_count;
  long connect_timeout_ms;
  // Milliseconds for the whole exchange.
  long timeout_ms;
  // Whether TLS is spoken; the URL says so too.
  bool has_tls;
  // Paths of PEM files: authorities in place of the system's, and the certificate that the server
  // may ask for with its key.
  const char *_Nullable authorities;
  // Whether a certificate of these authorities will do whatever name it bears.
  bool takes_any_name;
  const char *_Nullable client_certificate;
  const char *_Nullable client_key;
  // `::HOST:PORT` to connect to in place of the URL's own.
  const char *_Nullable connect_to;
} remote_question;

// Takes the next bytes of an answer's body, whatever its status; false ends the exchange.
typedef bool (*remote_receiver)(void *context, const void *bytes, size_t count);

// Notes how many bytes of a file have been handed to the system; called about once a second while
// nothing moves, too. False ends the exchange.
typedef bool (*remote_progress)(void *context, int64_t sent);

// Asks a server. Returns 0 when there is a whole answer, whatever its status; -1 with a message
// otherwise. `context` is passed to both functions.
int remote_ask(
    const remote_question *question, remote_receiver receiver, remote_progress progress,
    void *context, remote_answer *answer);

enum { REMOTE_REGION_BYTE_COUNT = 64 };

// A client of a bucket or a collector that keeps its connections from one request to the next; for
// one thread at a time.
typedef struct remote_connection remote_connection;

typedef struct {
  // GET, PUT or POST.
  const char *method;
  // http or https; no redirection is followed. Percent-encoded, with the query's fields in the
  // order of their names, as the signature wants it: libcurl 7.88 signs path and query as they are.
  const char *url;
  // As in remote_request.
  const char *_Nullable signature;
  const char *_Nullable key;
  const char *_Nullable secret;
  const char *_Nullable session_token;
  // SHA-256 of the body, in hexadecimal digits for the signature and in base64 for the bucket.
  const char *_Nullable digest;
  const char *_Nullable checksum;
  const char *_Nullable content_type;
  // Further header lines, `name: value` each.
  const char *_Nonnull const *_Nullable fields;
  size_t field_count;
  // Whether an object that is there already is to stay: then the status is 412.
  bool creates;
  const void *_Nullable body;
  size_t body_byte_count;
  long connect_timeout_ms;
  // Milliseconds for the whole exchange.
  long timeout_ms;
  // Seconds, each with less than a kilobyte, after which the exchange is given up.
  long stall_timeout_s;
} remote_object;

typedef struct {
  int status;
  // The bucket's region as the server names it; empty where it does not.
  char region[REMOTE_REGION_BYTE_COUNT];
  // Seconds to wait before the next request, by `Retry-After`; 0 where the server does not say.
  int64_t retry_after_s;
  // Reason for which there is no answer.
  char message[REMOTE_MESSAGE_BYTE_COUNT];
  // Whether the reason is the other side's certificate, which another attempt will find unchanged.
  bool is_untrusted;
} remote_object_answer;

// Takes the next bytes of an answer's body, whatever its status; false ends the exchange.
typedef bool (*remote_object_sink)(void *context, int status, const void *bytes, size_t count);

// Makes a connection for remote_connection_close, which is made when it is needed; NULL where there
// is no memory.
remote_connection *_Nullable remote_connection_open(void);

void remote_connection_close(remote_connection *connection);

// Asks for an object, or gives one. Returns 0 when there is a whole answer, whatever its status; -1
// with a message otherwise. `context` is passed to both functions.
int remote_connection_ask(
    remote_connection *connection, const remote_object *object, remote_object_sink sink,
    remote_stop stop, void *context, remote_object_answer *answer);

enum { REMOTE_HOST_BYTE_COUNT = 256 };

// Where the bytes of a URL come from.
typedef struct {
  bool is_encrypted;
  // Lower case, as libcurl asks for it: an address of IPv4 in four decimal numbers, one of IPv6
  // without brackets.
  char host[REMOTE_HOST_BYTE_COUNT];
  int port;
} remote_origin;

// Reads the origin of a URL of http or https; false for anything else, and for one with a user or a
// password.
bool remote_read_origin(const char *url, remote_origin *origin);

typedef enum {
  REMOTE_REFUSED = 0,
  // Only at addresses of the public network, whatever the name is resolved to.
  REMOTE_PUBLIC = 1,
  REMOTE_ANYWHERE = 2,
} remote_permission;

typedef struct {
  const char *url;
  int redirect_limit;
  // Bytes of the body; more end the transfer.
  int64_t byte_limit;
  long connect_timeout_ms;
  // Milliseconds for each of the transfers that redirections lead to.
  long timeout_ms;
  // Seconds, each with less than a kilobyte, after which the transfer is given up.
  long stall_timeout_s;
} remote_image;

typedef enum {
  // There is an answer; its status says more.
  REMOTE_IMAGE_ANSWERED = 0,
  // The URL, or one that it was redirected to, is none of http or https or was not permitted.
  REMOTE_IMAGE_REFUSED = 1,
  // The name belongs to an address that is not of the public network.
  REMOTE_IMAGE_NOT_PUBLIC = 2,
  REMOTE_IMAGE_TOO_LARGE = 3,
  REMOTE_IMAGE_TIMEOUT = 4,
  // Stopped by its functions.
  REMOTE_IMAGE_STOPPED = 5,
  // The other side is not reached, not trusted or does not speak HTTP.
  REMOTE_IMAGE_FAILED = 6,
} remote_image_result;

typedef struct {
  int status;
  // The last URL's origin, as far as it is known.
  remote_origin origin;
  // Reason for REMOTE_IMAGE_FAILED.
  char message[REMOTE_MESSAGE_BYTE_COUNT];
} remote_image_answer;

// What a transfer asks and tells while it runs.
typedef struct {
  // Asked before anything is sent, of redirections too.
  remote_permission (*permit)(void *context, const remote_origin *origin);
  // Takes the next bytes of a body of status 200; false ends the transfer.
  bool (*take)(void *context, const void *bytes, size_t count);
  remote_stop stop;
  void *context;
} remote_image_functions;

// Authorities that OpenSSL has read for all transfers, since that takes some milliseconds and a
// megabyte. May be used from any thread.
typedef struct remote_trust remote_trust;

// Returns NULL without memory.
remote_trust *_Nullable remote_trust_create(void);
// Must not be called during a transfer of its own.
void remote_trust_destroy(remote_trust *trust);

// Fetches a URL that somebody else has named, without proxies, cookies or credentials.
remote_image_result remote_fetch_image(
    remote_trust *trust, const remote_image *image, const remote_image_functions *functions,
    remote_image_answer *answer);

// Returns whether an address, in network order, is one of the public network: 4 bytes of IPv4 or
// 16 of IPv6.
bool remote_is_public(const uint8_t *address, size_t byte_count);

// Places of the certificates by which servers are trusted. As for the curl tool, CURL_CA_BUNDLE
// names a file, else SSL_CERT_FILE, and with the latter SSL_CERT_DIR folders between colons, in
// which each certificate has the hash of its subject for a name. What is not named is the
// system's.
typedef struct {
  // NULL where the system has none. The strings are those of the environment or static.
  const char *_Nullable file;
  const char *_Nullable folders;
  // Variables that name them; NULL for the system's.
  const char *_Nullable file_variable;
  const char *_Nullable folders_variable;
} remote_authorities;

typedef enum {
  REMOTE_AUTHORITIES_READ = 0,
  // The file that a variable names cannot be read or holds no certificate: no server is trusted.
  REMOTE_AUTHORITIES_FILE = 1,
  // The folders that a variable names hold none.
  REMOTE_AUTHORITIES_FOLDERS = 2,
  // There are none anywhere.
  REMOTE_AUTHORITIES_NONE = 3,
} remote_authorities_fault;

remote_authorities remote_find_authorities(void);

// Looks for a certificate in each of the places. `number` is the errno of a file that cannot be
// read, 0 for one that holds none.
remote_authorities_fault remote_examine_authorities(const remote_authorities *found, int *number);

// Returns the version of the loaded libcurl; the string is static.
const char *remote_library_version(void);

#pragma clang assume_nonnull end
