#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/tls_client.h"

/* The certificate's files: errors at the start, and new files while the server runs. */

#define CONNECTIONS 16

static char *url;
static struct certificate *certificate;

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    url = server_database_url(database_url());
    certificate = certificate_make("first", KEY_EC);
}

static void tear_down(void)
{
    certificate_free(certificate);
    free(url);
}

TestSuite(certificate, .init = set_up, .fini = tear_down, .timeout = 120);

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    cr_assert_not_null(out, "%s", path);
    fputs(text, out);
    fclose(out);
}

static void expect_refusal(const char *certificate_path, const char *key_path, const char *reason)
{
    const char *const arguments[][8] = {{"--database-url", url, "--port=0", "--tls-certificate",
                                            certificate_path, "--tls-key", key_path, NULL},
        {"--check-config", "--tls-certificate", certificate_path, "--tls-key", key_path, NULL}};

    for (size_t i = 0; i < 2; i++) {
        char *said;
        int status = server_run(arguments[i], &said);

        cr_expect_eq(status, 1, "status %d: %s", status, said);
        cr_expect_not_null(strstr(said, reason), "not \"%s\": %s", reason, said);
        cr_expect_eq(strchr(said, '\n'), said + strlen(said) - 1, "not one line: %s", said);
        free(said);
    }
}

Test(certificate, an_unusable_one_is_reported_in_one_line)
{
    struct certificate *other = certificate_make("other", KEY_EC), *encrypted = certificate_make("x", KEY_EC);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *out = fopen(encrypted->key_path, "w");
    char *said;

    cr_assert_eq(
        PEM_write_PrivateKey(out, key, EVP_aes_128_cbc(), (const unsigned char *)"secret", 6, NULL, NULL), 1);
    fclose(out);
    EVP_PKEY_free(key);
    expect_refusal("/nowhere/certificate", certificate->key_path, "--tls-certificate: ");
    expect_refusal(certificate->certificate_path, "/nowhere/key", "--tls-key: ");
    expect_refusal(certificate->key_path, certificate->key_path, "--tls-certificate: ");
    expect_refusal(certificate->certificate_path, certificate->certificate_path, "--tls-key: ");
    expect_refusal(certificate->certificate_path, other->key_path, "key values mismatch");
    expect_refusal(certificate->certificate_path, encrypted->key_path, "--tls-key: ");
    expect_refusal(certificate->certificate_path, "", "must be set together");
    expect_refusal("", certificate->key_path, "must be set together");
    cr_expect_eq(server_run((const char *[]){"--check-config", "--tls-certificate",
                                certificate->certificate_path, "--tls-key", certificate->key_path, NULL},
                     &said),
        0, "%s", said);
    free(said);
    certificate_free(encrypted);
    certificate_free(other);
}

/* Below 112 bits: at the start, and for a server with a valid certificate. */
Test(certificate, a_weak_one_is_refused)
{
    static const struct {
        enum key_kind kind;
        const char *reason;
    } weak[] = {{KEY_RSA_1024, "ee key too small"}, {KEY_EC_SHA_1, "ca md too weak"}};

    for (size_t i = 0; i < COUNT(weak); i++) {
        struct certificate *made = certificate_make("weak", weak[i].kind);

        expect_refusal(made->certificate_path, made->key_path, weak[i].reason);
        certificate_free(made);
    }
}

/* Makes it reload its files, and waits for the result in its log. The workers get it soon after. */
static void reload(const struct server *server, const char *event)
{
    size_t before = server_log_count(server, event);

    kill(server->pid, SIGHUP);
    for (int i = 0; server_log_count(server, event) == before; i++) {
        cr_assert_lt(i, 1000, "no %s", event);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
}

/* So many connections that each worker has some. */
static void connect_all(
    const struct server *server, struct tls_client *clients[CONNECTIONS], const char *name)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        clients[i] = tls_connect(server, &(struct tls_options){0});
        tls_expect_served(clients[i], name);
        cr_expect_str_eq(clients[i]->peer_name, name, "the certificate of %s", clients[i]->peer_name);
    }
}

static void expect_all_served(struct tls_client *clients[CONNECTIONS], const char *name)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        tls_expect_served(clients[i], name);
}

static void close_all(struct tls_client *clients[CONNECTIONS])
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        tls_close(clients[i]);
}

static struct server *start(void)
{
    return server_start(url, (const char *[]){"--tls-certificate", certificate->certificate_path, "--tls-key",
                                 certificate->key_path, "--request-timeout", "60000", NULL});
}

Test(certificate, a_new_one_applies_to_new_connections)
{
    struct server *server = start();
    struct tls_client *old[CONNECTIONS], *early[CONNECTIONS], *new[CONNECTIONS];

    connect_all(server, old, "first");
    for (size_t i = 0; i < CONNECTIONS; i++)
        early[i] = tls_open(server, &(struct tls_options){0});
    for (int round = 0; round < 10; round++) {
        char name[32];

        snprintf(name, sizeof(name), "round %d", round);
        certificate_renew(certificate, name, round % 2 == 0 ? KEY_EC : KEY_RSA);
        reload(server, "\"certificate_reloaded\"");
        expect_all_served(old, "old");
        connect_all(server, new, name);
        close_all(new);
    }
    /* Accepted before the reload, they shake hands with the first certificate, although new ones do not. */
    for (size_t i = 0; i < CONNECTIONS; i++) {
        cr_assert(tls_handshake(early[i]));
        tls_expect_served(early[i], "early");
        cr_expect_str_eq(early[i]->peer_name, "first");
    }
    close_all(early);
    close_all(old);
    server_end(server);
}

Test(certificate, an_invalid_one_is_not_loaded)
{
    struct server *server = start();
    struct certificate *other = certificate_make("other", KEY_EC);
    struct tls_client *old[CONNECTIONS], *new[CONNECTIONS];
    char *log;

    connect_all(server, old, "first");
    /* A key that does not match the certificate. */
    rename(other->key_path, certificate->key_path);
    reload(server, "\"certificate_not_reloaded\"");
    connect_all(server, new, "first");
    close_all(new);
    write_file(certificate->certificate_path, "no certificate\n");
    reload(server, "\"certificate_not_reloaded\"");
    unlink(certificate->certificate_path);
    reload(server, "\"certificate_not_reloaded\"");
    certificate_renew(certificate, "weak", KEY_RSA_1024);
    reload(server, "\"certificate_not_reloaded\"");
    connect_all(server, new, "first");
    close_all(new);
    expect_all_served(old, "old");
    log = server_log(server);
    cr_expect_not_null(strstr(log, "key values mismatch"), "%s", log);
    cr_expect_null(strstr(log, "\"certificate_reloaded\""), "%s", log);
    free(log);
    /* A valid one is used again. */
    certificate_renew(certificate, "second", KEY_EC);
    reload(server, "\"certificate_reloaded\"");
    connect_all(server, new, "second");
    close_all(new);
    close_all(old);
    certificate_free(other);
    server_end(server);
}

Test(certificate, sighup_without_one_is_ignored)
{
    struct server *server = server_start(url, NULL);
    static const char bytes[] = "GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    char *answer;

    kill(server->pid, SIGHUP);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    answer = send_raw(server, bytes, sizeof(bytes) - 1);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s", answer);
    free(answer);
    server_end(server);
}
