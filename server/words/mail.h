#ifndef ACCOUNTSD_MAIL_H
#define ACCOUNTSD_MAIL_H

/* The words of a mail. Pure but for the templates; any thread. */

#include <jansson.h>
#include <stdbool.h>

#include "words/template.h"

/* UTF-8; lines end in LF. */
struct mail {
    char *subject;
    char *text;
    char *html;
};

/* Writes what a message of api.claim_deliveries says, in the language of the person it is for. mail_free
 * frees *mail. False, with *mail empty, when memory ran out or message is not as promised. */
bool mail_render(const struct templates *templates, const json_t *message, struct mail *mail);
void mail_free(struct mail *mail);

#endif
