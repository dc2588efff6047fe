#include "api/labels.h"

#include <stdlib.h>

#include "api/route.h"
#include "base/memory.h"
#include "database/statement.h"
#include "http/problem.h"

static const char **paths_of_routes(void)
{
    const char **paths = memory_require(malloc(route_count() * sizeof(*paths)));

    for (size_t i = 0; i < route_count(); i++)
        paths[i] = route_at(i)->path;
    return paths;
}

static int *statuses_of_problems(void)
{
    int *statuses = memory_require(malloc(problem_status_count() * sizeof(*statuses)));

    for (size_t i = 0; i < problem_status_count(); i++)
        statuses[i] = problem_status_at(i);
    return statuses;
}

const struct metrics_labels *labels_of_api(void)
{
    static const char *names[STATEMENT_COUNT];
    static struct metrics_labels labels;

    if (labels.paths != NULL)
        return &labels;
    for (size_t i = 0; i < STATEMENT_COUNT; i++)
        names[i] = statements[i].name;
    labels = (struct metrics_labels){paths_of_routes(), route_count(), statuses_of_problems(),
        problem_status_count(), names, STATEMENT_COUNT};
    return &labels;
}
