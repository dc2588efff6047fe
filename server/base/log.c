#include "base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/die.h"
#include "base/memory.h"
#include "base/trace.h"

#define TIME_MAX 32
#define REQUEST_LINE_MAX 512
/* After a write the thread polls for this long before it sleeps: waking it costs the logging thread a system
 * call. */
#define LINGER_MS 10
/* Between attempts to write, for example to a full disk. */
#define RETRY_MS 1000
#define CLOSE_TIMEOUT_MS 1000
#define REPEAT_S 60

/* A ring buffer; one per process, as stderr is. */
static struct {
    pthread_mutex_t mutex;
    /* Signalled when an idle thread has lines to write, and when is_closing or has_ended is set. */
    pthread_cond_t changed;
    char *bytes;
    size_t size, start, len;
    /* Dropped lines that no log_lines_dropped has reported yet. */
    uint64_t unreported;
    bool is_started, is_idle, is_closing, has_ended;
} buffer = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static _Atomic uint64_t dropped;

/* RFC 3339, UTC, milliseconds. */
static void write_now(char text[TIME_MAX])
{
    struct timespec now;
    struct tm utc;
    size_t len;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    len = strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + len, TIME_MAX - len, ".%03ldZ", now.tv_nsec / 1000000);
}

/* The mutex must be held, as for every access to the buffer. False if there is no room. */
static bool put(const char *line, size_t len)
{
    size_t end = (buffer.start + buffer.len) % buffer.size, first;

    if (len > buffer.size - buffer.len)
        return false;
    first = len < buffer.size - end ? len : buffer.size - end;
    memcpy(buffer.bytes + end, line, first);
    memcpy(buffer.bytes, line + first, len - first);
    buffer.len += len;
    return true;
}

static void report_dropped(void)
{
    char line[128], now[TIME_MAX];
    int len;

    if (buffer.unreported == 0)
        return;
    write_now(now);
    len = snprintf(line, sizeof(line), "{\"time\":\"%s\",\"event\":\"log_lines_dropped\",\"lines\":%lu}\n",
        now, buffer.unreported);
    if (put(line, (size_t)len))
        buffer.unreported = 0;
}

static void drop(void)
{
    atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
    buffer.unreported++;
}

/* Removes from the buffer as many whole lines as fit into one atomic write; part of a line that is longer. */
static size_t take(char chunk[PIPE_BUF])
{
    size_t len = buffer.len < PIPE_BUF ? buffer.len : PIPE_BUF;
    size_t first = len < buffer.size - buffer.start ? len : buffer.size - buffer.start;
    const char *last;

    memcpy(chunk, buffer.bytes + buffer.start, first);
    memcpy(chunk + first, buffer.bytes, len - first);
    if ((last = memrchr(chunk, '\n', len)) != NULL)
        len = (size_t)(last - chunk) + 1;
    buffer.len -= len;
    /* Start again at the beginning, so that a buffer that is hardly used touches few pages. */
    buffer.start = buffer.len == 0 ? 0 : (buffer.start + len) % buffer.size;
    return len;
}

/* The mutex must be held. False if the time is up. */
static bool wait_until(const struct timespec *until)
{
    return pthread_cond_clockwait(&buffer.changed, &buffer.mutex, CLOCK_MONOTONIC, until) != ETIMEDOUT;
}

/* Waits this long, or until the log is closed. */
static void linger(long ms)
{
    const struct timespec until = clock_timespec(clock_now_ms() + ms);

    while (!buffer.is_closing && wait_until(&until))
        ;
}

/* Waits after a failed write. False if it must not be tried again. */
static bool await_retry(int problem)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    bool is_closing;

    if (problem == EINTR)
        return true;
    if (problem == EAGAIN) {
        poll(&fd, 1, RETRY_MS);
        return true;
    }
    pthread_mutex_lock(&buffer.mutex);
    linger(RETRY_MS);
    is_closing = buffer.is_closing;
    pthread_mutex_unlock(&buffer.mutex);
    return !is_closing;
}

static void write_chunk(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, len);

        if (written > 0) {
            bytes += written;
            len -= (size_t)written;
        } else if (!await_retry(written < 0 ? errno : EIO)) {
            return;
        }
    }
}

