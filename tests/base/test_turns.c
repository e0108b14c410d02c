/* test_turns.c - who comes next, and when the holder is to give way. */
#include "test.h"

#include "base/clock.h"
#include "base/turns.h"

#include <pthread.h>

enum { MS = 1000000, SECOND = 1000 * MS };

static grt_turns turns;

static void *take(void *turn)
{
    return (void *)(uintptr_t)grt_turns_take(&turns, turn, NULL);
}

/* One more waits on a thread of its own. */
static pthread_t begin_to_wait(grt_turn *turn)
{
    pthread_t thread;
    size_t before, now;
    grt_os_lock(&turns.lock);
    before = turns.n_waiting;
    grt_os_unlock(&turns.lock);
    assert_int_equal(pthread_create(&thread, NULL, take, turn), 0);
    do {
        grt_os_lock(&turns.lock);
        now = turns.n_waiting;
        grt_os_unlock(&turns.lock);
    } while (now == before);
    return thread;
}

static void hold_for(uint64_t ns)
{
    uint64_t end = grt_clock_ns() + ns;
    while (grt_clock_ns() < end) {
    }
}

static void has_turn(pthread_t thread)
{
    void *reason;
    assert_int_equal(pthread_join(thread, &reason), 0);
    assert_null(reason); /* GRT_STOP_NONE */
}

/* However long a slice is: a newcomer waits for no more than a short one. */
static void test_a_newcomer_does_not_wait_for_a_long_slice(void **state)
{
    (void)state;
    grt_turn old = {0}, new = {0};
    grt_turns_init(&turns);
    assert_int_equal(grt_turns_take(&turns, &old, NULL), GRT_STOP_NONE);
    hold_for(15 * MS);
    assert_false(grt_turns_is_due(&turns, &old, SECOND)); /* nobody waits */
    pthread_t thread = begin_to_wait(&new);
    assert_true(grt_turns_is_due(&turns, &old, SECOND));
    grt_turns_give(&turns, &old);
    has_turn(thread);
    /* The old one has held before, so that the long slice counts. */
    thread = begin_to_wait(&old);
    hold_for(30 * MS);
    assert_false(grt_turns_is_due(&turns, &new, SECOND));
    assert_true(grt_turns_is_due(&turns, &new, 1));
    grt_turns_give(&turns, &new);
    has_turn(thread);
    grt_turns_give(&turns, &old);
    grt_turns_release(&turns);
}

/* Of two that wait the one that has had less comes next, whoever came first. */
static void test_the_least_comes_next(void **state)
{
    (void)state;
    grt_turn holder = {0},
             much = {.used_ns = 5 * MS, .has_begun = true, .has_held = true},
             little = {.used_ns = 2 * MS, .has_begun = true, .has_held = true};
    grt_turns_init(&turns);
    assert_int_equal(grt_turns_take(&turns, &holder, NULL), GRT_STOP_NONE);
    pthread_t first = begin_to_wait(&much), second = begin_to_wait(&little);
    grt_turns_give(&turns, &holder);
    has_turn(second);
    assert_false(much.is_given);
    grt_turns_give(&turns, &little);
    has_turn(first);
    grt_turns_give(&turns, &much);
    grt_turns_release(&turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_newcomer_does_not_wait_for_a_long_slice),
        cmocka_unit_test(test_the_least_comes_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
