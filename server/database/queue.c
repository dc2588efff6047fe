#include "database/queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "database/call.h"

/* The least time that a call is charged, so that new lanes take turns too. */
#define CALL_MIN_US 100
/* A token gets the whole database only after this time without calls of other tokens. */
#define EXCLUSIVE_AFTER_US 250000
/* The most by which a tag exceeds the virtual time, so that a lane that was charged for a long wait for a
 * lock is not delayed for as long. */
#define LAG_MAX_US 500000

static void update_length_metric(const struct queue *queue)
{
    metrics_set(queue->metrics, METRICS_QUEUE_LENGTH, queue->count);
}

void queue_init(struct queue *queue, const struct config *config, struct metrics *metrics)
{
    size_t in_use =
        (size_t)config->queue_size + 2 * (size_t)config->database_connections * CONFIG_SET_SIZE_MAX + 2;

    *queue = (struct queue){.config = config, .metrics = metrics};
    metrics_set(metrics, METRICS_QUEUE_CAPACITY, (uint64_t)config->queue_size);
    queue->waiting = memory_require(calloc(in_use, sizeof(struct lane *)));
    lanes_init(&queue->lanes, in_use);
}

void queue_dispose(struct queue *queue)
{
    lanes_dispose(&queue->lanes);
    free(queue->waiting);
}

/* Adds a call to *number, waiting or running, or removes one. */
static void count_call(struct queue *queue, struct lane *lane, size_t *number, bool is_more)
{
    bool was_busy = lane_is_busy(lane);

    *number = is_more ? *number + 1 : *number - 1;
    queue->busy = queue->busy - (was_busy ? 1 : 0) + (lane_is_busy(lane) ? 1 : 0);
    /* Usage up to a time when the queue is idle is forgotten. */
    if (queue->busy == 0)
        queue->virtual_time = queue->last_tag;
}

static void begin_waiting(struct queue *queue, struct lane *lane)
{
    if (lane->waiting == 0)
        queue->waiting[queue->waiting_count++] = lane;
    count_call(queue, lane, &lane->waiting, true);
    queue->count++;
}

static void end_waiting(struct queue *queue, struct lane *lane)
{
    count_call(queue, lane, &lane->waiting, false);
    queue->count--;
    if (lane->waiting > 0)
        return;
    for (size_t i = 0; i < queue->waiting_count; i++) {
        if (queue->waiting[i] == lane) {
            queue->waiting[i] = queue->waiting[--queue->waiting_count];
            return;
        }
    }
}

static void append(struct queue *queue, struct lane *lane, struct database_call *call)
{
    if (!lane_is_busy(lane) && lane->tag < queue->virtual_time)
        lane->tag = queue->virtual_time;
    call->lane = lane;
    call->step = lane == &queue->lanes.unverified ? STATEMENT_CHECK_TOKENS : call->statement;
    call->waits_since = clock_now_us();
    call->next = NULL;
    *lane->last = call;
    lane->last = &call->next;
    begin_waiting(queue, lane);
    update_length_metric(queue);
}

bool queue_add(struct queue *queue, struct database_call *call)
{
    const size_t size = (size_t)queue->config->queue_size;
    struct lane *lane = lanes_find(&queue->lanes, call->token);

    if (queue->count >= size) {
        metrics_add(queue->metrics, METRICS_REFUSED_FULL, 1);
        return false;
    }
    if (lane->waiting >= size - queue->count) {
        metrics_add(queue->metrics, METRICS_REFUSED_SHARE, 1);
        return false;
    }
    if (lane != queue->last_lane && lane != &queue->lanes.unverified) {
        queue->changed_at = queue->last_lane != NULL ? clock_now_us() : 0;
        queue->last_lane = lane;
    }
    append(queue, lane, call);
    call->queued_at = call->waits_since;
    return true;
}

bool queue_admit(struct queue *queue, struct database_call *call)
{
    struct lane *lane = lanes_accept(&queue->lanes, call->token);

    if (lane == call->lane)
        return false;
    queue_settle(queue, call, 200);
    call->tries = 0;
    append(queue, lane, call);
    return true;
}

void queue_put_back(struct queue *queue, struct database_call **calls, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        struct lane *lane = calls[i]->lane;

        calls[i]->alone = true;
        calls[i]->waits_since = clock_now_us();
        if (lane->first == NULL)
            lane->last = &calls[i]->next;
        calls[i]->next = lane->first;
        lane->first = calls[i];
        begin_waiting(queue, lane);
        count_call(queue, lane, &lane->running, false);
    }
    metrics_add(queue->metrics, METRICS_RETRIES, count);
    update_length_metric(queue);
}

static struct database_call *take_first(struct queue *queue, struct lane *lane)
{
    struct database_call *call = lane->first;

