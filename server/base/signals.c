#include "base/signals.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/die.h"
#include "base/log.h"

static struct {
    sigset_t set;
    /* A pipe with one byte per signal. */
    int stop_fds[2], reload_fd;
    pthread_mutex_t mutex;
    unsigned passed;
    bool has_begun;
} signals = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Noreturn void end(int signal, bool has_begun)
{
    log_event("ended_at_once", json_pack("{s:s}", "signal", strsignal(signal)));
    log_close();
    _exit(has_begun ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void pass_on(int signal)
{
    const char byte = (char)signal;
    bool is_passed, has_begun;

    pthread_mutex_lock(&signals.mutex);
    has_begun = signals.has_begun;
    is_passed = signals.passed > 0;
    signals.passed -= is_passed;
    pthread_mutex_unlock(&signals.mutex);
    if (!is_passed || write(signals.stop_fds[1], &byte, 1) != 1)
        end(signal, has_begun);
}

static void *run(void *data)
{
    int signal;

    (void)data;
    for (;;) {
        if (sigwait(&signals.set, &signal) != 0)
            continue;
        if (signal == SIGHUP)
            eventfd_write(signals.reload_fd, 1);
        else
            pass_on(signal);
    }
    return NULL;
}

void signals_start(void)
{
    pthread_t thread;

    sigemptyset(&signals.set);
    sigaddset(&signals.set, SIGTERM);
    sigaddset(&signals.set, SIGINT);
    sigaddset(&signals.set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals.set, NULL);
    if (pipe2(signals.stop_fds, O_CLOEXEC | O_NONBLOCK) != 0 ||
        (signals.reload_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0 ||
        pthread_create(&thread, NULL, run, NULL) != 0)
        die("cannot start: descriptors or threads ran out");
    pthread_setname_np(thread, "signals");
    pthread_detach(thread);
}

void signals_pass(unsigned count)
{
    pthread_mutex_lock(&signals.mutex);
    signals.passed = count;
    signals.has_begun = true;
    pthread_mutex_unlock(&signals.mutex);
}

int signals_stop_fd(void)
{
    return signals.stop_fds[0];
}

int signals_take_stop(void)
{
    char byte;

    return read(signals.stop_fds[0], &byte, 1) == 1 ? byte : 0;
}

int signals_reload_fd(void)
{
    return signals.reload_fd;
}
