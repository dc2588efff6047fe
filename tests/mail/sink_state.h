#ifndef ACCOUNTSD_TESTS_SINK_STATE_H
#define ACCOUNTSD_TESTS_SINK_STATE_H

/* What a sink and the conversations with its clients share. */

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>

#include "sink.h"

#define MAX_FAULTS 8
#define MAX_CONNECTIONS 256

struct sink {
    struct sink_options options;
    SSL_CTX *tls;
    int listen_fd, port;
    pthread_t thread;

    pthread_mutex_t mutex;
    struct sink_fault faults[MAX_FAULTS];
    int left[MAX_FAULTS];
    size_t reached[SINK_STAGES];
    struct sink_mail *mails;
    size_t count, capacity;
    char *commands;
    size_t commands_len;
    FILE *commands_out;
    int fds[MAX_CONNECTIONS];
    pthread_t threads[MAX_CONNECTIONS];
    size_t connections;
    bool released;
};

/* A conversation with a client, by a thread of its own. It closes the socket at its end. */
void sink_serve_client(struct sink *sink, int fd);

#endif
