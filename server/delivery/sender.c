#include "delivery/sender.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/memory.h"
#include "delivery/mailfile.h"
#include "delivery/smtp.h"

/* How long sender_stop waits for the threads. */
#define STOP_TIMEOUT_MS 1000

struct sender {
    const struct config *config;
    const char *password;
    int done_fd;
    _Atomic bool is_aborted;
    size_t count;
    pthread_t threads[CONFIG_MAILS_IN_FLIGHT_MAX];

    /* Protects what follows. */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct delivery *waiting, *done;
    bool stopping;
};

static void send_job(const struct config *config, struct smtp *smtp, struct delivery *delivery)
{
    const struct envelope envelope = {
        delivery->from, delivery->to, delivery->message_id, delivery->message, delivery->message_len};
    uint64_t begun = clock_now_us();

    if (smtp != NULL)
        smtp_send(smtp, &envelope, &delivery->result);
    else
        mailfile_write(config->mail_directory, &envelope, &delivery->result);
    delivery->duration_us = clock_now_us() - begun;
}

static void *run(void *data)
{
    struct sender *sender = data;
    struct smtp *smtp = *sender->config->smtp_url != '\0'
                            ? smtp_create(sender->config, sender->password, &sender->is_aborted)
                            : NULL;

    pthread_mutex_lock(&sender->mutex);
    while (!sender->stopping) {
        struct delivery *delivery = sender->waiting;

        if (delivery == NULL) {
            pthread_cond_wait(&sender->changed, &sender->mutex);
            continue;
        }
        sender->waiting = delivery->next;
        pthread_mutex_unlock(&sender->mutex);
        send_job(sender->config, smtp, delivery);
        pthread_mutex_lock(&sender->mutex);
        delivery->next = sender->done;
        sender->done = delivery;
        eventfd_write(sender->done_fd, 1);
    }
    pthread_mutex_unlock(&sender->mutex);
    if (smtp != NULL)
        smtp_free(smtp);
    return NULL;
}

struct sender *sender_start(const struct config *config, const char *password)
{
    struct sender *sender = memory_require(calloc(1, sizeof(*sender)));

    if ((sender->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
        die("cannot start: descriptors ran out");
    sender->config = config;
    sender->password = password;
    pthread_mutex_init(&sender->mutex, NULL);
    pthread_cond_init(&sender->changed, NULL);
    for (; sender->count < (size_t)config->mails_in_flight; sender->count++) {
        if (pthread_create(&sender->threads[sender->count], NULL, run, sender) != 0)
            die("cannot start a thread");
        pthread_setname_np(sender->threads[sender->count], "sender");
    }
    return sender;
}

int sender_done_fd(const struct sender *sender)
{
    return sender->done_fd;
}

void sender_submit(struct sender *sender, struct delivery *delivery)
{
    pthread_mutex_lock(&sender->mutex);
    delivery->next = sender->waiting;
    sender->waiting = delivery;
    pthread_cond_signal(&sender->changed);
    pthread_mutex_unlock(&sender->mutex);
}

struct delivery *sender_take(struct sender *sender)
{
    struct delivery *done;
    eventfd_t count;

    eventfd_read(sender->done_fd, &count);
    pthread_mutex_lock(&sender->mutex);
    done = sender->done;
    sender->done = NULL;
    pthread_mutex_unlock(&sender->mutex);
    return done;
}

void sender_abort(struct sender *sender)
{
    sender->is_aborted = true;
}

void sender_stop(struct sender *sender)
{
    const struct timespec until = clock_timespec(clock_now_ms() + STOP_TIMEOUT_MS);
    bool have_ended = true;

    pthread_mutex_lock(&sender->mutex);
    sender->stopping = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->mutex);
    for (size_t i = 0; i < sender->count; i++) {
        if (pthread_clockjoin_np(sender->threads[i], NULL, CLOCK_MONOTONIC, &until) != 0) {
            pthread_detach(sender->threads[i]);
            have_ended = false;
        }
    }
    /* An abandoned thread still uses the sender. */
    if (!have_ended)
        return;
    close(sender->done_fd);
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->mutex);
    free(sender);
}
