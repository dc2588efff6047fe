#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/count.h"
#include "base/field_rules.h"
#include "random.h"
#include "vector.h"
#include "verdict.h"

/* The rules of texts and of whole requests, with random inputs. */

static json_t *judge_text(json_t *input, void *data)
{
    const char *messages[FIELD_MAX_MESSAGES];
    size_t count = field_check(
        *(const enum field_rule *)data, json_string_value(input), json_string_length(input), messages);
    json_t *list = count > 0 ? json_array() : json_null();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(messages[i]));
    return list;
}

static const struct rule {
    enum field_rule rule;
    const char *sql_name, *file;
    const char *path[VECTOR_MAX_STEPS];
} rules[] = {
    {FIELD_EMAIL, "email", "emails.jsonl", {"user", "email"}},
    {FIELD_NAME, "name", "names.jsonl", {"user", "firstName"}},
    {FIELD_PHONE_PREFIX, "phone_prefix", "phones.jsonl", {"user", "phone", "prefix"}},
    {FIELD_PHONE_NUMBER, "phone_number", "phones.jsonl", {"user", "phone", "number"}},
    {FIELD_LANGUAGE_TAG, "language_tag", "tags.jsonl", {"user", "settings", "languageCode"}},
    {FIELD_ACCOUNT_ID, "account_id", "ids.jsonl", {"account", "id"}},
    {FIELD_USER_GROUP_ID, "user_group_id", "ids.jsonl", {"groups", "0", "id"}},
    {FIELD_INVITATION_STATUS, "invitation_status", "ids.jsonl", {"invitation", "status"}},
};

Test(random, texts)
{
    static const char sql[] =
        "select to_jsonb(internal.text_errors($1, t.value)) from jsonb_array_elements_text($2::jsonb) "
        "with ordinality as t (value, position) order by t.position";
    uint64_t seed = random_seed();
    PGconn *connection = verdict_connect();

    for (size_t i = 0; i < COUNT(rules); i++) {
        json_auto_t *pool = vector_valid_texts(rules[i].file, rules[i].path);
        enum field_rule rule = rules[i].rule;

        for (size_t done = 0; done < RANDOM_INPUTS; done += RANDOM_INPUTS_A_CALL) {
            json_auto_t *inputs = json_array();

            for (size_t j = 0; j < RANDOM_INPUTS_A_CALL; j++)
                json_array_append_new(inputs, random_text(pool));
            random_compare(connection, inputs, judge_text, &rule, sql, rules[i].sql_name, seed);
        }
    }
    PQfinish(connection);
}

static json_t *random_value(void)
{
    static const char *const values[] = {"null", "true", "5", "\"5\"", "\"true\"", "0.5", "\"\"", "\" \"",
        "[]", "{}", "[null]", "{\"id\":5}", "{\"id\":\"5\"}", "{\"id\":null}", "{\"id\":\"UGR-0000-0001\"}",
        "{\"id\":\"UGR-0000-0002\"}", "{\"id\":\"ACC-0000-0001\"}", "\"UGR-0000-0001\"",
        "\"ann@example.com\"", "\"en\"", "\"+1\"", "\"1\"", "\"Invited\"", "{\"status\":\"Invited\"}"};

    return verdict_parse(values[random_below(COUNT(values))]);
}

/* Changes one value of an object or array, at any depth. */
static void mutate_value(json_t *value)
{
    static const char *const keys[] = {"user", "email", "firstName", "lastName", "phone", "prefix", "number",
        "settings", "cultureCode", "languageCode", "account", "id", "groups", "invitation", "status", "", "$",
        "user.email", "groups[0]", "x"};
    const char *key = keys[random_below(COUNT(keys))];
    size_t size = json_is_array(value) ? json_array_size(value) : json_object_size(value);
    size_t index = random_below(size + 1);
    json_t *below = NULL;

    if (json_is_array(value)) {
        below = json_array_get(value, index);
    } else if (index < size) {
        void *member = json_object_iter(value);

        for (; index > 0; index--)
            member = json_object_iter_next(value, member);
        key = json_object_iter_key(member);
        below = json_object_iter_value(member);
    }
    if ((json_is_object(below) || json_is_array(below)) && random_below(3) > 0)
        mutate_value(below);
    else if (json_is_array(value) && index < size && random_below(3) == 0)
        json_array_remove(value, index);
    else if (json_is_array(value))
        json_array_insert_new(value, index, random_value());
    else if (below != NULL && random_below(3) == 0)
        json_object_del(value, key);
    else
        json_object_set_new(value, key, random_value());
}

static json_t *judge_request(json_t *input, void *data)
{
    char *body = json_dumps(input, JSON_COMPACT);
    json_t *verdict = verdict_in_c(body, strlen(body));

    (void)data;
    free(body);
    return verdict;
}

Test(random, requests)
{
    static const char sound[] =
        "{\"user\":{\"email\":\"ann@example.com\",\"firstName\":\"Ann\",\"lastName\":\"Lee\","
        "\"phone\":{\"prefix\":\"+44\",\"number\":\"2071838750\"},"
        "\"settings\":{\"cultureCode\":\"en-GB\",\"languageCode\":\"en\"}},"
        "\"account\":{\"id\":\"ACC-1671-0642\"},"
        "\"groups\":[{\"id\":\"UGR-0000-0001\"},{\"id\":\"UGR-0000-0003\"}],"
        "\"invitation\":{\"status\":\"Invited\"}}";
    static const char sql[] = "select internal.request_errors(t.value, $1) from jsonb_array_elements($2) "
                              "with ordinality as t (value, position) order by t.position";
    uint64_t seed = random_seed();
    PGconn *connection = verdict_connect();

    for (size_t done = 0; done < RANDOM_INPUTS; done += RANDOM_INPUTS_A_CALL) {
        json_auto_t *inputs = json_array();

        for (size_t i = 0; i < RANDOM_INPUTS_A_CALL; i++) {
            json_t *request = verdict_parse(sound);

            for (size_t mutations = 1 + random_below(12); mutations > 0; mutations--)
                mutate_value(request);
            json_array_append_new(inputs, request);
        }
        random_compare(connection, inputs, judge_request, NULL, sql, "create_account_user", seed);
    }
    PQfinish(connection);
}
