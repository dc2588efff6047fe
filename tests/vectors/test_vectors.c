/* The rules of a request live twice, in server/ and in the database. Here the two get the same inputs: the
 * vectors of the files beside this one (README.md has their format), whose verdict is known, and random
 * ones, on which they only have to agree. TEST_SEED repeats a random run. */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "text.h"
#include "validate.h"

#define MAX_DEPTH 16
#define RANDOM_INPUTS 2000
#define INPUTS_A_CALL 250
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char request_errors[] =
    "select internal.request_errors(convert_from($1, 'UTF8')::jsonb, 'create_account_user')";

/* Vectors */

/* A verdict is an errors object, null where nothing is wrong, or the SQLSTATE as a string where PostgreSQL
 * refuses the body before it can be looked at. All but body lives as long as the JSON it was read from. */
struct vector {
    const char *name;
    char *body;
    size_t len;
    json_t *request; /* NULL where the body is given as text or bytes */
    json_t *errors, *sql_verdict;
};

/* Bytes are written as a string, a character for each. */
static char *bytes_of(const char *text, size_t len, size_t *count)
{
    char *bytes = malloc(len + 1);

    cr_assert_not_null(bytes);
    *count = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80) {
            cr_assert(c <= 0xc3 && i + 1 < len, "a character of \"bytes\" is above U+00FF");
            c = (unsigned char)(c << 6 | (text[++i] & 0x3f));
        }
        bytes[(*count)++] = (char)c;
    }
    return bytes;
}

static struct vector read_vector(json_t *line, const char *at)
{
    struct vector vector = {0};
    const char *text = NULL, *bytes = NULL, *only = NULL, *why = NULL;
    size_t text_len = 0, bytes_len = 0;
    json_t *sql = NULL;
    json_error_t error;

    cr_assert_eq(json_unpack_ex(line, &error, 0, "{s:s, s?o, s?s%, s?s%, s:o, s?s, s?o, s?s !}", "name",
                     &vector.name, "request", &vector.request, "text", &text, &text_len, "bytes", &bytes,
                     &bytes_len, "errors", &vector.errors, "only", &only, "sql", &sql, "why", &why),
        0, "%s: %s", at, error.text);
    cr_assert((vector.request != NULL) + (text != NULL) + (bytes != NULL) == 1,
        "%s: not one of request, text, bytes", at);
    cr_assert(json_is_null(vector.errors) || json_object_size(vector.errors) > 0,
        "%s: errors is neither null nor an object with members", at);
    cr_assert(only == NULL ? sql == NULL && why == NULL
                           : strcmp(only, "c") == 0 && why != NULL &&
                                 (json_is_string(sql) || json_object_size(sql) > 0),
        "%s: only, sql and why do not fit together", at);

    if (bytes != NULL) {
        vector.body = bytes_of(bytes, bytes_len, &vector.len);
    } else if (text != NULL) {
        vector.body = memcpy(malloc(text_len + 1), text, text_len);
        vector.len = text_len;
    } else {
        vector.body = json_dumps(vector.request, JSON_COMPACT | JSON_ENCODE_ANY);
        cr_assert_not_null(vector.body);
        vector.len = strlen(vector.body);
    }
    vector.sql_verdict = vector.errors;
    if (sql != NULL)
        vector.sql_verdict =
            json_is_string(sql) && strcmp(json_string_value(sql), "accepts") == 0 ? json_null() : sql;
    return vector;
}

/* Gives each vector of a file to a callback. */
static void for_each_vector(
    const char *file, void (*on_vector)(const struct vector *vector, const char *at, void *data), void *data)
{
    const char *folder = getenv("TEST_VECTORS");
    char path[4096], *line = NULL, at[256];
    json_t *names = json_object();
    size_t size = 0, count = 0;
    ssize_t len;

    snprintf(path, sizeof(path), "%s/%s", folder != NULL ? folder : "tests/vectors", file);
    FILE *stream = fopen(path, "r");
    cr_assert_not_null(stream, "cannot open %s", path);
    while ((len = getline(&line, &size, stream)) > 0) {
        json_error_t error;

        snprintf(at, sizeof(at), "%s:%zu", file, ++count);
        json_t *object = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        cr_assert_not_null(object, "%s: %s", at, error.text);
        struct vector vector = read_vector(object, at);
        cr_assert_null(json_object_get(names, vector.name), "%s: a second \"%s\"", at, vector.name);
        json_object_set_new(names, vector.name, json_true());
        on_vector(&vector, at, data);
        free(vector.body);
        json_decref(object);
    }
    cr_assert_eq(ferror(stream), 0, "cannot read %s", path);
    cr_assert_gt(count, 0, "%s is empty", path);
    fclose(stream);
    free(line);
    json_decref(names);
}

