#include "results.h"

#include <jansson.h>
#include <stdlib.h>

#include "dial.h"
#include "memory.h"

void results_keep(struct results *results, struct job *job)
{
    job->next = results->jobs;
    results->jobs = job;
    results->count++;
    tally_observe(results->tally, job->result.outcome, job->duration_us);
    tally_set(results->tally, TALLY_UNTOLD, results->count);
}

/* Takes a job out of the list, and frees it. */
static void forget(struct results *results, struct job **link, const char *status)
{
    struct job *job = *link;

    *link = job->next;
    job_log(job, status);
    job_free(job);
    results->count--;
    tally_set(results->tally, TALLY_UNTOLD, results->count);
}

static void lose(struct results *results, struct job **link)
{
    tally_add(results->tally, TALLY_UNTOLD_LOST, 1);
    forget(results, link, "unknown");
}

void results_drop_overdue(struct results *results)
{
    int64_t now = dial_now_ms();

    for (struct job **link = &results->jobs; *link != NULL;) {
        if ((*link)->lease_until_ms > now || (*link)->result.outcome == OUTCOME_SENT)
            link = &(*link)->next;
        else
            lose(results, link);
    }
}

/* As api.complete_deliveries takes them; NULL when memory ran out. */
static char *render(const struct results *results)
{
    json_auto_t *array = json_array();

    memory_begin();
    for (const struct job *job = results->jobs; job != NULL; job = job->next)
        json_array_append_new(array, json_pack("{s:I, s:i, s:s, s:s?}", "id", (json_int_t)job->id, "attempt",
                                         job->attempt, "outcome", transport_outcome_name(job->result.outcome),
                                         "reason", *job->result.reason != '\0' ? job->result.reason : NULL));
    return memory_ran_out() ? NULL : json_dumps(array, JSON_COMPACT);
}

static const char *status_of(const PGresult *told, int64_t id)
{
    for (int row = 0; row < PQntuples(told); row++) {
        if (strtoll(PQgetvalue(told, row, 0), NULL, 10) == id)
            return PQgetvalue(told, row, 1);
    }
    /* Not this attempt's to say any more: another has it, or the database was told before, and its answer did
     * not arrive. */
    return "superseded";
}

bool results_tell(struct results *results, struct outbox *outbox)
{
    char *text = render(results);
    PGresult *told;

    if (text == NULL) {
        dial_copy_line(outbox->error, "memory ran out");
        return false;
    }
    told = outbox_complete_deliveries(outbox, text);
    free(text);
    if (told == NULL)
        return false;
    while (results->jobs != NULL)
        forget(results, &results->jobs, status_of(told, results->jobs->id));
    PQclear(told);
    return true;
}

void results_give_up(struct results *results)
{
    while (results->jobs != NULL)
        lose(results, &results->jobs);
}
