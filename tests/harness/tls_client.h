#ifndef ACCOUNTSD_TESTS_TLS_CLIENT_H
#define ACCOUNTSD_TESTS_TLS_CLIENT_H

/* Certificates, and a TLS client under control of the test. */

#include <openssl/ssl.h>

#include "harness.h"

/* A self-made certificate in two files; the struct owns the paths. */
struct certificate {
    char certificate_path[LOG_PATH_SIZE], key_path[LOG_PATH_SIZE];
};

/* The last two are too weak: a short key, and a signature with SHA-1 by another key. */
enum key_kind { KEY_EC, KEY_RSA, KEY_RSA_1024, KEY_EC_SHA_1 };

/* For localhost, with this common name; self-signed, except for the last kind. */
struct certificate *certificate_make(const char *name, enum key_kind kind);
/* A new certificate in the same files, replaced by renaming. */
void certificate_renew(const struct certificate *certificate, const char *name, enum key_kind kind);
/* Removes the files too. */
void certificate_free(struct certificate *certificate);

struct tls_options {
    int min_version, max_version; /* 0: OpenSSL's */
    const char *ciphers;          /* NULL: OpenSSL's, of TLS 1.2 */
    const char *alpn;             /* as on the wire; NULL: none */
    SSL_SESSION *session;         /* to resume */
};

struct tls_client {
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    char peer_name[64];
};

/* A connection before its handshake; reads time out after five seconds. */
struct tls_client *tls_open(const struct server *server, const struct tls_options *options);
/* Performs the handshake; false if it fails. */
bool tls_handshake(struct tls_client *client);
/* Both; NULL if the handshake fails. */
struct tls_client *tls_connect(const struct server *server, const struct tls_options *options);
void tls_close(struct tls_client *client);

void tls_send(struct tls_client *client, const char *bytes, size_t len);
/* One response with its body; the caller frees it. "" if none comes. */
char *tls_read_response(struct tls_client *client);
/* Everything until the end; *has_close_notify: whether the server sent close_notify. The caller frees it. */
char *tls_read_to_end(struct tls_client *client, bool *has_close_notify);
/* Expects that a request is answered and the connection stays open. */
void tls_expect_served(struct tls_client *client, const char *name);

#endif
