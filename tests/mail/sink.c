#include "sink.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/process.h"
#include "sink_state.h"

#define AWAIT_MS 10000

struct client {
    struct sink *sink;
    int fd;
};

static void *serve(void *data)
{
    struct client client = *(struct client *)data;

    free(data);
    sink_serve_client(client.sink, client.fd);
    return NULL;
}

static void *take_connections(void *data)
{
    struct sink *sink = data;
    int fd;

    while ((fd = accept(sink->listen_fd, NULL, NULL)) >= 0) {
        struct client *client = malloc(sizeof(*client));
        size_t slot = 0;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        *client = (struct client){sink, fd};
        pthread_mutex_lock(&sink->mutex);
        while (slot < sink->connections && sink->fds[slot] >= 0)
            slot++;
        if (slot == MAX_CONNECTIONS)
            abort();
        if (slot < sink->connections)
            pthread_join(sink->threads[slot], NULL);
        else
            sink->connections++;
        sink->fds[slot] = fd;
        if (pthread_create(&sink->threads[slot], NULL, serve, client) != 0)
            abort();
        pthread_mutex_unlock(&sink->mutex);
    }
    return NULL;
}

struct sink *sink_start(const struct sink_options *options)
{
    struct sink *sink = calloc(1, sizeof(*sink));
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_addr.s_addr = htonl(options->is_other_address ? INADDR_LOOPBACK + 1 : INADDR_LOOPBACK),
        .sin_port = htons((uint16_t)options->port)};
    socklen_t len = sizeof(address);

    sink->options = *options;
    pthread_mutex_init(&sink->mutex, NULL);
    sink->commands_out = open_memstream(&sink->commands, &sink->commands_len);
    if (options->certificate != NULL) {
        sink->tls = SSL_CTX_new(TLS_server_method());
        cr_assert_eq(SSL_CTX_use_certificate_file(sink->tls, options->certificate, SSL_FILETYPE_PEM), 1);
        cr_assert_eq(SSL_CTX_use_PrivateKey_file(sink->tls, options->key, SSL_FILETYPE_PEM), 1);
    }
    sink->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(sink->listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    cr_assert_eq(bind(sink->listen_fd, (const struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(sink->listen_fd, 128), 0);
    cr_assert_eq(getsockname(sink->listen_fd, (struct sockaddr *)&address, &len), 0);
    sink->port = ntohs(address.sin_port);
    cr_assert_eq(pthread_create(&sink->thread, NULL, take_connections, sink), 0);
    return sink;
}

int sink_port(const struct sink *sink)
{
    return sink->port;
}

void sink_set_faults(struct sink *sink, const struct sink_fault *faults)
{
    pthread_mutex_lock(&sink->mutex);
    memset(sink->faults, 0, sizeof(sink->faults));
    sink->released = false;
    for (size_t i = 0; i < MAX_FAULTS && faults[i].action != SINK_NORMAL; i++) {
        sink->faults[i] = faults[i];
        sink->left[i] = faults[i].times > 0 ? faults[i].times : -1;
    }
    pthread_mutex_unlock(&sink->mutex);
}

void sink_release(struct sink *sink)
{
    pthread_mutex_lock(&sink->mutex);
    sink->released = true;
    pthread_mutex_unlock(&sink->mutex);
}

void sink_stop(struct sink *sink)
{
    sink_release(sink);
    shutdown(sink->listen_fd, SHUT_RDWR);
    pthread_join(sink->thread, NULL);
    close(sink->listen_fd);
    pthread_mutex_lock(&sink->mutex);
    for (size_t i = 0; i < sink->connections; i++) {
        if (sink->fds[i] >= 0)
            shutdown(sink->fds[i], SHUT_RDWR);
    }
    pthread_mutex_unlock(&sink->mutex);
    for (size_t i = 0; i < sink->connections; i++)
        pthread_join(sink->threads[i], NULL);
    for (size_t i = 0; i < sink->count; i++) {
        free(sink->mails[i].sender);
        free(sink->mails[i].recipient);
        free(sink->mails[i].id);
        free(sink->mails[i].text);
    }
    free(sink->mails);
    fclose(sink->commands_out);
    free(sink->commands);
    SSL_CTX_free(sink->tls);
    pthread_mutex_destroy(&sink->mutex);
    free(sink);
}

size_t sink_reached(struct sink *sink, enum sink_stage stage)
{
    size_t count;

    pthread_mutex_lock(&sink->mutex);
    count = sink->reached[stage];
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

bool sink_await(struct sink *sink, enum sink_stage stage, size_t count)
{
    for (long waited = 0; waited < AWAIT_MS; waited += 2) {
        if (sink_reached(sink, stage) >= count)
            return true;
        sleep_ms(2);
    }
    return false;
}

size_t sink_count(struct sink *sink)
{
    size_t count;

    pthread_mutex_lock(&sink->mutex);
    count = sink->count;
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

struct sink_mail sink_mail_at(struct sink *sink, size_t index)
{
    struct sink_mail mail;

    cr_assert_lt(index, sink_count(sink));
    pthread_mutex_lock(&sink->mutex);
    mail = sink->mails[index];
    pthread_mutex_unlock(&sink->mutex);
    return mail;
}

size_t sink_count_accepted(struct sink *sink)
{
    size_t count = 0;

    pthread_mutex_lock(&sink->mutex);
    for (size_t i = 0; i < sink->count; i++)
        count += sink->mails[i].is_accepted;
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t sink_count_ids(struct sink *sink)
{
    const char **ids;
    size_t accepted = 0, count = 0;

    pthread_mutex_lock(&sink->mutex);
    ids = calloc(sink->count + 1, sizeof(*ids));
    for (size_t i = 0; i < sink->count; i++) {
        if (sink->mails[i].is_accepted)
            ids[accepted++] = sink->mails[i].id;
    }
    qsort(ids, accepted, sizeof(*ids), compare);
    for (size_t i = 0; i < accepted; i++)
        count += i == 0 || strcmp(ids[i], ids[i - 1]) != 0;
    free(ids);
    pthread_mutex_unlock(&sink->mutex);
    return count;
}

char *sink_commands(struct sink *sink)
{
    char *commands;

    pthread_mutex_lock(&sink->mutex);
    fflush(sink->commands_out);
    commands = strdup(sink->commands);
    pthread_mutex_unlock(&sink->mutex);
    return commands;
}
