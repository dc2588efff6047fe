#ifndef ACCOUNTSD_PAGE_H
#define ACCOUNTSD_PAGE_H

/* HTML pages: the page of an invitation, and problems for requests below its path. Reads only the templates;
 * any thread. */

#include <stdbool.h>
#include <stddef.h>

#include "words/template.h"

/* Whether requests for a path, without query, are answered with pages. */
bool page_is_at(const char *path, size_t path_len);

/* Renders the answer of api.get_invitation and sets the status. culture: see date_format. The caller frees
 * the page. NULL with *status 503 if memory ran out, with 500 if invitation is malformed. */
char *page_render_invitation(const struct templates *templates, const struct catalogue *catalogue,
    const char *culture, const char *invitation, int *status);

/* Renders the page for a problem with this status. reference: the trace id. The caller frees the page; NULL
 * if memory ran out. */
char *page_render_problem(
    const struct templates *templates, const struct catalogue *catalogue, int status, const char *reference);

/* The page for the case that memory ran out; in English. */
extern const char page_out_of_memory[];

#endif
