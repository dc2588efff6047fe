#include <criterion/criterion.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/fixture.h"
#include "harness/process.h"
#include "harness/tls_client.h"
#include "wire_rows.h"

/* The same service over TLS. */

#define HTTP_1_1 "\x08http/1.1"
#define H2 "\x02h2"
#define GET_A GET "\r\n"

static PGconn *pg;
static struct account *account;
static struct certificate *certificate;
static struct server *server;

static struct server *start(enum key_kind kind)
{
    char *url = server_database_url(database_url());
    struct server *started;

    if (certificate != NULL)
        certificate_free(certificate);
    certificate = certificate_make("first", kind);
    started = server_start(url, (const char *[]){"--tls-certificate", certificate->certificate_path,
                                    "--tls-key", certificate->key_path, "--request-timeout", "1500", NULL});
    free(url);
    return started;
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    pg = database_connect(database_url());
    account = account_make(pg, "Client");
    server = start(KEY_EC);
}

static void tear_down(void)
{
    server_end(server);
    certificate_free(certificate);
    account_free(account);
    PQfinish(pg);
}

TestSuite(tls, .init = set_up, .fini = tear_down, .timeout = 120);

static void expect_refused(struct tls_client *client, const char *name)
{
    cr_expect_null(client, "%s: the handshake succeeded", name);
    if (client != NULL)
        tls_close(client);
}

Test(tls, old_versions_are_refused)
{
    static const struct {
        int version;
        const char *name;
        bool is_spoken;
    } versions[] = {{TLS1_VERSION, "1.0", false}, {TLS1_1_VERSION, "1.1", false},
        {TLS1_2_VERSION, "1.2", true}, {TLS1_3_VERSION, "1.3", true}};

    for (size_t i = 0; i < COUNT(versions); i++) {
        struct tls_client *client = tls_connect(server,
            &(struct tls_options){.min_version = versions[i].version, .max_version = versions[i].version});

        if (versions[i].is_spoken) {
            tls_expect_served(client, versions[i].name);
            cr_expect_eq(SSL_version(client->ssl), versions[i].version);
            tls_close(client);
        } else
            expect_refused(client, versions[i].name);
    }
}

/* With an RSA key, which most weak ciphers need. */
Test(tls, ciphers_without_forward_secrecy_or_authentication_are_refused)
{
    static const struct {
        const char *name;
        bool is_spoken;
    } ciphers[] = {{"ECDHE-RSA-AES128-GCM-SHA256", true}, {"ECDHE-RSA-AES256-GCM-SHA384", true},
        {"ECDHE-RSA-CHACHA20-POLY1305", true}, {"AES128-GCM-SHA256", false}, {"AES128-SHA", false},
        {"AES256-SHA256", false}, {"ECDHE-RSA-AES128-SHA", false}, {"ECDHE-RSA-AES256-SHA384", false},
        {"DHE-RSA-AES128-GCM-SHA256", false}, {"AECDH-AES128-SHA", false}, {"NULL-SHA256", false},
        {"ECDHE-RSA-NULL-SHA", false}};

    server_end(server);
    server = start(KEY_RSA);
    for (size_t i = 0; i < COUNT(ciphers); i++) {
        struct tls_client *client = tls_connect(
            server, &(struct tls_options){.max_version = TLS1_2_VERSION, .ciphers = ciphers[i].name});

        if (ciphers[i].is_spoken) {
            tls_expect_served(client, ciphers[i].name);
            tls_close(client);
        } else
            expect_refused(client, ciphers[i].name);
    }
}

Test(tls, alpn_selects_only_http_1_1)
{
    static const struct {
        const char *alpn, *agreed;
        bool is_refused;
    } rows[] = {{HTTP_1_1, "http/1.1", false}, {H2 HTTP_1_1, "http/1.1", false}, {NULL, "", false},
        {H2, NULL, true}, {"\x05h2-14", NULL, true}, {"\x03h2c", NULL, true}, {"\x08http/1.0", NULL, true},
        {"\x06spdy/3", NULL, true}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *name = rows[i].alpn != NULL ? rows[i].alpn : "none";
        struct tls_client *client = tls_connect(server, &(struct tls_options){.alpn = rows[i].alpn});

        if (rows[i].is_refused)
            expect_refused(client, name);
        else {
            const unsigned char *agreed;
            unsigned len;

            tls_expect_served(client, name);
            SSL_get0_alpn_selected(client->ssl, &agreed, &len);
            cr_expect(len == strlen(rows[i].agreed) && (len == 0 || memcmp(agreed, rows[i].agreed, len) == 0),
                "%s: %.*s", name, (int)len, agreed);
            tls_close(client);
        }
    }
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *out)
{
    return fwrite(bytes, size, count, out);
}