    lane->first = call->next;
    if (lane->first == NULL)
        lane->last = &lane->first;
    count_call(queue, lane, &lane->running, true);
    end_waiting(queue, lane);
    update_length_metric(queue);
    return call;
}

struct database_call *queue_take(struct queue *queue)
{
    return queue->waiting_count > 0 ? take_first(queue, queue->waiting[0]) : NULL;
}

struct database_call *queue_take_expired(struct queue *queue, uint64_t now)
{
    for (size_t i = 0; i < queue->waiting_count; i++) {
        struct lane *lane = queue->waiting[i];

        if (now - lane->first->queued_at >= (uint64_t)queue->config->queue_timeout * 1000) {
            metrics_add(queue->metrics, METRICS_REFUSED_EXPIRED, 1);
            return take_first(queue, lane);
        }
    }
    return NULL;
}

static uint64_t call_us(const struct lane *lane)
{
    return lane->call_us > CALL_MIN_US ? lane->call_us : CALL_MIN_US;
}

static void advance(struct queue *queue, struct lane *lane, uint64_t us)
{
    lane->tag += us;
    if (lane->tag > queue->virtual_time + LAG_MAX_US)
        lane->tag = queue->virtual_time + LAG_MAX_US;
    if (queue->last_tag < lane->tag)
        queue->last_tag = lane->tag;
}

/* Whether a lane has used less than its share, or its calls are short. Token checks always are. */
static bool is_light(const struct queue *queue, const struct lane *lane)
{
    return lane == &queue->lanes.unverified || lane->tag <= queue->virtual_time ||
           4 * lane->call_us <= queue->call_us;
}

/* Whether only one lane has made calls recently. */
static bool is_exclusive(const struct queue *queue, uint64_t now)
{
    return queue->busy <= 1 && now - queue->changed_at >= EXCLUSIVE_AFTER_US;
}

static bool is_served_before(const struct lane *a, const struct lane *b)
{
    return a->tag != b->tag ? a->tag < b->tag : a->first->queued_at < b->first->queued_at;
}

static struct lane *choose_first(const struct queue *queue, bool is_for_light)
{
    struct lane *chosen = NULL;

    for (size_t i = 0; i < queue->waiting_count; i++) {
        struct lane *lane = queue->waiting[i];

        if (is_for_light && !lane->is_light)
            continue;
        if (chosen == NULL || is_served_before(lane, chosen))
            chosen = lane;
    }
    return chosen;
}

static struct lane *choose_next(const struct queue *queue, const struct database_call *first)
{
    struct lane *chosen = NULL;

    for (size_t i = 0; i < queue->waiting_count; i++) {
        struct lane *lane = queue->waiting[i];

        if (lane->first->alone || lane->first->step != first->step || lane->is_light != first->lane->is_light)
            continue;
        if (chosen == NULL || is_served_before(lane, chosen))
            chosen = lane;
    }
    return chosen;
}

size_t queue_take_set(
    struct queue *queue, bool is_last, uint64_t now, struct database_call *calls[CONFIG_SET_SIZE_MAX])
{
    bool is_shared = !is_exclusive(queue, now);
    uint64_t us = 0, most_us = is_shared ? (uint64_t)queue->config->set_time * 1000 : UINT64_MAX;
    struct lane *lane;
    size_t count = 0;

    for (size_t i = 0; i < queue->waiting_count; i++)
        queue->waiting[i]->is_light = is_light(queue, queue->waiting[i]);
    if ((lane = choose_first(queue, is_last && is_shared)) == NULL)
        return 0;
    do {
        struct database_call *call = take_first(queue, lane);

        if (queue->virtual_time < lane->tag)
            queue->virtual_time = lane->tag;
        call->charged_us = call_us(lane);
        advance(queue, lane, call->charged_us);
        us += call->charged_us;
        calls[count++] = call;
    } while (!calls[0]->alone && statements[calls[0]->step].is_set &&
             count < (size_t)queue->config->set_size && (lane = choose_next(queue, calls[0])) != NULL &&
             us + call_us(lane) <= most_us);
    return count;
}

void queue_charge(struct queue *queue, struct database_call **calls, size_t count, uint64_t us)
{
    uint64_t share = us / count;

    for (size_t i = 0; i < count; i++) {
        struct lane *lane = calls[i]->lane;

        lane->call_us = lane->call_us == 0 ? share : (3 * lane->call_us + share) / 4;
        queue->call_us = (63 * queue->call_us + share) / 64;
        lane->tag -= lane->tag > calls[i]->charged_us ? calls[i]->charged_us : lane->tag;
        advance(queue, lane, share);
        calls[i]->charged_us = share;
    }
}

void queue_settle(struct queue *queue, struct database_call *call, int status)
{
    count_call(queue, call->lane, &call->lane->running, false);
    if (status == 401 && call->token != NULL)
        lanes_refuse(&queue->lanes, call->token);
}
