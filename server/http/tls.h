#ifndef ACCOUNTSD_TLS_H
#define ACCOUNTSD_TLS_H

/* TLS 1.2 and 1.3 with forward secrecy (RFC 9325), only HTTP/1.1 in ALPN (RFC 7301), no resumption. */

#include <openssl/ssl.h>

#define TLS_ERROR_MAX 512

/* Creates a context with a certificate and its chain, and its unencrypted key, from two PEM files. The caller
 * frees it with SSL_CTX_free; any thread may use it. NULL on failure, with the reason in error. */
SSL_CTX *tls_load(const char *certificate_path, const char *key_path, char error[TLS_ERROR_MAX]);

#endif
