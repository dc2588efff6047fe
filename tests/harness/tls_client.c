#include "tls_client.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALID_SECONDS 3600
#define RESPONSE_MAX 1048576UL

static EVP_PKEY *make_key(enum key_kind kind)
{
    return kind == KEY_RSA        ? EVP_RSA_gen(2048)
           : kind == KEY_RSA_1024 ? EVP_RSA_gen(1024)
                                  : EVP_EC_gen("P-256");
}

/* Self-signed, or signed with SHA-1 by another key: OpenSSL does not check the signature of a self-signed
 * certificate. */
static X509 *sign(EVP_PKEY *key, const char *name, enum key_kind kind)
{
    EVP_PKEY *issuer = kind == KEY_EC_SHA_1 ? make_key(KEY_EC) : NULL;
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    if (issuer != NULL)
        X509_NAME_add_entry_by_txt(
            X509_get_issuer_name(certificate), "O", MBSTRING_ASC, (const unsigned char *)"issuer", -1, -1, 0);
    X509_set_pubkey(certificate, key);
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    cr_assert_gt(
        X509_sign(certificate, issuer != NULL ? issuer : key, issuer != NULL ? EVP_sha1() : EVP_sha256()), 0);
    EVP_PKEY_free(issuer);
    return certificate;
}

void certificate_renew(const struct certificate *certificate, const char *name, enum key_kind kind)
{
    EVP_PKEY *key = make_key(kind);
    X509 *signed_key = sign(key, name, kind);
    char path[LOG_PATH_SIZE + 8];
    FILE *out;

    snprintf(path, sizeof(path), "%s.new", certificate->certificate_path);
    out = fopen(path, "w");
    cr_assert_not_null(out, "%s", path);
    cr_assert_eq(PEM_write_X509(out, signed_key), 1);
    fclose(out);
    rename(path, certificate->certificate_path);
    snprintf(path, sizeof(path), "%s.new", certificate->key_path);
    out = fopen(path, "w");
    cr_assert_not_null(out, "%s", path);
    cr_assert_eq(PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(out);
    rename(path, certificate->key_path);
    X509_free(signed_key);
    EVP_PKEY_free(key);
}

struct certificate *certificate_make(const char *name, enum key_kind kind)
{
    struct certificate *certificate = calloc(1, sizeof(*certificate));

    snprintf(certificate->certificate_path, LOG_PATH_SIZE, "/tmp/accountsd-test-XXXXXX");
    snprintf(certificate->key_path, LOG_PATH_SIZE, "/tmp/accountsd-test-XXXXXX");
    close(mkstemp(certificate->certificate_path));
    close(mkstemp(certificate->key_path));
    certificate_renew(certificate, name, kind);
    return certificate;
}

void certificate_free(struct certificate *certificate)
{
    unlink(certificate->certificate_path);
    unlink(certificate->key_path);
    free(certificate);
}

struct tls_client *tls_open(const struct server *server, const struct tls_options *options)
{
    struct tls_client *client = calloc(1, sizeof(*client));

    client->context = SSL_CTX_new(TLS_client_method());
    /* Allows weak parameters, so that it is the server that refuses them. */
    SSL_CTX_set_security_level(client->context, 0);
    SSL_CTX_set_min_proto_version(client->context, options->min_version);
    SSL_CTX_set_max_proto_version(client->context, options->max_version);
    if (options->ciphers != NULL)
        cr_assert_eq(SSL_CTX_set_cipher_list(client->context, options->ciphers), 1, "%s", options->ciphers);
    client->ssl = SSL_new(client->context);
    if (options->alpn != NULL)
        SSL_set_alpn_protos(
            client->ssl, (const unsigned char *)options->alpn, (unsigned)strlen(options->alpn));
    if (options->session != NULL)
        SSL_set_session(client->ssl, options->session);
    client->fd = connect_raw(server);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    SSL_set_fd(client->ssl, client->fd);
    return client;
}

bool tls_handshake(struct tls_client *client)
{
    X509 *certificate;

    ERR_clear_error();
    if (SSL_connect(client->ssl) != 1)
        return false;
    certificate = SSL_get1_peer_certificate(client->ssl);
    X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate), NID_commonName, client->peer_name, sizeof(client->peer_name));
    X509_free(certificate);
    return true;
}

struct tls_client *tls_connect(const struct server *server, const struct tls_options *options)
{
    struct tls_client *client = tls_open(server, options);

    if (tls_handshake(client))
        return client;
    tls_close(client);
    return NULL;
}

void tls_close(struct tls_client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->fd);
    free(client);
}

void tls_send(struct tls_client *client, const char *bytes, size_t len)
{
    cr_assert_eq(SSL_write(client->ssl, bytes, (int)len), (int)len);
}

char *tls_read_response(struct tls_client *client)
{
    char *text = calloc(1, RESPONSE_MAX), *blank;
    size_t len = 0, whole = SIZE_MAX;

    while (len < whole && len < RESPONSE_MAX - 1) {
        int got = SSL_read(client->ssl, text + len, (int)(RESPONSE_MAX - 1 - len));

        if (got <= 0)
            break;
        len += (size_t)got;
        if (whole == SIZE_MAX && (blank = strstr(text, "\r\n\r\n")) != NULL) {
            struct answer answer = {.headers = text};
            char *length = answer_header(&answer, "content-length");

            whole = (size_t)(blank - text) + 4 + strtoul(length, NULL, 10);
            free(length);
        }
    }
    return text;
}

char *tls_read_to_end(struct tls_client *client, bool *has_close_notify)
{
    char *text = NULL, buffer[4096];
    size_t size;
    FILE *out = open_memstream(&text, &size);
    int got;

    while ((got = SSL_read(client->ssl, buffer, sizeof(buffer))) > 0)
        fwrite(buffer, 1, (size_t)got, out);
    *has_close_notify = SSL_get_error(client->ssl, got) == SSL_ERROR_ZERO_RETURN;
    fclose(out);
    return text;
}

void tls_expect_served(struct tls_client *client, const char *name)
{
    static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    char *answer;

    cr_assert_not_null(client, "%s: the handshake failed", name);
    tls_send(client, request, sizeof(request) - 1);
    answer = tls_read_response(client);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s: %s", name, answer);
    free(answer);
}
