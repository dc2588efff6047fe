#include "retry.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"

struct answer send_with_key(const char *path, const char *token, const char *body, const char *key)
{
    char line[600];

    snprintf(line, sizeof(line), "Idempotency-Key: %s", key);
    return send_json("POST", path, token, body, line, NULL);
}

void expect_replay(const struct answer *replay, const struct answer *first)
{
    static const char *const names[] = {"location", "content-type", "cache-control", "content-length"};

    cr_expect_eq(replay->status, first->status, "%ld %s", replay->status, replay->text);
    cr_expect_str_eq(replay->text, first->text);
    for (size_t i = 0; i < COUNT(names); i++) {
        char *value = answer_header(first, names[i]);

        expect_header(replay, names[i], value);
        free(value);
    }
    expect_header(first, "idempotency-replayed", "");
    expect_header(replay, "idempotency-replayed", "true");
}
