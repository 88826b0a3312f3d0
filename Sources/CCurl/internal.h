// Declarations that the files of this target share.
#pragma once

#include "CCurl.h"

#include <curl/curl.h>
#include <openssl/types.h>

// Makes a handle, and empties the answer; NULL with a message where libcurl cannot be started.
CURL *remote_start(remote_answer *answer);

// Reads the field `ETag`; leaves it where there is none, or one that is too long.
void remote_read_etag(CURL *curl, char etag[REMOTE_ETAG_BYTE_COUNT]);

void remote_read_answer(CURL *curl, remote_answer *answer);

// Adds `name: value`; false where there is no memory or the line is too long.
bool remote_add_field(struct curl_slist **list, const char *name, const char *value);

// Trusts the authorities of remote_find_authorities: the curl tool heeds the variables, the library
// does not.
CURLcode remote_set_authorities(CURL *curl);

// Trusts those of one file alone.
CURLcode remote_set_only_authorities(CURL *curl, const char *file);

// Returns the same as remote_set_authorities trusts, for X509_STORE_free; NULL where they cannot be
// read.
X509_STORE *remote_read_authorities(void);

// Has requests signed; the digest of the body is a field of its own.
CURLcode remote_set_signature(
    CURL *curl, const char *signature, const char *key, const char *secret);

// Limits the whole transfer, connecting and standing still.
CURLcode remote_set_times(CURL *curl, long connect_ms, long whole_ms, long stall_s);

// Cuts the message off where libcurl quotes the address of a proxy, which may hold a password.
void remote_hide_password(char message[CURL_ERROR_SIZE]);

// Tells whether the reason is the other side's certificate.
bool remote_is_untrusted(CURLcode code);

// Works like remote_perform, with connections that the caller keeps.
CURLcode remote_perform_among(CURLM *multi, CURL *curl, remote_stop stop, void *context);

// Works like curl_easy_perform, but asks `stop` several times a second, and ends by
// CURLE_ABORTED_BY_CALLBACK where that says so.
CURLcode remote_perform(CURL *curl, remote_stop stop, void *context);
