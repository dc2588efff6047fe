#ifndef ACCOUNTSD_TESTS_TLS_CLIENT_H
#define ACCOUNTSD_TESTS_TLS_CLIENT_H

/* Certificates, and a client that speaks TLS as a test wants it. */

#include <openssl/ssl.h>

#include "harness.h"

/* A certificate of its own in two files; the paths are the struct's. */
struct certificate {
    char certificate_path[LOG_PATH_SIZE], key_path[LOG_PATH_SIZE];
};

/* The last two are too weak: a short key, and a signature with SHA-1 by another key. */
enum key_kind { KEY_EC, KEY_RSA, KEY_RSA_1024, KEY_EC_SHA_1 };

/* For localhost, with that common name; signed by itself, unless its kind says otherwise. */
struct certificate *certificate_make(const char *name, enum key_kind kind);
/* The same in the same files; written aside and renamed. */
void certificate_renew(const struct certificate *certificate, const char *name, enum key_kind kind);
/* Removes the files too. */
void certificate_free(struct certificate *certificate);

struct tls_wishes {
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

/* A connection that has not begun to shake hands: reads end after five seconds of silence. */
struct tls_client *tls_open(const struct server *server, const struct tls_wishes *wishes);
/* Shakes hands; false where that fails. */
bool tls_shake_hands(struct tls_client *client);
/* Both; NULL where the hands are not shaken. */
struct tls_client *tls_connect(const struct server *server, const struct tls_wishes *wishes);
void tls_close(struct tls_client *client);

void tls_send(struct tls_client *client, const char *bytes, size_t len);
/* One response with its body; the caller frees it. "" where none comes. */
char *tls_read_response(struct tls_client *client);
/* All that comes until the end; *said_goodbye is whether the server announced it. The caller frees it. */
char *tls_read_to_end(struct tls_client *client, bool *said_goodbye);
/* A request is answered, and the connection stays open. */
void tls_expect_served(struct tls_client *client, const char *name);

#endif
