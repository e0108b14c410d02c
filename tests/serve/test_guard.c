/* Who may ask: Host, Origin and keys. */
#include "test.h"

#include "serve/guard.h"

static const char *const hosts[] = {"rank.example.org"};
static const char *const origins[] = {"http://localhost:3000"};
static const char *const keys[] = {"secret", "another"};

static const serve_options guarded = {.hosts = hosts,
                                      .n_hosts = 1,
                                      .origins = origins,
                                      .n_origins = 1,
                                      .keys = keys,
                                      .n_keys = 2};

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *host, *origin;
        int is_let_in;
    } cases[] = {
        {"localhost:8080", NULL, 1},
        {"LOCALHOST", NULL, 1},
        {"127.0.0.1:80", NULL, 1},
        {"[::1]:8080", NULL, 1},
        {"192.168.1.7:8080", NULL, 1},
        {"grating:8080", NULL, 1}, /* a name without dots, as containers have */
        {"app.localhost", NULL, 1},
        {"rank.example.org:8080", NULL, 1},
        {"Rank.Example.ORG", NULL, 1},
        {NULL, NULL, 1},
        {"evil.example.com", NULL, 0},
        {"evil.example.com:8080", NULL, 0},
        {"127.0.0.1.evil.com", NULL, 0},
        {"localhost.evil.com", NULL, 0},
        {"notlocalhost.com", NULL, 0},
        {"", NULL, 0},
        {"[::1", NULL, 0},
        {"a/b", NULL, 0},
        {"user@localhost", NULL, 0},
        {"localhost:8080", "http://localhost:8080", 1}, /* the page at / */
        {"localhost:8080", "https://localhost:8080", 1},
        {"localhost:8080", "http://localhost:3000", 1}, /* was named */
        {"localhost:8080", "http://localhost:3001", 0},
        {"localhost:8080", "http://evil.com", 0},
        {"localhost:8080", "null", 0}, /* a file, or a frame in a sandbox */
        {"localhost:8080", "", 0},
        {"evil.com", "http://evil.com", 0}, /* DNS rebinding */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve_caller caller = {.host = cases[i].host, .origin = cases[i].origin};
        serve_fault fault = {0};
        int is_let_in = serve_check_host(&guarded, &caller, &fault) == SERVE_OK;
        if (is_let_in != cases[i].is_let_in)
            fail_msg("Host %s, Origin %s: %d", cases[i].host, cases[i].origin,
                     is_let_in);
    }
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        serve_caller caller;
        int is_let_in;
    } cases[] = {
        {{.authorization = "Bearer secret"}, 1},
        {{.authorization = "bearer another"}, 1},
        {{.authorization = "secret"}, 1}, /* some clients leave the word out */
        {{.x_api_key = "secret"}, 1},
        {{.api_key = "another"}, 1},
        {{.authorization = "Bearer wrong", .x_api_key = "secret"}, 1},
        {{.authorization = "Bearer secre"}, 0},
        {{.authorization = "Bearer secrets"}, 0},
        {{.authorization = "Bearer secretsecret"}, 0},
        {{.authorization = "Bearer "}, 0},
        {{.authorization = ""}, 0},
        {{.x_api_key = ""}, 0},
        {{0}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        serve_fault fault = {0};
        int is_let_in = serve_check_key(&guarded, &cases[i].caller, &fault) == SERVE_OK;
        if (is_let_in != cases[i].is_let_in) fail_msg("case %zu: %d", i, is_let_in);
    }
    /* Without keys everybody may ask, whatever clients send. */
    serve_options open = {0};
    serve_caller caller = {.authorization = "Bearer "};
    serve_fault fault = {0};
    assert_int_equal(serve_check_key(&open, &caller, &fault), SERVE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hosts),
                                       cmocka_unit_test(test_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
