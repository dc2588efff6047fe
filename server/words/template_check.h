#ifndef ACCOUNTSD_TEMPLATE_CHECK_H
#define ACCOUNTSD_TEMPLATE_CHECK_H

/* What templates must have and may have, and what is wrong with those that are loaded. Pure. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "words/template.h"

/* Lines, parted by newlines, as many as fit; any says whether there were some. */
struct complaints {
    /* TEMPLATE_ERROR_MAX bytes. */
    char *text;
    size_t len;
    bool any;
};

__attribute__((format(printf, 2, 3))) void complain(struct complaints *complaints, const char *format, ...);

/* The skeleton that a file of this name is, TEMPLATE_SKELETONS for none. */
enum template_skeleton template_find_skeleton(const char *name);

void template_check_skeleton(
    struct complaints *complaints, enum template_skeleton skeleton, const char *text);

/* file: the name of the catalogue. */
void template_check_catalogue(struct complaints *complaints, const char *file, json_t *catalogue);

#endif