static void *run(void *data)
{
    char chunk[PIPE_BUF];
    bool has_lingered = false;
    size_t len;

    (void)data;
    pthread_mutex_lock(&buffer.mutex);
    for (;;) {
        report_dropped();
        if ((len = take(chunk)) > 0) {
            pthread_mutex_unlock(&buffer.mutex);
            write_chunk(chunk, len);
            pthread_mutex_lock(&buffer.mutex);
            has_lingered = false;
        } else if (buffer.is_closing) {
            break;
        } else if (!has_lingered) {
            linger(LINGER_MS);
            has_lingered = true;
        } else {
            buffer.is_idle = true;
            while (buffer.is_idle && !buffer.is_closing)
                pthread_cond_wait(&buffer.changed, &buffer.mutex);
        }
    }
    buffer.has_ended = true;
    pthread_cond_broadcast(&buffer.changed);
    pthread_mutex_unlock(&buffer.mutex);
    return NULL;
}

void log_start(size_t buffer_size)
{
    pthread_t thread;

    buffer.bytes = memory_require(malloc(buffer_size));
    buffer.size = buffer_size;
    pthread_cond_init(&buffer.changed, NULL);
    if (pthread_create(&thread, NULL, run, NULL) != 0)
        die("cannot start a thread");
    pthread_setname_np(thread, "log");
    pthread_detach(thread);
    buffer.is_started = true;
}

void log_close(void)
{
    const struct timespec until = clock_timespec(clock_now_ms() + CLOSE_TIMEOUT_MS);

    if (!buffer.is_started)
        return;
    pthread_mutex_lock(&buffer.mutex);
    buffer.is_closing = true;
    pthread_cond_broadcast(&buffer.changed);
    while (!buffer.has_ended && wait_until(&until))
        ;
    pthread_mutex_unlock(&buffer.mutex);
}

uint64_t log_lines_dropped(void)
{
    return atomic_load_explicit(&dropped, memory_order_relaxed);
}

void log_line(const char *line, size_t len)
{
    if (!buffer.is_started) {
        /* There is no place to report that the log cannot be written. */
        ssize_t written = write(STDERR_FILENO, line, len);

        (void)written;
        return;
    }
    pthread_mutex_lock(&buffer.mutex);
    report_dropped();
    if (buffer.unreported > 0 || !put(line, len))
        drop();
    if (buffer.is_idle) {
        buffer.is_idle = false;
        pthread_cond_signal(&buffer.changed);
    }
    pthread_mutex_unlock(&buffer.mutex);
}

static void drop_line(void)
{
    pthread_mutex_lock(&buffer.mutex);
    drop();
    pthread_mutex_unlock(&buffer.mutex);
}

void log_event(const char *event, json_t *fields)
{
    char now[TIME_MAX];
    json_auto_t *object = NULL;
    char *line;

    write_now(now);
    memory_begin();
    object = json_pack("{s:s, s:s}", "time", now, "event", event);
    json_object_update_missing(object, fields);
    json_decref(fields);
    line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    if (line == NULL || memory_ran_out()) {
        free(line);
        drop_line();
        return;
    }

    /* The newline replaces the terminating NUL. */
    size_t len = strlen(line);
    line[len] = '\n';
    log_line(line, len + 1);
    free(line);
}

void log_request(const struct log_request *request)
{
    char line[REQUEST_LINE_MAX], now[TIME_MAX];
    int len;

    write_now(now);
    len = snprintf(line, sizeof(line),
        "{\"time\":\"%s\",\"event\":\"request\",\"trace_id\":\"%.*s\",\"traceparent\":\"%s\","
        "\"method\":\"%s\",\"route\":\"%s\",\"status\":%d,\"duration_ms\":%ld.%03ld,\"bytes\":%zu,\"token\":"
        "\"%s\"}\n",
        now, TRACE_ID_LEN, request->traceparent + TRACE_ID_AT, request->traceparent, request->method,
        request->route, request->status, request->duration_us / 1000, request->duration_us % 1000,
        request->bytes, request->token_id);
    if (len > 0 && (size_t)len < sizeof(line))
        log_line(line, (size_t)len);
}

bool log_is_news(struct log_repeat *repeat, const char *reason)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < repeat->until && strncmp(repeat->reason, reason, sizeof(repeat->reason) - 1) == 0)
        return false;
    snprintf(repeat->reason, sizeof(repeat->reason), "%s", reason);
    repeat->until = now.tv_sec + REPEAT_S;
    return true;
}