/* A standard client, which checks the certificate and would prefer HTTP/2. */
Test(tls, curl_is_served)
{
    CURL *curl = curl_easy_init();
    char url[64], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    long status = 0, version = 0;
    CURLcode code;

    snprintf(url, sizeof(url), "https://127.0.0.1:%d/public/v1/accounts/openapi.json", server->port);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, certificate->certificate_path);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_0);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    code = curl_easy_perform(curl);
    cr_expect_eq(code, CURLE_OK, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
    fclose(out);
    cr_expect_eq(status, 200);
    cr_expect_eq(version, CURL_HTTP_VERSION_1_1);
    cr_expect_gt(size, 10000);
    curl_easy_cleanup(curl);
    free(text);
}

Test(tls, a_request_may_come_byte_by_byte)
{
    struct tls_client *client = tls_connect(server, &(struct tls_options){0});
    char *request = create_request(account, NULL), *answer;

    cr_assert_not_null(client);
    for (const char *at = request; *at != '\0'; at++)
        tls_send(client, at, 1);
    answer = tls_read_response(client);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 201 ", 13), 0, "%s", answer);
    cr_expect_eq(account_count_members(pg, account), 1);
    free(answer);
    free(request);
    tls_close(client);
}

/* It sends no more, but continues to read. */
Test(tls, a_client_gets_its_answer_after_close_notify)
{
    for (int is_corked = 0; is_corked < 2; is_corked++) {
        struct tls_client *client = tls_connect(server, &(struct tls_options){0});
        char *request = create_request(account, NULL), *answer;
        bool has_close_notify;

        cr_assert_not_null(client);
        setsockopt(client->fd, IPPROTO_TCP, TCP_CORK, &is_corked, sizeof(int));
        tls_send(client, request, strlen(request));
        SSL_shutdown(client->ssl);
        setsockopt(client->fd, IPPROTO_TCP, TCP_CORK, &(int){0}, sizeof(int));
        answer = tls_read_to_end(client, &has_close_notify);
        cr_expect_eq(strncmp(answer, "HTTP/1.1 201 ", 13), 0, "%s", answer);
        cr_expect(has_close_notify);
        free(answer);
        free(request);
        tls_close(client);
    }
    cr_expect_eq(account_count_members(pg, account), 2);
}

/* The check of the head sees the decrypted bytes: the rows of the tests in clear text. */
Test(tls, request_smuggling_is_refused)
{
    bool has_close_notify;

    for (size_t i = 0; i < framing_row_count; i++) {
        const struct wire_row *row = &framing_rows[i];
        struct tls_client *client = tls_connect(server, &(struct tls_options){0});
        char *request = create_request(account, NULL), *bytes = malloc(row->len + strlen(request) + 1),
             *answer, line[32];

        cr_assert_not_null(client);
        memcpy(bytes, row->bytes, row->len);
        memcpy(bytes + row->len, request, strlen(request) + 1);
        tls_send(client, bytes, row->len + strlen(request));
        answer = tls_read_to_end(client, &has_close_notify);
        snprintf(line, sizeof(line), "HTTP/1.1 %d ", row->status);
        if (row->status != 0)
            cr_expect_eq(
                strncmp(answer, line, strlen(line)), 0, "%s\nnot %d: %s", row->bytes, row->status, answer);
        cr_expect_null(strstr(answer, "HTTP/1.1 201 "), "%s\nanswered %s", row->bytes, answer);
        cr_expect(has_close_notify, "%s\nends without a word", row->bytes);
        free(answer);
        free(bytes);
        free(request);
        tls_close(client);
    }
    cr_expect_eq(account_count_members(pg, account), 0);
}

Test(tls, http_2_is_off)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    struct tls_client *client = tls_connect(server, &(struct tls_options){0});
    bool has_close_notify;
    char *answer;

    cr_assert_not_null(client);
    tls_send(client, preface, sizeof(preface) - 1);
    answer = tls_read_to_end(client, &has_close_notify);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 400 ", 13), 0, "%s", answer);
    free(answer);
    tls_close(client);
}

Test(tls, clear_text_is_not_answered)
{
    bool closed;
    char *answer = exchange_raw(server, GET_A, strlen(GET_A), &closed);

    cr_expect(closed);
    cr_expect_null(strstr(answer, "HTTP/"), "%s", answer);
    free(answer);
}

