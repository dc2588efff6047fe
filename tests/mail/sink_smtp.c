#include "sink_state.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/count.h"
#include "harness/process.h"

/* SMTP as a sink speaks it, with the faults that it was given. */

#define KEPT_TEXTS 1000
#define LINE_SIZE 2048

struct connection {
    struct sink *sink;
    int fd;
    SSL *ssl;
    char buffer[LINE_SIZE];
    size_t start, end;
    char *sender, *recipient;
};

static ssize_t receive(struct connection *connection, char *bytes, size_t size)
{
    return connection->ssl != NULL ? SSL_read(connection->ssl, bytes, (int)size)
                                   : recv(connection->fd, bytes, size, 0);
}

static bool say(struct connection *connection, const char *text)
{
    size_t len = strlen(text);

    return connection->ssl != NULL ? SSL_write(connection->ssl, text, (int)len) > 0
                                   : send(connection->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* A line without its end; NULL if the client has disconnected. */
static const char *read_line(struct connection *connection, char line[LINE_SIZE])
{
    for (;;) {
        char *begin = connection->buffer + connection->start,
             *end = memchr(begin, '\n', connection->end - connection->start);
        ssize_t got;

        if (end != NULL) {
            size_t len = (size_t)(end - begin);

            memcpy(line, begin, len);
            line[len > 0 && line[len - 1] == '\r' ? len - 1 : len] = '\0';
            connection->start += len + 1;
            return line;
        }
        memmove(connection->buffer, begin, connection->end - connection->start);
        connection->end -= connection->start;
        connection->start = 0;
        if (connection->end == sizeof(connection->buffer))
            return NULL;
        got = receive(
            connection, connection->buffer + connection->end, sizeof(connection->buffer) - connection->end);
        if (got <= 0)
            return NULL;
        connection->end += (size_t)got;
    }
}

/* Counts a stage that is reached, and returns its fault. */
static struct sink_fault reach(struct sink *sink, enum sink_stage stage)
{
    struct sink_fault fault = {stage, SINK_NORMAL, NULL, 0};

    pthread_mutex_lock(&sink->mutex);
    sink->reached[stage]++;
    for (size_t i = 0; i < MAX_FAULTS && sink->faults[i].action != SINK_NORMAL; i++) {
        if (sink->faults[i].stage != stage || sink->left[i] == 0)
            continue;
        fault = sink->faults[i];
        sink->left[i] -= sink->left[i] > 0;
        break;
    }
    pthread_mutex_unlock(&sink->mutex);
    return fault;
}

static void await_release(struct sink *sink)
{
    for (bool released = false; !released; sleep_ms(2)) {
        pthread_mutex_lock(&sink->mutex);
        released = sink->released;
        pthread_mutex_unlock(&sink->mutex);
    }
}

static void await_end(struct connection *connection)
{
    char byte;

    while (recv(connection->fd, &byte, 1, 0) > 0)
        ;
}

static bool send_in_pieces(struct connection *connection, const char *text)
{
    for (; *text != '\0'; text++) {
        if (!say(connection, (char[]){*text, '\0'}))
            return false;
        sleep_ms(2);
    }
    return true;
}

static bool is_correct_reply(const struct sink_fault *fault)
{
    return fault->action != SINK_REPLY && fault->action != SINK_STALL && fault->action != SINK_DROP;
}

/* Sends the correct reply, or that of a fault. False if the connection is to be closed. */
static bool reply(struct connection *connection, const struct sink_fault *fault, const char *right)
{
    char line[LINE_SIZE];

    switch (fault->action) {
    case SINK_HOLD:
    case SINK_NORMAL:
        return say(connection, right);
    case SINK_BARE:
        snprintf(line, sizeof(line), "%.3s\r\n", right);
        return say(connection, line);
    case SINK_PIECES:
        return send_in_pieces(connection, right);
    case SINK_REPLY:
        snprintf(line, sizeof(line), "%s\r\n", fault->reply);
        return say(connection, line) && strncmp(fault->reply, "421", 3) != 0;
    case SINK_STALL:
        await_end(connection);
        return false;
    case SINK_DROP:
        return false;
    }
    return false;
}

/* Sends the reply of a stage; *is_correct: whether it was the correct one. */
static bool answer(struct connection *connection, enum sink_stage stage, const char *right, bool *is_correct)
{
    struct sink_fault fault = reach(connection->sink, stage);

    if (fault.action == SINK_HOLD)
        await_release(connection->sink);
    *is_correct = is_correct_reply(&fault);
    return reply(connection, &fault, right);
}

static void keep_mail(struct connection *connection, char *text, bool is_accepted)
{
    struct sink *sink = connection->sink;
    const char *id = strstr(text, "\r\nMessage-ID: <");
    struct sink_mail mail = {
        strdup(connection->sender), strdup(connection->recipient), NULL, NULL, is_accepted};

    if (id != NULL) {
        id += strlen("\r\nMessage-ID: <");
        mail.id = strndup(id, strcspn(id, ">\r"));
    } else {
        mail.id = strdup("");
    }
    pthread_mutex_lock(&sink->mutex);
    if (sink->count < KEPT_TEXTS)
        mail.text = strdup(text);
    if (sink->count == sink->capacity) {
        sink->capacity = sink->capacity > 0 ? sink->capacity * 2 : 64;
        sink->mails = realloc(sink->mails, sink->capacity * sizeof(*sink->mails));
    }
    sink->mails[sink->count++] = mail;
    pthread_mutex_unlock(&sink->mutex);
}

static bool take_body(struct connection *connection)
{
    char line[LINE_SIZE], *text = NULL;
    size_t len, lines = 0;
    FILE *out = open_memstream(&text, &len);
    bool goes_on = false, is_whole = false;
    struct sink_fault fault = {.action = SINK_NORMAL};

    while (read_line(connection, line) != NULL) {
        if (lines++ == 5 && (fault = reach(connection->sink, SINK_BODY)).action != SINK_NORMAL)
            break;
        if (strcmp(line, ".") == 0) {
            is_whole = true;
            break;
        }
        fprintf(out, "%s\r\n", line[0] == '.' ? line + 1 : line);
    }
    fclose(out);
    if (fault.action == SINK_STALL)
        await_end(connection);
    if (is_whole) {
        struct sink_fault end = reach(connection->sink, SINK_END);

        if (end.action == SINK_HOLD)
            await_release(connection->sink);
        /* Stored before the reply, so that the mail is there when the client gets the reply. */
        keep_mail(connection, text, is_correct_reply(&end));
        goes_on = reply(connection, &end, "250 2.0.0 taken\r\n");
    }
    free(text);
    return goes_on;
}

static bool begin_tls(struct connection *connection)
{
    connection->ssl = SSL_new(connection->sink->tls);
    SSL_set_fd(connection->ssl, connection->fd);
    return SSL_accept(connection->ssl) == 1;
}

static char *address_of(const char *line)
{
    const char *open = strchr(line, '<');

    return open != NULL ? strndup(open + 1, strcspn(open + 1, ">")) : strdup("");
}

static bool is_text(const char *encoded, const char *expected, size_t expected_len)
{
    unsigned char text[512];
    int len = strlen(encoded) > sizeof(text)
                  ? -1
                  : EVP_DecodeBlock(text, (const unsigned char *)encoded, (int)strlen(encoded));

    return len >= (int)expected_len && memcmp(text, expected, expected_len) == 0;
}

/* AUTH PLAIN takes one line, and AUTH LOGIN two. */
static bool log_in(struct connection *connection, bool is_plain)
{
    const struct sink_options *options = &connection->sink->options;
    char first[LINE_SIZE], second[LINE_SIZE], expected[512];
    int len = snprintf(expected, sizeof(expected), "%c%s%c%s", '\0', options->user, '\0', options->password);
    bool is_login, is_correct;

    if (!say(connection, "334 \r\n") || read_line(connection, first) == NULL)
        return false;
    if (!is_plain && (!say(connection, "334 \r\n") || read_line(connection, second) == NULL))
        return false;
    is_login = is_plain ? is_text(first, expected, (size_t)len)
                        : is_text(first, options->user, strlen(options->user)) &&
                              is_text(second, options->password, strlen(options->password));
    return answer(connection, SINK_LOGIN, is_login ? "235 2.7.0 welcome\r\n" : "535 5.7.8 wrong password\r\n",
        &is_correct);
}

static bool answer_ehlo(struct connection *connection)
{
    const struct sink_options *options = &connection->sink->options;
    const bool is_clear = options->certificate != NULL && connection->ssl == NULL;
    const char *const offers[] = {
        is_clear ? "STARTTLS" : NULL, is_clear ? NULL : options->login_offer, options->utf8_offer};
    char text[256];
    size_t len = (size_t)snprintf(text, sizeof(text), "250-sink\r\n");
    bool is_correct;

    for (size_t i = 0; i < COUNT(offers); i++) {
        if (offers[i] != NULL)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "250-%s\r\n", offers[i]);
    }
    snprintf(text + len, sizeof(text) - len, "250 SIZE 10000000\r\n");
    return answer(connection, SINK_HELLO, text, &is_correct);
}

static bool handle_command(struct connection *connection, const char *line)
{
    bool is_correct = false, goes_on;

    if (strncasecmp(line, "EHLO", 4) == 0)
        return answer_ehlo(connection);
    if (strncasecmp(line, "STARTTLS", 8) == 0)
        return answer(connection, SINK_TLS, "220 begin\r\n", &is_correct) &&
               (!is_correct || begin_tls(connection));
    if (strcmp(line, "AUTH PLAIN") == 0 || strcmp(line, "AUTH LOGIN") == 0)
        return log_in(connection, strcmp(line, "AUTH PLAIN") == 0);
    if (strncasecmp(line, "MAIL", 4) == 0) {
        free(connection->sender);
        connection->sender = address_of(line);
        return answer(connection, SINK_MAIL, "250 2.1.0 fine\r\n", &is_correct);
    }
    if (strncasecmp(line, "RCPT", 4) == 0) {
        free(connection->recipient);
        connection->recipient = address_of(line);
        return answer(connection, SINK_RCPT, "250 2.1.5 fine\r\n", &is_correct);
    }
    if (strncasecmp(line, "DATA", 4) == 0) {
        goes_on = answer(connection, SINK_DATA, "354 go on\r\n", &is_correct);
        return goes_on && is_correct ? take_body(connection) : goes_on;
    }
    if (strncasecmp(line, "RSET", 4) == 0)
        return say(connection, "250 2.0.0 fine\r\n");
    if (strncasecmp(line, "QUIT", 4) == 0)
        answer(connection, SINK_QUIT, "221 2.0.0 bye\r\n", &is_correct);
    return false;
}

static void forget(struct sink *sink, int fd)
{
    pthread_mutex_lock(&sink->mutex);
    for (size_t i = 0; i < sink->connections; i++) {
        if (sink->fds[i] == fd)
            sink->fds[i] = -1;
    }
    close(fd);
    pthread_mutex_unlock(&sink->mutex);
}

void sink_serve_client(struct sink *sink, int fd)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    char line[LINE_SIZE];
    bool is_correct, goes_on;

    connection->sink = sink;
    connection->fd = fd;
    connection->sender = strdup("");
    connection->recipient = strdup("");
    goes_on = !sink->options.is_smtps || begin_tls(connection);
    goes_on = goes_on && answer(connection, SINK_GREETING, "220 sink ESMTP\r\n", &is_correct);
    while (goes_on && read_line(connection, line) != NULL) {
        pthread_mutex_lock(&sink->mutex);
        if (sink->commands_len < 1000000) {
            fprintf(sink->commands_out, "%s\n", line);
            fflush(sink->commands_out);
        }
        pthread_mutex_unlock(&sink->mutex);
        goes_on = handle_command(connection, line);
    }
    if (connection->ssl != NULL)
        SSL_free(connection->ssl);
    ERR_clear_error();
    forget(sink, fd);
    free(connection->sender);
    free(connection->recipient);
    free(connection);
}
