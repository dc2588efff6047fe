#include <criterion/criterion.h>
#include <string.h>

#include "base/count.h"
#include "database/call.h"
#include "database/queue.h"

#define CALLS 16
/* More than any call here is thought to take. */
#define LONG_US 10000

static struct config config;
static struct metrics *metrics;
static struct queue queue;
static struct database_call calls[CALLS], *set[CONFIG_SET_SIZE_MAX];
static struct token alice = {.id = "TKN-0000-0001"}, bob = {.id = "TKN-0000-0002"};

static void begin(void)
{
    static const struct metrics_labels labels = {NULL, 0, NULL, 0, NULL, 0};

    config = (struct config){
        .queue_size = CALLS, .queue_timeout = 100, .set_size = 8, .set_time = 20, .database_connections = 2};
    cr_assert_not_null(metrics = metrics_create(&labels));
    queue_init(&queue, &config, metrics);
    for (size_t i = 0; i < CALLS; i++)
        calls[i] = (struct database_call){.statement = STATEMENT_READ};
}

static void end(void)
{
    queue_dispose(&queue);
    metrics_free(metrics);
}

TestSuite(queue, .init = begin, .fini = end);

static bool add(size_t index, const struct token *token)
{
    calls[index].token = token;
    return queue_add(&queue, &calls[index]);
}

static size_t take(bool is_last)
{
    return queue_take_set(&queue, is_last, queue.changed_at, set);
}

/* The database accepts the token, by way of the last call. */
static void accept(const struct token *token)
{
    struct database_call *call = &calls[CALLS - 1];

    cr_assert(add(CALLS - 1, token));
    cr_assert_eq(queue_take(&queue), call);
    cr_assert_eq(call->step, STATEMENT_CHECK_TOKENS);
    cr_assert(queue_admit(&queue, call));
    cr_assert_eq(call->step, STATEMENT_READ);
    cr_assert_eq(queue_take(&queue), call);
    queue_settle(&queue, call, 200);
}

static void settle(size_t count, int status)
{
    for (size_t i = 0; i < count; i++)
        queue_settle(&queue, set[i], status);
}

Test(queue, keeps_the_order_of_a_token_up_to_the_size_of_a_set)
{
    config.set_size = 2;
    accept(&alice);
    for (size_t i = 0; i < 3; i++)
        cr_assert(add(i, &alice));
    cr_assert_eq(take(false), 2);
    cr_expect_eq(set[0], &calls[0]);
    cr_expect_eq(set[1], &calls[1]);
    cr_assert_eq(take(false), 1);
    cr_expect_eq(set[0], &calls[2]);
    cr_expect_eq(take(false), 0);
}

Test(queue, leaves_room_for_other_tokens)
{
    config.queue_size = 4;
    accept(&alice);
    accept(&bob);
    cr_expect(add(0, &alice));
    cr_expect(add(1, &alice));
    cr_expect_not(add(2, &alice));
    cr_expect_eq(metrics_get(metrics, METRICS_REFUSED_SHARE), 1);
    cr_expect(add(2, &bob));
    cr_expect(add(3, NULL));
    cr_expect_not(add(4, NULL));
    cr_expect_eq(metrics_get(metrics, METRICS_REFUSED_FULL), 1);
    cr_expect_eq(metrics_get(metrics, METRICS_QUEUE_LENGTH), 4);
}

Test(queue, checks_new_tokens_together_and_before_their_calls)
{
    cr_assert(add(0, &alice));
    cr_assert(add(1, &bob));
    cr_assert_eq(take(false), 2);
    cr_expect_eq(set[0]->step, STATEMENT_CHECK_TOKENS);
    cr_expect_eq(set[1]->step, STATEMENT_CHECK_TOKENS);
    cr_assert(queue_admit(&queue, set[0]));
    queue_settle(&queue, set[1], 401);
    cr_assert_eq(take(false), 1);
    cr_expect_eq(set[0], &calls[0]);
    cr_expect_eq(set[0]->step, STATEMENT_READ);
}

Test(queue, checks_a_token_again_once_it_was_refused)
{
    accept(&alice);
    cr_assert(add(0, &alice));
    cr_expect_eq(calls[0].step, STATEMENT_READ);
    cr_assert_eq(take(false), 1);
    settle(1, 401);
    cr_assert(add(0, &alice));
    cr_expect_eq(calls[0].step, STATEMENT_CHECK_TOKENS);
}

Test(queue, a_set_has_one_statement_and_no_call_that_runs_alone)
{
    accept(&alice);
    calls[1].statement = STATEMENT_CHANGE;
    calls[2].alone = true;
    for (size_t i = 0; i < 4; i++)
        cr_assert(add(i, &alice));
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(take(false), 1, "call %zu", i);
        cr_expect_eq(set[0], &calls[i]);
    }
}

Test(queue, puts_calls_back_in_order_to_run_alone)
{
    struct database_call *taken[2];

    accept(&alice);
    for (size_t i = 0; i < 3; i++)
        cr_assert(add(i, &alice));
    config.set_size = 2;
    cr_assert_eq(take(false), 2);
    memcpy(taken, set, sizeof(taken));
    queue_put_back(&queue, taken, 2);
    cr_expect_eq(metrics_get(metrics, METRICS_RETRIES), 2);
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(take(false), 1, "call %zu", i);
        cr_expect_eq(set[0], &calls[i]);
    }
}

Test(queue, expires_only_calls_that_waited_too_long)
{
    accept(&alice);
    cr_assert(add(0, &alice));
    cr_expect_null(queue_take_expired(&queue, calls[0].queued_at + 100000UL - 1));
    cr_expect_eq(queue_take_expired(&queue, calls[0].queued_at + 100000UL), &calls[0]);
    cr_expect_null(queue_take_expired(&queue, UINT64_MAX));
    cr_expect_eq(metrics_get(metrics, METRICS_REFUSED_EXPIRED), 1);
}

/* Alice's calls take long, and more of them wait than Bob's. */
static void make_alice_heavy(void)
{
    config.set_size = 1;
    accept(&alice);
    accept(&bob);
    for (size_t i = 0; i < 4; i++)
        cr_assert(add(i, &alice));
    cr_assert_eq(take(false), 1);
    queue_charge(&queue, set, 1, LONG_US);
    settle(1, 200);
    cr_assert(add(4, &bob));
}

Test(queue, serves_the_token_that_used_less_first)
{
    make_alice_heavy();
    cr_assert_eq(take(false), 1);
    cr_expect_eq(set[0], &calls[4]);
    cr_assert_eq(take(false), 1);
    cr_expect_eq(set[0], &calls[1]);
}

Test(queue, leaves_the_last_connection_to_light_tokens)
{
    make_alice_heavy();
    cr_assert_eq(take(true), 1);
    cr_expect_eq(set[0], &calls[4]);
    cr_expect_eq(take(true), 0, "Alice gets the last connection while Bob's call runs");
    cr_expect_eq(take(false), 1);
}

Test(queue, gives_a_sole_token_the_last_connection)
{
    accept(&alice);
    for (size_t i = 0; i < 2; i++)
        cr_assert(add(i, &alice));
    cr_assert_eq(queue_take_set(&queue, true, UINT64_MAX, set), 2);
}