/* Connections that send nothing, half of a handshake, or half of a request. */
Test(tls, slow_clients_are_disconnected)
{
    struct tls_client *client = tls_connect(server, &(struct tls_options){0});
    static const char greeting[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    int silent = connect_raw(server), half = connect_raw(server);
    bool has_close_notify;
    char *answer, byte;

    cr_assert_eq(send(half, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(greeting) - 1);
    cr_assert_not_null(client);
    tls_send(client, POST, strlen(POST));
    answer = tls_read_to_end(client, &has_close_notify);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 408 ", 13), 0, "%s", answer);
    cr_expect(has_close_notify);
    cr_expect_eq(recv(silent, &byte, 1, 0), 0, "silence is not ended");
    cr_expect_eq(recv(half, &byte, 1, 0), 0, "half a greeting is not ended");
    close(silent);
    close(half);
    free(answer);
    tls_close(client);
}

/* Forward secrecy: recorded connections cannot be decrypted with the server's memory, and a new
 * certificate is used at once. */
Test(tls, sessions_are_not_resumed)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < 2; i++) {
        struct tls_options options = {.min_version = versions[i], .max_version = versions[i]};
        struct tls_client *client = tls_connect(server, &options);

        tls_expect_served(client, "the first");
        options.session = SSL_get1_session(client->ssl);
        cr_expect_eq(SSL_SESSION_is_resumable(options.session), 0, "version %x", (unsigned)versions[i]);
        tls_close(client);
        client = tls_connect(server, &options);
        tls_expect_served(client, "the second");
        cr_expect_eq(SSL_session_reused(client->ssl), 0, "version %x", (unsigned)versions[i]);
        SSL_SESSION_free(options.session);
        tls_close(client);
    }
}

Test(tls, renegotiation_is_refused)
{
    struct tls_client *client = tls_connect(server, &(struct tls_options){.max_version = TLS1_2_VERSION});

    cr_assert_not_null(client);
    cr_expect_eq(SSL_renegotiate(client->ssl), 1);
    cr_expect_neq(SSL_do_handshake(client->ssl), 1, "renegotiation succeeded");
    tls_close(client);
    client = tls_connect(server, &(struct tls_options){0});
    tls_expect_served(client, "another");
    tls_close(client);
}

/* Neither open connections nor unfinished handshakes delay the server's exit, and no memory leaks. */
Test(tls, ends_with_connections_open)
{
    static const char greeting[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    struct tls_client *idle = tls_connect(server, &(struct tls_options){0}),
                      *silent = tls_open(server, &(struct tls_options){0}),
                      *half = tls_open(server, &(struct tls_options){0});

    tls_expect_served(idle, "idle");
    cr_assert_eq(send(half->fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(greeting) - 1);
    cr_expect_eq(server_stop(server, SIGTERM), 0);
    server = start(KEY_EC);
    tls_close(idle);
    tls_close(silent);
    tls_close(half);
}

/* A server that is stopped during a handshake waits for it, and answers the request that follows. */
Test(tls, a_drain_waits_for_handshakes)
{
    struct tls_client *client = tls_open(server, &(struct tls_options){.min_version = TLS1_3_VERSION});
    BIO *input = SSL_get_rbio(client->ssl);
    bool has_close_notify;
    char *answer;

    /* The server's part has arrived, but the client has not read it. */
    BIO_up_ref(input);
    SSL_set0_rbio(client->ssl, BIO_new(BIO_s_mem()));
    cr_assert_eq(SSL_connect(client->ssl), -1);
    SSL_set0_rbio(client->ssl, input);
    cr_assert_eq(poll(&(struct pollfd){.fd = client->fd, .events = POLLIN}, 1, 5000), 1);
    kill(server->pid, SIGTERM);
    sleep_ms(300);
    cr_assert_eq(waitpid(server->pid, NULL, WNOHANG), 0, "the server has ended");
    setsockopt(client->fd, IPPROTO_TCP, TCP_CORK, &(int){1}, sizeof(int));
    cr_assert_eq(SSL_connect(client->ssl), 1, "the handshake failed");
    tls_send(client, GET_A, strlen(GET_A));
    setsockopt(client->fd, IPPROTO_TCP, TCP_CORK, &(int){0}, sizeof(int));
    answer = tls_read_to_end(client, &has_close_notify);
    cr_expect_eq(strncmp(answer, "HTTP/1.1 404 ", 13), 0, "%s", answer);
    cr_expect_eq(server_stop(server, 0), 0);
    server = start(KEY_EC);
    free(answer);
    tls_close(client);
}
