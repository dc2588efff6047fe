#include <arpa/inet.h>
#include <errno.h>
#include <h2o.h>
#include <libpq-fe.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bearer.h"
#include "config.h"
#include "connector.h"
#include "handler.h"
#include "log.h"
#include "memory.h"
#include "version.h"
#include "worker.h"

/* libh2o's own limit on bodies. It reads a body up to this before a handler can refuse it: a client that
 * sends more than our limit still gets our answer, and not a reset connection. */
#define H2O_MAX_BODY (4L * 1024 * 1024)

static void die(const char *reason)
{
    fprintf(stderr, "accountsd: %s\n", reason);
    exit(EXIT_FAILURE);
}

/* The address to listen on. Ends the process when it is not one. */
static struct addrinfo *resolve_listen_address(const struct config *config)
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *address;
    char port[8], reason[160];
    int failed;

    snprintf(port, sizeof(port), "%ld", config->port);
    if ((failed = getaddrinfo(config->listen_address, port, &hints, &address)) != 0) {
        snprintf(reason, sizeof(reason), "cannot listen on \"%.64s\": %s", config->listen_address,
            gai_strerror(failed));
        die(reason);
    }
    return address;
}

static void set_option(int fd, int level, int name, int value)
{
    if (setsockopt(fd, level, name, &value, sizeof(value)) != 0)
        die(strerror(errno));
}

/* One listener of several on the same port; the kernel spreads connections over them. Accepted connections
 * inherit its options. With port 0 the first one's port is what the others get. */
static int open_listener(const struct config *config, struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    char reason[160];

    if (fd < 0)
        die(strerror(errno));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)config->send_timeout);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, address->ai_addr, &address->ai_addrlen) != 0) {
        snprintf(reason, sizeof(reason), "cannot listen on %.64s port %ld: %s", config->listen_address,
            config->port, strerror(errno));
        die(reason);
    }
    return fd;
}

/* With SO_REUSEPORT another process of the same user may hold the port as well, and take half of what comes
 * in. A listener without the option is refused then. */
static void require_free_port(const struct config *config, struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char reason[160];

    if (fd < 0)
        die(strerror(errno));
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (config->port != 0 && bind(fd, address->ai_addr, address->ai_addrlen) != 0) {
        snprintf(reason, sizeof(reason), "cannot listen on %.64s port %ld: %s", config->listen_address,
            config->port, strerror(errno));
        die(reason);
    }
    close(fd);
}

/* Ends the process, with the reason, when the database cannot be reached or does not fit. */
static void require_database(const struct config *config)
{
    char error[CONNECTOR_ERROR_MAX];
    PGconn *pg = connector_connect(config, error);

    if (pg == NULL)
        die(error);
    PQfinish(pg);
}

static void configure_h2o(h2o_globalconf_t *globalconf, const struct config *config)
{
    h2o_config_init(globalconf);
    globalconf->server_name = h2o_iovec_init(H2O_STRLIT("accountsd"));
    /* HTTP/2 of this libh2o has holes that cannot be mended from outside. */
    globalconf->http1.upgrade_to_http2 = 0;
    /* At shutdown it would start a timer that outlives the context. */
    globalconf->http2.callbacks.request_shutdown = NULL;
    globalconf->http1.req_timeout = (uint64_t)config->request_timeout;
    globalconf->max_request_entity_size =
        (size_t)(config->max_body_size * 2 > H2O_MAX_BODY ? config->max_body_size * 2 : H2O_MAX_BODY);
    handler_register(h2o_config_register_host(globalconf, h2o_iovec_init(H2O_STRLIT("default")), 65535));
}

static int port_of(const struct addrinfo *address)
{
    /* sin_port and sin6_port are at the same place. */
    return ntohs(((const struct sockaddr_in *)address->ai_addr)->sin_port);
}

/* Serves until SIGTERM or SIGINT, then until what was in flight has ended. */
static int serve(const struct config *config, const sigset_t *signals)
{
    static h2o_globalconf_t globalconf;
    struct addrinfo *address = resolve_listen_address(config);
    size_t count = (size_t)config->workers, given_up = 0;
    struct worker **workers = h2o_mem_alloc(count * sizeof(struct worker *));
    int *listeners = h2o_mem_alloc(count * sizeof(*listeners)), signal;

    if (!bearer_prepare())
        die("OpenSSL cannot hash");
    require_free_port(config, address);
    require_database(config);
    configure_h2o(&globalconf, config);
    for (size_t i = 0; i < count; i++)
        listeners[i] = open_listener(config, address);
    for (size_t i = 0; i < count; i++) {
        if ((workers[i] = worker_start(config, &globalconf, listeners[i])) == NULL)
            die("cannot start a thread");
    }
    log_event("listening", json_pack("{s:s, s:i, s:i}", "address", config->listen_address, "port",
                               port_of(address), "workers", (int)count));
    freeaddrinfo(address);
    free(listeners);

    sigwait(signals, &signal);
    log_event("draining", json_pack("{s:s}", "signal", strsignal(signal)));
    for (size_t i = 0; i < count; i++)
        worker_drain(workers[i]);
    for (size_t i = 0; i < count; i++)
        given_up += worker_join(workers[i]);
    free(workers);
    log_event("stopped", json_pack("{s:i}", "requests_given_up", (int)given_up));
    return given_up == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct config config;
    sigset_t signals;

    memory_watch();
    switch (config_load(&config, argc, argv, stderr)) {
    case CONFIG_HELP:
        config_write_help(stdout);
        return EXIT_SUCCESS;
    case CONFIG_VERSION:
        puts("accountsd " ACCOUNTSD_VERSION);
        return EXIT_SUCCESS;
    case CONFIG_INVALID:
        return EXIT_FAILURE;
    case CONFIG_CHECK:
        puts("accountsd: the configuration is sound");
        return EXIT_SUCCESS;
    case CONFIG_RUN:
        break;
    }
    if (config.workers == 0)
        config.workers = sysconf(_SC_NPROCESSORS_ONLN);

    signal(SIGPIPE, SIG_IGN);
    /* Blocked before any thread is made, so that every thread leaves them to sigwait. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    return serve(&config, &signals);
}
