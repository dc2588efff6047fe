#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/field_rules.h"
#include "random.h"
#include "verdict.h"

/* Public ids: every id of the database is valid in C, and an id that is invalid in C has no key. */

struct id_kind {
    const char *name, *prefix;
    size_t groups;
    const char *last_key;
};

static const struct id_kind id_kinds[] = {
    {"account", "ACC-", 2, "99999999"},
    {"person", "USR-", 2, "99999999"},
    {"account_user", "AUSR-", 3, "999999999999"},
    {"user_group", "UGR-", 2, "99999999"},
    {"buyer", "BUY-", 2, "99999999"},
    {"module", "MOD-", 1, "9999"},
    {"api_token", "TKN-", 2, "99999999"},
};

/* The first and last thousand keys, and thousands in between. */
static const char ids_of_keys[] =
    "select k.key, internal.%1$s_id(k.key), internal.%1$s_key(internal.%1$s_id(k.key)) from ("
    "select generate_series(1, 1000) union select generate_series(%2$s - 1000, %2$s) "
    "union select generate_series(1, %2$s, greatest(1, %2$s / 7919))) as k (key)";

Test(ids, lead_back_to_their_key)
{
    PGconn *connection = verdict_connect();

    for (const struct id_kind *kind = id_kinds; kind < id_kinds + COUNT(id_kinds); kind++) {
        char sql[512];
        json_auto_t *seen = json_object();

        snprintf(sql, sizeof(sql), ids_of_keys, kind->name, kind->last_key);
        PGresult *result = verdict_query(connection, sql, NULL, NULL);
        cr_assert_gt(PQntuples(result), 5000);
        for (int row = 0; row < PQntuples(result); row++) {
            const char *key = PQgetvalue(result, row, 0), *id = PQgetvalue(result, row, 1);

            cr_assert(field_is_id(id, strlen(id), kind->prefix, kind->groups),
                "%s key %s has the id %s, which is invalid in C", kind->name, key, id);
            cr_assert_str_eq(
                PQgetvalue(result, row, 2), key, "%s %s does not lead back to key %s", kind->name, id, key);
            cr_assert_null(json_object_get(seen, id), "two keys have the %s id %s", kind->name, id);
            json_object_set_new(seen, id, json_true());
        }
        PQclear(result);
    }
    PQfinish(connection);
}

static json_t *judge_id(json_t *input, void *data)
{
    const struct id_kind *kind = data;

    return json_boolean(
        field_is_id(json_string_value(input), json_string_length(input), kind->prefix, kind->groups));
}

Test(ids, are_refused_if_malformed)
{
    static const char *const sound[] = {"ACC-1671-0642", "USR-6375-2499", "AUSR-4134-7183-7330",
        "UGR-8447-7590", "BUY-1089-7077", "MOD-1756", "TKN-7670-9957"};
    static const char *const malformed[] = {"", "-", "ACC", "ACC-", "acc-1671-0642", "ACC-1671-0642\n",
        "\nACC-1671-0642", " ACC-1671-0642", "ACC-1671-064", "ACC-1671-06420", "ACC-16710642",
        "ACC-1671-0642-0000", "ACC-+671-0642", "ACC-1671- 642", "AUSR-4134-7183", "AUSR-4134-7183-7330-0000",
        "AUSR-413471837330", "MOD-175", "MOD-17560", "MOD-1756-0000", "MOD-１７５６", "1", "null"};
    uint64_t seed = random_seed();
    PGconn *connection = verdict_connect();

    for (size_t i = 0; i < COUNT(id_kinds); i++) {
        struct id_kind kind = id_kinds[i];
        json_auto_t *inputs = json_array(), *pool = json_array();
        char sql[256];

        for (size_t j = 0; j < COUNT(sound); j++)
            json_array_append_new(inputs, json_string(sound[j]));
        for (size_t j = 0; j < COUNT(malformed); j++)
            json_array_append_new(inputs, json_string(malformed[j]));
        json_array_append_new(pool, json_string(sound[i]));
        for (size_t j = 0; j < RANDOM_INPUTS / 2; j++)
            json_array_append_new(inputs, random_text(pool));
        snprintf(sql, sizeof(sql),
            "select to_jsonb(internal.%s_key(t.value) is not null) from jsonb_array_elements_text($2) "
            "with ordinality as t (value, position) where $1 <> '' order by t.position",
            kind.name);
        cr_assert(field_is_id(sound[i], strlen(sound[i]), kind.prefix, kind.groups));
        random_compare(connection, inputs, judge_id, &kind, sql, kind.name, seed);
    }
    PQfinish(connection);
}
