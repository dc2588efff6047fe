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

static bool has_unfit_schema(const struct metrics *worker, const struct view *view)
{
    (void)view;
    return metrics_get(worker, METRICS_SCHEMA_UNFIT) != 0;
}

static const struct {
    enum health_question question;
    bool (*fails)(const struct metrics *worker, const struct view *view);
    /* Said with the worker's number in front. */
    const char *reason;
} checks[] = {
    {HEALTH_LIVE, is_stuck, "is stuck: its loop does not turn"},
    {HEALTH_READY, is_draining, "is draining: the server has been told to stop"},
    {HEALTH_READY, has_no_connection, "has no database connection"},
    {HEALTH_READY, has_unfit_schema, "found a schema that does not fit this server; the log says why"},
};

const struct prometheus_family health_heartbeat_family = {"accountsd_worker_heartbeat_age_seconds", "gauge",
    "Time since a worker's loop last gave a sign of life."};

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
            /* A ready process is alive. */
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

    /* Where memory ran out for them, nobody knows. */
    *passes = reasons != NULL && json_array_size(reasons) == 0;
    report = *passes ? json_pack("{s:s}", "status", "pass")
                     : json_pack("{s:s, s:O}", "status", "fail", "reasons", reasons);
    json_decref(reasons);
    return report != NULL ? json_dumps(report, JSON_COMPACT) : NULL;
}
