#ifndef ACCOUNTSD_PAGE_H
#define ACCOUNTSD_PAGE_H

/* The pages that people see: what an invitation's link leads to, and what went wrong below its path. Pure but
 * for the templates; any thread. */

#include <stdbool.h>
#include <stddef.h>

#include "words/template.h"

/* Whether whatever is at a path, without query, is answered with a page. */
bool page_is_at(const char *path, size_t path_len);

/* The page of an invitation, from what api.get_invitation answers, and its status. culture: as of
 * date_format. The caller frees it; NULL when there is none, *status is then 503 because memory ran
 * out or 500 because the text is not as promised. */
char *page_render_invitation(const struct templates *templates, const struct catalogue *catalogue,
    const char *culture, const char *invitation, int *status);

/* The page in place of a problem of this status. reference: what finds it in the log, terminated. The caller
 * frees it; NULL when memory ran out. */
char *page_render_problem(
    const struct templates *templates, const struct catalogue *catalogue, int status, const char *reference);

/* The page for when there is no memory for another; in English. */
extern const char page_of_last_resort[];

#endif