/* Verdicts */

static bool is_same_list(json_t *a, json_t *b)
{
    size_t i, j;
    json_t *wanted, *other;

    if (!json_is_array(a) || !json_is_array(b) || json_array_size(a) != json_array_size(b))
        return false;
    json_array_foreach(a, i, wanted)
    {
        size_t in_a = 0, in_b = 0;

        json_array_foreach(a, j, other) in_a += (size_t)json_equal(wanted, other);
        json_array_foreach(b, j, other) in_b += (size_t)json_equal(wanted, other);
        if (in_a != in_b)
            return false;
    }
    return true;
}

/* The order of a field's messages is free. */
static bool is_same_verdict(json_t *a, json_t *b)
{
    const char *path;
    json_t *messages;

    if (json_is_array(a) && json_is_array(b))
        return is_same_list(a, b);
    if (!json_is_object(a) || !json_is_object(b))
        return json_equal(a, b);
    json_object_foreach(a, path, messages)
    {
        if (!is_same_list(messages, json_object_get(b, path)))
            return false;
    }
    return json_object_size(a) == json_object_size(b);
}

static json_t *parse_verdict(const char *text)
{
    json_error_t error;
    json_t *verdict = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);

    cr_assert_not_null(verdict, "a verdict is not JSON: %s: %s", error.text, text);
    return verdict;
}

/* Only the parser in C says where a text stops being JSON, so a vector leaves the place out. */
static void drop_place(json_t *errors)
{
    json_t *messages = json_object_get(errors, "$");
    const char *message = json_string_value(json_array_get(messages, 0));
    const char *place = message != NULL ? strstr(message, " (line ") : NULL;
    int line, column, end = 0;

    if (place != NULL && sscanf(place, " (line %d, column %d)%n", &line, &column, &end) == 2 &&
        place[end] == '\0')
        json_array_set_new(messages, 0, json_stringn(message, (size_t)(place - message)));
}

static json_t *verdict_in_c(const char *body, size_t len)
{
    char *exact, *errors = NULL;
    json_t *verdict = NULL;

    /* Without a byte to spare, so that a sanitizer sees one read too many. */
    cr_assert_not_null(exact = malloc(len + (len == 0)));
    memcpy(exact, body, len);
    switch (validate_body(&validate_create_account_user, exact, len, MAX_DEPTH, &errors)) {
    case VALIDATE_OK:
        verdict = json_null();
        break;
    case VALIDATE_INVALID:
        verdict = parse_verdict(errors);
        drop_place(verdict);
        break;
    case VALIDATE_OUT_OF_MEMORY:
        cr_assert_fail("out of memory");
    }
    free(exact);
    free(errors);
    return verdict;
}

static PGconn *connect_database(void)
{
    const char *url = getenv("DATABASE_URL");

    cr_assert_not_null(url, "DATABASE_URL is not set");
    PGconn *connection = PQconnectdb(url);
    cr_assert_eq(PQstatus(connection), CONNECTION_OK, "%s", PQerrorMessage(connection));
    cr_assert_eq(PQsetClientEncoding(connection, "UTF8"), 0);
    return connection;
}

/* The rows of a query of up to two parameters. */
static PGresult *query(PGconn *connection, const char *sql, const char *first, const char *second)
{
    const char *const values[] = {first, second};
    int count = first == NULL ? 0 : second == NULL ? 1 : 2;
    PGresult *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);

    cr_assert(
        status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql, PQerrorMessage(connection));
    return result;
}

static json_t *verdict_of_row(PGresult *result, int row)
{
    return PQgetisnull(result, row, 0) ? json_null() : parse_verdict(PQgetvalue(result, row, 0));
}

/* The body goes as binary, for PostgreSQL to see every byte of it. */
static json_t *verdict_in_sql(PGconn *connection, const char *body, size_t len)
{
    const char *const values[] = {body};
    int lengths[] = {(int)len}, formats[] = {1};
    PGresult *result = PQexecParams(connection, request_errors, 1, NULL, values, lengths, formats, 0);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    json_t *verdict;

    if (state != NULL) {
        verdict = json_string(state);
    } else {
        cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s", PQerrorMessage(connection));
        verdict = verdict_of_row(result, 0);
    }
    PQclear(result);
    return verdict;
}

