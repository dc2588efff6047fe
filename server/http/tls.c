#include "http/tls.h"

#include <openssl/err.h>
#include <stdio.h>

/* For TLS 1.2; for TLS 1.3 OpenSSL's defaults are used. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* At least 112 bits of security: RSA keys of at least 2048 bits, no SHA-1. */
#define SECURITY_LEVEL 2

/* A client that offers protocols but not HTTP/1.1 is refused: it would not understand an answer. */
static int on_alpn(SSL *ssl, const unsigned char **selected, unsigned char *selected_len,
    const unsigned char *offered, unsigned offered_len, void *data)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *choice;

    (void)ssl;
    (void)data;
    if (SSL_select_next_proto(&choice, selected_len, ours, sizeof(ours) - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *selected = choice;
    return SSL_TLSEXT_ERR_OK;
}

/* Encrypted keys are not supported: nobody could type the passphrase. */
static int on_passphrase(char *passphrase, int size, int is_for_writing, void *data)
{
    (void)passphrase;
    (void)size;
    (void)is_for_writing;
    (void)data;
    return -1;
}

static SSL_CTX *create(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls == NULL)
        return NULL;
    SSL_CTX_set_security_level(tls, SECURITY_LEVEL);
    SSL_CTX_set_default_passwd_cb(tls, on_passphrase);
    SSL_CTX_set_alpn_select_cb(tls, on_alpn, NULL);
    /* Session tickets would weaken forward secrecy, and sessions would outlive a replaced certificate. */
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(tls,
        SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Idle connections keep no buffers. */
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_num_tickets(tls, 0) == 1 && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(tls, CIPHERS) == 1)
        return tls;
    SSL_CTX_free(tls);
    return NULL;
}

/* Describes the first error, which is the cause of the others. */
static void describe(const char *option, char error[TLS_ERROR_MAX])
{
    unsigned long code = ERR_get_error();
    const char *reason = ERR_reason_error_string(code);

    snprintf(error, TLS_ERROR_MAX, "%s: %s", option, reason != NULL ? reason : "not usable");
    ERR_clear_error();
}

SSL_CTX *tls_load(const char *certificate_path, const char *key_path, char error[TLS_ERROR_MAX])
{
    SSL_CTX *tls;
    const char *at_fault = "TLS";

    ERR_clear_error();
    if ((tls = create()) != NULL) {
        at_fault = "--tls-certificate";
        if (SSL_CTX_use_certificate_chain_file(tls, certificate_path) == 1) {
            at_fault = "--tls-key";
            /* This fails if the key does not match the certificate. */
            if (SSL_CTX_use_PrivateKey_file(tls, key_path, SSL_FILETYPE_PEM) == 1)
                return tls;
        }
    }
    describe(at_fault, error);
    SSL_CTX_free(tls);
    return NULL;
}
