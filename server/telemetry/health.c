#include "telemetry/health.h"
#include "base/count.h"

struct view {
    uint64_t now, stall_us;
};

static bool is_stuck(const struct metrics *worker, const struct view *view)
{
    return health_heartbeat_age(metrics_get(worker, METRICS_HEARTBEAT), view->now) > view->stall_us;
}

static bool is_draining(const struct metrics *worker, const struct view *view)
{
    (void)view;
    return metrics_get(worker, METRICS_DRAINING) != 0;
}

static bool has_no_connection(const struct metrics *worker, const struct view *view)
{
    (void)view;
    return metrics_get(worker, METRICS_DATABASE_IDLE) + metrics_get(worker, METRICS_DATABASE_BUSY) == 0;
}

static bool has_unsupported_schema(const struct metrics *worker, const struct view *view)
{
    (void)view;
    return metrics_get(worker, METRICS_SCHEMA_UNSUPPORTED) != 0;
}

static const struct {
    enum health_question question;
    bool (*fails)(const struct metrics *worker, const struct view *view);
    /* Follows "worker <number> ". */
    const char *reason;
} checks[] = {
    {HEALTH_LIVE, is_stuck, "is stuck: its event loop does not run"},
    {HEALTH_READY, is_draining, "is draining: the server is stopping"},
    {HEALTH_READY, has_no_connection, "has no database connection"},
    {HEALTH_READY, has_unsupported_schema, "found a schema that this server does not support; see the log"},
};

const struct prometheus_family health_heartbeat_family = {"accountsd_worker_heartbeat_age_seconds", "gauge",
    "Time since the last heartbeat of a worker's event loop."};

uint64_t health_heartbeat_age(uint64_t heartbeat, uint64_t now)
{
    return now > heartbeat ? now - heartbeat : 0;
}

void health_render_heartbeat(const char *labels, uint64_t heartbeat, uint64_t now, FILE *out)
{
    fprintf(out, "%s%s %.3f\n", health_heartbeat_family.name, labels,
        (double)health_heartbeat_age(heartbeat, now) / 1e6);
}

char *health_report(enum health_question question, const struct metrics *const *workers, size_t count,
    uint64_t now, uint64_t stall_us, bool *passes)
{
    const struct view view = {now, stall_us};
    json_t *reasons = json_array();

    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < COUNT(checks); c++) {
            /* Readiness includes liveness. */
            if (checks[c].question > question || !checks[c].fails(workers[i], &view))
                continue;
            json_array_append_new(reasons, json_sprintf("worker %d %s", (int)i, checks[c].reason));
        }
    }
    return health_answer(reasons, passes);
}

char *health_answer(json_t *reasons, bool *passes)
{
    json_auto_t *report;

    /* NULL: memory ran out, so the state is unknown. */
    *passes = reasons != NULL && json_array_size(reasons) == 0;
    report = *passes ? json_pack("{s:s}", "status", "pass")
                     : json_pack("{s:s, s:O}", "status", "fail", "reasons", reasons);
    json_decref(reasons);
    return report != NULL ? json_dumps(report, JSON_COMPACT) : NULL;
}