static char *shown(json_t *verdict)
{
    return json_dumps(verdict, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
}

static void expect_verdict(
    const char *side, json_t *got, json_t *expected, const struct vector *vector, const char *at)
{
    char *got_text = shown(got), *expected_text = shown(expected);

    cr_expect(is_same_verdict(got, expected), "%s \"%s\": %s says %s, expected is %s", at, vector->name, side,
        got_text, expected_text);
    free(got_text);
    free(expected_text);
}

static void check_vector(const struct vector *vector, const char *at, void *connection)
{
    json_auto_t *in_c = verdict_in_c(vector->body, vector->len);
    json_auto_t *in_sql = verdict_in_sql(connection, vector->body, vector->len);

    expect_verdict("C", in_c, vector->errors, vector, at);
    expect_verdict("SQL", in_sql, vector->sql_verdict, vector, at);
    if (vector->request != NULL) {
        char *escaped = json_dumps(vector->request, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
        json_auto_t *of_escaped = verdict_in_c(escaped, strlen(escaped));

        expect_verdict("C, of the body in escapes,", of_escaped, vector->errors, vector, at);
        free(escaped);
    }
}

static void check_file(const char *file)
{
    PGconn *connection = connect_database();

    for_each_vector(file, check_vector, connection);
    PQfinish(connection);
}

Test(vectors, emails)
{
    check_file("emails.jsonl");
}

Test(vectors, names)
{
    check_file("names.jsonl");
}

Test(vectors, phones)
{
    check_file("phones.jsonl");
}

Test(vectors, tags)
{
    check_file("tags.jsonl");
}

Test(vectors, ids)
{
    check_file("ids.jsonl");
}

Test(vectors, structure)
{
    check_file("structure.jsonl");
}

Test(vectors, json)
{
    check_file("json.jsonl");
}

/* Random inputs */

static uint64_t random_state;

/* Returns the seed, for messages. */
static uint64_t seed_random(void)
{
    const char *seed = getenv("TEST_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    random_state =
        seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    return random_state;
}

/* splitmix64. */
static size_t random_below(size_t limit)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % limit;
}

/* Where a rule's verdict may change: the ends of the ranges of characters that any rule knows. */
static const uint32_t border_characters[] = {0x1, 0x8, 0x9, 0xa, 0xd, 0x1f, 0x20, 0x21, 0x7e, 0x7f, 0x80,
    0x85, 0x9f, 0xa0, 0xa1, 0xac, 0xad, 0xae, 0x130, 0x131, 0x17f, 0x301, 0x660, 0x669, 0x7ff, 0x800, 0x167f,
    0x1680, 0x1681, 0x180d, 0x180e, 0x180f, 0x1fff, 0x2000, 0x200a, 0x200b, 0x200f, 0x2010, 0x2027, 0x2028,
    0x2029, 0x202a, 0x202e, 0x202f, 0x2030, 0x205e, 0x205f, 0x2060, 0x2065, 0x2066, 0x2069, 0x206a, 0x206f,
    0x2070, 0x212a, 0x2fff, 0x3000, 0x3001, 0xd7ff, 0xe000, 0xfefe, 0xfeff, 0xff00, 0xff10, 0xff20, 0xfff8,
    0xfff9, 0xfffb, 0xfffc, 0xffff, 0x10000, 0x1f600, 0x10ffff};

static uint32_t random_character(void)
{
    static const char telling[] = "+-.@_ /0189:AXZaxz'\"\\\n";
    uint32_t c;

    switch (random_below(8)) {
    case 0:
    case 1:
    case 2:
        return (unsigned char)telling[random_below(sizeof(telling) - 1)];
    case 3:
    case 4:
        return (uint32_t)(0x20 + random_below(0x5f));
    case 5:
        c = (uint32_t)(1 + random_below(0xffff));
        break;
    case 6:
        c = (uint32_t)(1 + random_below(0x10ffff));
        break;
    default:
        return border_characters[random_below(LENGTH(border_characters))];
    }
    return c >= 0xd800 && c <= 0xdfff ? 0xfffd : c;
}

#define MAX_CHARACTERS 1200

struct text {
    uint32_t at[MAX_CHARACTERS];
    size_t len;
};

static struct text text_of(const char *utf8)
{
    struct text text = {.len = 0};

    for (const unsigned char *p = (const unsigned char *)utf8; *p != '\0' && text.len < MAX_CHARACTERS;) {
        uint32_t c = *p++;
        int more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

        c = more == 0 ? c : c & (0x3f >> more);
        for (; more > 0; more--)
            c = c << 6 | (*p++ & 0x3f);
        text.at[text.len++] = c;
    }
    return text;
}

static json_t *json_of_text(const struct text *text)
{
    char utf8[MAX_CHARACTERS * 4];
    size_t len = 0;

    for (size_t i = 0; i < text->len; i++) {
        uint32_t c = text->at[i];
        int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

        utf8[len++] = (char)(more == 0 ? c : (0xf0u << (3 - more) & 0xff) | c >> 6 * more);
        while (more-- > 0)
            utf8[len++] = (char)(0x80 | (c >> 6 * more & 0x3f));
    }
    json_t *value = json_stringn(utf8, len);
    cr_assert_not_null(value, "made a text that is not UTF-8");
    return value;
}

/* Puts count characters in place of taken ones, as far as there is room. */
static void splice(struct text *text, size_t at, size_t taken, const uint32_t *characters, size_t count)
{
    if (text->len - taken + count > MAX_CHARACTERS)
        return;
    memmove(&text->at[at + count], &text->at[at + taken], (text->len - at - taken) * sizeof(uint32_t));
    if (count > 0)
        memcpy(&text->at[at], characters, count * sizeof(uint32_t));
    text->len += count - taken;
}

static void mutate(struct text *text, const struct text *other)
{
    uint32_t c = random_character(), run[128];
    size_t at = random_below(text->len + 1), left = text->len - at, count, from;

    switch (random_below(7)) {
    case 0:
    case 1:
        splice(text, at, 0, &c, 1);
        break;
    case 2:
        splice(text, at, left > 0, &c, 1);
        break;
    case 3:
        splice(text, at, left > 0 ? 1 + random_below(left < 4 ? left : 4) : 0, NULL, 0);
        break;
    case 4: /* a run, to reach the limits of length */
        c = random_below(2) == 0 || at == 0 ? c : text->at[at - 1];
        count = random_below(LENGTH(run));
        for (size_t i = 0; i < count; i++)
            run[i] = c;
        splice(text, at, 0, run, count);
        break;
    case 5: /* a piece of another text, perhaps of this one */
        from = random_below(other->len + 1);
        count = random_below(other->len - from + 1);
        count = count < LENGTH(run) ? count : LENGTH(run);
        memcpy(run, &other->at[from], count * sizeof(uint32_t));
        splice(text, at, 0, run, count);
        break;
    default: /* the other case of a letter */
        if (left > 0 && text->at[at] < 0x80)
            text->at[at] ^= 0x20 & (text->at[at] >> 1);
    }
}

static json_t *random_text(json_t *pool)
{
    struct text text = text_of(json_string_value(json_array_get(pool, random_below(json_array_size(pool)))));

    for (size_t mutations = random_below(5); mutations > 0; mutations--) {
        const char *other = json_string_value(json_array_get(pool, random_below(json_array_size(pool))));
        struct text piece = text_of(other);

        mutate(&text, &piece);
    }
    return json_of_text(&text);
}

/* Demands that both sides say the same of every input; sql takes them as a JSON array, $2, and has a row for
 * each, in order. */
static void compare_on(PGconn *connection, json_t *inputs, json_t *(*judge)(json_t *input, void *data),
    void *data, const char *sql, const char *parameter, uint64_t seed)
{
    char *array = json_dumps(inputs, JSON_COMPACT);
    PGresult *result = query(connection, sql, parameter, array);
    size_t i;
    json_t *input;

    cr_assert_eq((size_t)PQntuples(result), json_array_size(inputs));
    json_array_foreach(inputs, i, input)
    {
        json_auto_t *in_c = judge(input, data);
        json_auto_t *in_sql = verdict_of_row(result, (int)i);

        if (!is_same_verdict(in_c, in_sql)) {
            char *input_text = shown(input), *c_text = shown(in_c), *sql_text = shown(in_sql);

            cr_expect_fail("TEST_SEED=%" PRIu64 ": of %s %s C says %s, SQL says %s", seed, parameter,
                input_text, c_text, sql_text);
            free(input_text);
            free(c_text);
            free(sql_text);
        }
    }
    PQclear(result);
    free(array);
}

static json_t *judge_text(json_t *input, void *data)
{
    const char *messages[TEXT_MAX_MESSAGES];
    size_t count = text_check(
        *(const enum text_rule *)data, json_string_value(input), json_string_length(input), messages);
    json_t *list = count > 0 ? json_array() : json_null();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(messages[i]));
    return list;
}

static const struct rule {
    enum text_rule rule;
    const char *sql_name, *file;
    const char *path[3];
} rules[] = {
    {TEXT_EMAIL, "email", "emails.jsonl", {"user", "email"}},
    {TEXT_NAME, "name", "names.jsonl", {"user", "firstName"}},
    {TEXT_PHONE_PREFIX, "phone_prefix", "phones.jsonl", {"user", "phone", "prefix"}},
    {TEXT_PHONE_NUMBER, "phone_number", "phones.jsonl", {"user", "phone", "number"}},
    {TEXT_LANGUAGE_TAG, "language_tag", "tags.jsonl", {"user", "settings", "languageCode"}},
    {TEXT_ACCOUNT_ID, "account_id", "ids.jsonl", {"account", "id"}},
    {TEXT_USER_GROUP_ID, "user_group_id", "ids.jsonl", {"groups", "0", "id"}},
    {TEXT_INVITATION_STATUS, "invitation_status", "ids.jsonl", {"invitation", "status"}},
};

struct pool {
    const struct rule *rule;
    json_t *texts;
};

static void add_to_pool(const struct vector *vector, const char *at, void *data)
{
    struct pool *pool = data;
    json_t *value = vector->request;

    (void)at;
    for (size_t i = 0; i < LENGTH(pool->rule->path) && pool->rule->path[i] != NULL; i++)
        value = json_is_array(value) ? json_array_get(value, 0) : json_object_get(value, pool->rule->path[i]);
    if (json_is_null(vector->errors) && json_is_string(value))
        json_array_append(pool->texts, value);
}

/* The texts of the valid vectors of a rule. */
static json_t *sound_texts(const struct rule *rule)
{
    struct pool pool = {rule, json_array()};

    for_each_vector(rule->file, add_to_pool, &pool);
    cr_assert_gt(json_array_size(pool.texts), 0, "%s has no valid %s", rule->file, rule->sql_name);
    return pool.texts;
}

Test(random, texts)
{
    static const char sql[] =
        "select to_jsonb(internal.text_errors($1, t.value)) from jsonb_array_elements_text($2::jsonb) "
        "with ordinality as t (value, position) order by t.position";
    uint64_t seed = seed_random();
    PGconn *connection = connect_database();

    for (size_t i = 0; i < LENGTH(rules); i++) {
        json_auto_t *pool = sound_texts(&rules[i]);
        enum text_rule rule = rules[i].rule;

        for (size_t done = 0; done < RANDOM_INPUTS; done += INPUTS_A_CALL) {
            json_auto_t *inputs = json_array();

            for (size_t j = 0; j < INPUTS_A_CALL; j++)
                json_array_append_new(inputs, random_text(pool));
            compare_on(connection, inputs, judge_text, &rule, sql, rules[i].sql_name, seed);
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

    return parse_verdict(values[random_below(LENGTH(values))]);
}

/* Changes one place of an object or array, or somewhere below. */
static void mutate_value(json_t *value)
{
    static const char *const keys[] = {"user", "email", "firstName", "lastName", "phone", "prefix", "number",
        "settings", "cultureCode", "languageCode", "account", "id", "groups", "invitation", "status", "", "$",
        "user.email", "groups[0]", "x"};
    const char *key = keys[random_below(LENGTH(keys))];
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
    uint64_t seed = seed_random();
    PGconn *connection = connect_database();

    for (size_t done = 0; done < RANDOM_INPUTS; done += INPUTS_A_CALL) {
        json_auto_t *inputs = json_array();

        for (size_t i = 0; i < INPUTS_A_CALL; i++) {
            json_t *request = parse_verdict(sound);

            for (size_t mutations = 1 + random_below(12); mutations > 0; mutations--)
                mutate_value(request);
            json_array_append_new(inputs, request);
        }
        compare_on(connection, inputs, judge_request, NULL, sql, "create_account_user", seed);
    }
    PQfinish(connection);
}

/* Public ids */

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

/* The first and last thousand keys, and thousands between. */
static const char ids_of_keys[] =
    "select k.key, internal.%1$s_id(k.key), internal.%1$s_key(internal.%1$s_id(k.key)) from ("
    "select generate_series(1, 1000) union select generate_series(%2$s - 1000, %2$s) "
    "union select generate_series(1, %2$s, greatest(1, %2$s / 7919))) as k (key)";

Test(ids, lead_back_to_their_key)
{
    PGconn *connection = connect_database();

    for (const struct id_kind *kind = id_kinds; kind < id_kinds + LENGTH(id_kinds); kind++) {
        char sql[512];
        json_auto_t *seen = json_object();

        snprintf(sql, sizeof(sql), ids_of_keys, kind->name, kind->last_key);
        PGresult *result = query(connection, sql, NULL, NULL);
        cr_assert_gt(PQntuples(result), 5000);
        for (int row = 0; row < PQntuples(result); row++) {
            const char *key = PQgetvalue(result, row, 0), *id = PQgetvalue(result, row, 1);

            cr_assert(text_is_id(id, strlen(id), kind->prefix, kind->groups),
                "%s key %s has the id %s, which is none in C", kind->name, key, id);
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
        text_is_id(json_string_value(input), json_string_length(input), kind->prefix, kind->groups));
}

Test(ids, malformed_have_no_key)
{
    static const char *const sound[] = {"ACC-1671-0642", "USR-6375-2499", "AUSR-4134-7183-7330",
        "UGR-8447-7590", "BUY-1089-7077", "MOD-1756", "TKN-7670-9957"};
    static const char *const malformed[] = {"", "-", "ACC", "ACC-", "acc-1671-0642", "ACC-1671-0642\n",
        "\nACC-1671-0642", " ACC-1671-0642", "ACC-1671-064", "ACC-1671-06420", "ACC-16710642",
        "ACC-1671-0642-0000", "ACC-+671-0642", "ACC-1671- 642", "AUSR-4134-7183", "AUSR-4134-7183-7330-0000",
        "AUSR-413471837330", "MOD-175", "MOD-17560", "MOD-1756-0000", "MOD-１７５６", "1", "null"};
    uint64_t seed = seed_random();
    PGconn *connection = connect_database();

    for (size_t i = 0; i < LENGTH(id_kinds); i++) {
        struct id_kind kind = id_kinds[i];
        json_auto_t *inputs = json_array(), *pool = json_array();
        char sql[256];

        for (size_t j = 0; j < LENGTH(sound); j++)
            json_array_append_new(inputs, json_string(sound[j]));
        for (size_t j = 0; j < LENGTH(malformed); j++)
            json_array_append_new(inputs, json_string(malformed[j]));
        json_array_append_new(pool, json_string(sound[i]));
        for (size_t j = 0; j < RANDOM_INPUTS / 2; j++)
            json_array_append_new(inputs, random_text(pool));
        snprintf(sql, sizeof(sql),
            "select to_jsonb(internal.%s_key(t.value) is not null) from jsonb_array_elements_text($2) "
            "with ordinality as t (value, position) where $1 <> '' order by t.position",
            kind.name);
        cr_assert(text_is_id(sound[i], strlen(sound[i]), kind.prefix, kind.groups));
        compare_on(connection, inputs, judge_id, &kind, sql, kind.name, seed);
    }
    PQfinish(connection);
}

/* Addresses */

/* In a copy of the table without its constraints, where addresses with the same key have room. */
Test(emails, have_the_key_of_their_row)
{
    PGconn *connection = connect_database();
    json_auto_t *emails = sound_texts(&rules[0]);
    char *array = json_dumps(emails, JSON_COMPACT);

    PQclear(query(connection,
        "create temporary table person (like accounts.person including defaults including generated "
        "including identity)",
        NULL, NULL));
    PGresult *result = query(connection,
        "insert into pg_temp.person (email, first_name, last_name) "
        "select t.value, 'Ann', 'Lee' from jsonb_array_elements_text($1) as t (value) "
        "returning email, email_key, internal.email_key(email)",
        array, NULL);
    cr_assert_eq((size_t)PQntuples(result), json_array_size(emails));
    for (int row = 0; row < PQntuples(result); row++)
        cr_expect_str_eq(PQgetvalue(result, row, 1), PQgetvalue(result, row, 2), "the key of %s",
            PQgetvalue(result, row, 0));
    PQclear(result);
    PQfinish(connection);
    free(array);
}
