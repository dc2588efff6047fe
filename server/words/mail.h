#ifndef ACCOUNTSD_MAIL_H
#define ACCOUNTSD_MAIL_H

/* The texts of a mail. Reads only the templates; any thread. */

#include <jansson.h>
#include <stdbool.h>

#include "words/template.h"

/* UTF-8; lines end in LF. */
struct mail {
    char *subject;
    char *text;
    char *html;
};

/* Renders a message of api.claim_deliveries in the recipient's language. mail_free frees *mail. False, with
 * *mail empty, if memory ran out or message is malformed. */
bool mail_render(const struct templates *templates, const json_t *message, struct mail *mail);
void mail_free(struct mail *mail);

#endif
