#include "harness.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

const char *database_url(void)
{
    const char *url = getenv("DATABASE_URL");

    cr_assert_not_null(url, "DATABASE_URL is not set: scripts/test sets it");
    return url;
}

char *server_database_url(const char *url)
{
    char *error = NULL, *text = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &error);
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert_not_null(options, "%s", error);
    for (PQconninfoOption *option = options; option->keyword != NULL; option++) {
        if (option->val != NULL && strcmp(option->keyword, "user") != 0)
            fprintf(out, "%s='%s' ", option->keyword, option->val);
    }
    fputs("user=accountsd_server", out);
    fclose(out);
    PQconninfoFree(options);
    return text;
}

PGconn *database_connect(const char *url)
{
    PGconn *pg = PQconnectdb(url);

    cr_assert_eq(PQstatus(pg), CONNECTION_OK, "%s", PQerrorMessage(pg));
    return pg;
}

char *database_query(PGconn *pg, const char *sql, ...)
{
    const char *parameters[3];
    int count = 0;
    va_list arguments;
    PGresult *result;
    char *value;

    va_start(arguments, sql);
    while (count < 3 && (parameters[count] = va_arg(arguments, const char *)) != NULL)
        count++;
    va_end(arguments);
    result = PQexecParams(pg, sql, count, NULL, parameters, NULL, NULL, 0);
    cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK,
        "%s: %s", sql, PQerrorMessage(pg));
    value = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return value;
}

void database_analyze(PGconn *pg)
{
    free(database_query(pg,
        "analyze accounts.person, accounts.account_user, accounts.account_user_group, accounts.invitation,"
        " accounts.outbox, accounts.audit_record",
        NULL));
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *out)
{
    return fwrite(bytes, size, count, out);
}

/* A member of a line in exchanges.jsonl: a text with a character U+0000 to U+00FF for each byte. */
static void write_bytes(FILE *out, const char *name, const char *bytes, size_t len)
{
    fprintf(out, "\"%s\":\"", name);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        fprintf(out, c < ' ' || c > '~' || c == '"' || c == '\\' ? "\\u%04x" : "%c", c);
    }
    fputc('"', out);
}

/* Appends an exchange to $TEST_DIR/exchanges.jsonl for tests/openapi/check.mjs: names and texts with known
 * lengths, then NULL. A single write, so that concurrent tests do not mix their lines. */
static void record(long status, ...)
{
    const char *dir = getenv("TEST_DIR"), *name;
    char *line = NULL, *file = NULL;
    size_t len;
    FILE *out;
    va_list members;
    int fd;

    if (dir == NULL)
        return;
    out = open_memstream(&line, &len);
    fprintf(out, "{\"status\":%ld", status);
    va_start(members, status);
    while ((name = va_arg(members, const char *)) != NULL) {
        const char *text = va_arg(members, const char *);

        fputc(',', out);
        write_bytes(out, name, text, va_arg(members, size_t));
    }
    va_end(members);
    fputs("}\n", out);
    fclose(out);
    cr_assert_geq(asprintf(&file, "%s/exchanges.jsonl", dir), 0);
    fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    cr_assert_geq(fd, 0, "%s", file);
    cr_assert_eq(write(fd, line, len), (ssize_t)len, "%s", file);
    close(fd);
    free(file);
    free(line);
}

void record_raw(const char *sent, size_t sent_len, const char *received, size_t received_len)
{
    record(0L, "sent", sent, sent_len, "received", received, received_len, NULL);
}

/* Recorded or not; exchanges that the OpenAPI document does not describe are not. */
static struct answer perform(int port, const char *method, const char *path, const char *token,
    const char *body, const char *const *headers, bool is_recorded)
{
    struct answer answer = {0};
    struct curl_slist *list = NULL;
    CURL *curl = curl_easy_init();
    size_t body_size, headers_size;
    FILE *body_out = open_memstream(&answer.text, &body_size);
    FILE *headers_out = open_memstream(&answer.headers, &headers_size);
    char url[512], line[512];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
    if (token != NULL) {
        snprintf(line, sizeof(line), "Authorization: Bearer %s", token);
        list = curl_slist_append(list, line);
    }
    list = curl_slist_append(list, "Expect:");
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++)
        list = curl_slist_append(list, headers[i]);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body_out);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, headers_out);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    /* curl would otherwise wait for as many bytes as Content-Length says. */
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    fclose(body_out);
    fclose(headers_out);
    if (answer.status != 0 && is_recorded)
        record(answer.status, "method", method, strlen(method), "path", path, strlen(path), "sent",
            body != NULL ? body : "", body != NULL ? strlen(body) : (size_t)0, "headers", answer.headers,
            headers_size, "body", answer.text, body_size, NULL);
    answer.body = json_loadb(answer.text, body_size, JSON_REJECT_DUPLICATES, NULL);
    return answer;
}

