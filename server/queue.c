#include "queue.h"

#include "database.h"

static void show(const struct queue *queue)
{
    metrics_set(queue->metrics, METRICS_QUEUE_LENGTH, queue->count);
}

void queue_init(struct queue *queue, const struct config *config, struct metrics *metrics)
{
    *queue = (struct queue){.config = config, .metrics = metrics, .last = &queue->first};
    metrics_set(metrics, METRICS_QUEUE_CAPACITY, (uint64_t)config->queue_size);
}

bool queue_is_empty(const struct queue *queue)
{
    return queue->first == NULL;
}

bool queue_add(struct queue *queue, struct database_call *call)
{
    if (queue->count >= (size_t)queue->config->queue_size) {
        metrics_add(queue->metrics, METRICS_REFUSED_FULL, 1);
        return false;
    }
    call->queued_at = call->waits_since = metrics_now();
    call->next = NULL;
    *queue->last = call;
    queue->last = &call->next;
    queue->count++;
    show(queue);
    return true;
}

void queue_put_back(struct queue *queue, struct database_call **calls, size_t count)
{
    if (queue->first == NULL)
        queue->last = &calls[count - 1]->next;
    for (size_t i = count; i-- > 0;) {
        calls[i]->alone = true;
        calls[i]->waits_since = metrics_now();
        calls[i]->next = queue->first;
        queue->first = calls[i];
        queue->count++;
    }
    metrics_add(queue->metrics, METRICS_RETRIES, count);
    show(queue);
}

struct database_call *queue_take(struct queue *queue)
{
    struct database_call *call = queue->first;

    if (call == NULL)
        return NULL;
    queue->first = call->next;
    if (queue->first == NULL)
        queue->last = &queue->first;
    queue->count--;
    show(queue);
    return call;
}

struct database_call *queue_take_expired(struct queue *queue, uint64_t now)
{
    if (queue->first == NULL || now - queue->first->queued_at < (uint64_t)queue->config->queue_timeout * 1000)
        return NULL;
    metrics_add(queue->metrics, METRICS_REFUSED_EXPIRED, 1);
    return queue_take(queue);
}

size_t queue_take_set(struct queue *queue, struct database_call *calls[CONFIG_SET_SIZE_MAX])
{
    const struct database_call *first = queue->first;
    size_t count = 0;

    do {
        calls[count++] = queue_take(queue);
    } while (!first->alone && statements[first->statement].is_set &&
             count < (size_t)queue->config->set_size && queue->first != NULL && !queue->first->alone &&
             queue->first->statement == first->statement);
    return count;
}
