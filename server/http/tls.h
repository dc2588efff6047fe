#ifndef ACCOUNTSD_TLS_H
#define ACCOUNTSD_TLS_H

/* How clients are spoken to over TLS: 1.2 and 1.3 with forward secrecy (RFC 9325), HTTP/1.1 and nothing else
 * in ALPN (RFC 7301), no session that outlives its connection. */

#include <openssl/ssl.h>

#define TLS_ERROR_MAX 512

/* A context with the certificate (PEM, with what it is chained to) and its key (PEM, not encrypted) of two
 * files. The caller frees it with SSL_CTX_free; any thread may use it. NULL when they do not fit, with the
 * reason in error. */
SSL_CTX *tls_load(const char *certificate_path, const char *key_path, char error[TLS_ERROR_MAX]);

#endif