struct answer request(const struct server *server, const char *method, const char *path, const char *token,
    const char *body, const char *const *headers)
{
    return perform(server->port, method, path, token, body, headers, true);
}

struct answer telemetry_get(const struct server *server, const char *path)
{
    return perform(server->telemetry_port, "GET", path, NULL, NULL, NULL, false);
}

struct answer post(const struct server *server, const char *token, const char *body)
{
    return request(
        server, "POST", ACCOUNT_USERS, token, body, (const char *[]){"Content-Type: application/json", NULL});
}

struct answer request_json(
    const struct server *server, const char *method, const char *path, const char *token, const char *body)
{
    return request(
        server, method, path, token, body, (const char *[]){"Content-Type: application/json", NULL});
}

void answer_free(struct answer *answer)
{
    json_decref(answer->body);
    free(answer->text);
    free(answer->headers);
}

char *answer_header(const struct answer *answer, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = answer->headers; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *value = line + len + 1 + strspn(line + len + 1, " ");

            return strndup(value, strcspn(value, "\r\n"));
        }
        if (strchr(line, '\n') == NULL)
            break;
    }
    return strdup("");
}

void expect_header(const struct answer *answer, const char *name, const char *value)
{
    char *found = answer_header(answer, name);

    cr_expect_str_eq(found, value, "%s is \"%s\", not \"%s\": %s", name, found, value, answer->text);
    free(found);
}

const char *answer_text(const struct answer *answer, ...)
{
    const json_t *value = answer->body;
    const char *key;
    va_list keys;

    va_start(keys, answer);
    while ((key = va_arg(keys, const char *)) != NULL)
        value = json_object_get(value, key);
    va_end(keys);
    return json_is_string(value) ? json_string_value(value) : "(none)";
}

static void set_silence(int fd, time_t seconds)
{
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = seconds}, sizeof(struct timeval));
}

static int open_connection(int port, time_t silence_seconds)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    set_silence(fd, silence_seconds);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert_eq(bind(fd, (const struct sockaddr *)&address, len), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

int connect_raw(const struct server *server)
{
    return open_connection(server->port, 5);
}

int connect_telemetry_raw(const struct server *server)
{
    return open_connection(server->telemetry_port, 5);
}

/* The server may be busy. */
#define FIRST_BYTE_SECONDS 20

static char *send_bytes(int port, const char *bytes, size_t len, size_t *size, bool *closed)
{
    int fd = open_connection(port, FIRST_BYTE_SECONDS);
    char *text = NULL, buffer[4096];
    FILE *out = open_memstream(&text, size);
    ssize_t got;

    for (size_t sent = 0; sent < len;) {
        ssize_t written = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);

        if (written <= 0)
            break;
        sent += (size_t)written;
    }
    while ((got = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
        set_silence(fd, 1);
        fwrite(buffer, 1, (size_t)got, out);
    }
    *closed = got == 0 || errno == ECONNRESET;
    close(fd);
    fclose(out);
    return text;
}

char *exchange_raw(const struct server *server, const char *bytes, size_t len, bool *closed)
{
    size_t size;
    char *text = send_bytes(server->port, bytes, len, &size, closed);

    record_raw(bytes, len, text, size);
    return text;
}

char *send_raw(const struct server *server, const char *bytes, size_t len)
{
    bool closed;

    return exchange_raw(server, bytes, len, &closed);
}

char *telemetry_send_raw(const struct server *server, const char *bytes, size_t len)
{
    size_t size;
    bool closed;

    return send_bytes(server->telemetry_port, bytes, len, &size, &closed);
}
