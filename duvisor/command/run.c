/* run.c - `duvisor run`: an image until it ends, and what happened. */
#include "command/command.h"

#include <string.h>

enum { KEY_LIMIT = DV_KEY_OWN, KEY_STATS, KEY_HASH };

static const cli_option options[] = {
    DV_SETUP_OPTIONS,
    {KEY_LIMIT, "limit", "N", "stop after so many million instructions"},
    {KEY_STATS, "stats", NULL,
     "tell on standard error what was run: instructions by mode, traps\nby cause"},
    {KEY_HASH, "hash", NULL, "print a hash of the final state, on standard error"},
    CLI_HELP_OPTION,
    CLI_END_OPTION};

typedef struct request {
    dv_setup setup;
    uint64_t limit;
    bool has_stats, has_hash;
} request;

static void console_put(void *payload, uint8_t c)
{
    (void)payload;
    putchar(c);
}

static int parse(request *r, int argc, char **argv)
{
    cli_parser parser;
    int key;
    cli_parser_init(&parser, &dv_run_command, argc, argv);
    while ((key = cli_parser_next(&parser)) != CLI_END) {
        size_t number = 0;
        int code = CLI_SUCCESS;
        switch (key) {
        case CLI_BAD: return CLI_USAGE;
        case 'h': return -1;
        case KEY_STATS: r->has_stats = true; break;
        case KEY_HASH: r->has_hash = true; break;
        case KEY_LIMIT:
            code = cli_parse_number("--limit", parser.value, 1, 1000000000, &number);
            r->limit = number * 1000000;
            break;
        case CLI_OPERAND:
            if (r->setup.image)
                return cli_usage(&dv_run_command, "more than one image: \"%s\"",
                                 parser.value);
            r->setup.image = parser.value;
            break;
        default: code = dv_setup_option(&r->setup, key, parser.value); break;
        }
        if (code) return code;
    }
    if (!r->setup.image) return cli_usage(&dv_run_command, "no image given");
    return CLI_SUCCESS;
}

static void print_traps(const char *kind, uint64_t cause_bits,
                        uint64_t counts[DV_N_WHERE][DV_N_WHERE][DV_N_CAUSES])
{
    (void)kind;
    for (unsigned from = 0; from < DV_N_WHERE; from++)
        for (unsigned to = 0; to < DV_N_WHERE; to++)
            for (unsigned c = 0; c < DV_N_CAUSES; c++)
                if (counts[from][to][c])
                    fprintf(stderr, "    %-2s to %-2s  %12llu  %s\n",
                            dv_where_name((dv_where)from), dv_where_name((dv_where)to),
                            (unsigned long long)counts[from][to][c],
                            dv_cause_name(cause_bits | c));
}

static void print_stats(dv_machine *m)
{
    for (unsigned i = 0; i < dv_machine_n_harts(m); i++) {
        dv_hart_counters c = *dv_machine_counters(m, i);
        fprintf(stderr, "hart %u: %llu instructions", i,
                (unsigned long long)dv_machine_counted(m, i));
        for (unsigned w = 0; w < DV_N_WHERE; w++)
            if (c.instructions[w])
                fprintf(stderr, ", %s %llu", dv_where_name((dv_where)w),
                        (unsigned long long)c.instructions[w]);
        fputc('\n', stderr);
        print_traps("exceptions", 0, c.exceptions);
        print_traps("interrupts", UINT64_C(1) << 63, c.interrupts);
    }
}

static int report(const request *r, dv_machine *m, dv_stop stop)
{
    int code = cli_flush_output();
    if (r->has_stats) print_stats(m);
    if (r->has_hash)
        fprintf(stderr, "state %016llx\n",
                (unsigned long long)dv_machine_hash(m, true));
    switch (stop.reason) {
    case DV_STOP_FINISHED:
        if (stop.code)
            return cli_fail("the program ended with code %u", (unsigned)stop.code);
        break;
    case DV_STOP_RESET: break;
    case DV_STOP_IDLE:
        return cli_fail(
            "every hart waits, and nothing will wake one; hart 0 is at 0x%llx",
            (unsigned long long)dv_machine_pc(m, 0));
    case DV_STOP_LIMIT:
        return cli_fail("stopped after %llu instructions; hart 0 is at 0x%llx",
                        (unsigned long long)dv_machine_attempted(m),
                        (unsigned long long)dv_machine_pc(m, 0));
    }
    return code;
}

static int run(int argc, char **argv)
{
    request r = {.setup = dv_setup_init(), .limit = UINT64_MAX};
    int code = parse(&r, argc, argv);
    if (code == -1) return cli_print_help(&dv_run_command);
    if (code) return code;
    dv_machine *m;
    r.setup.machine.console_put = console_put;
    code = dv_setup_machine(&r.setup, &m);
    if (code == CLI_SUCCESS) {
        code = report(&r, m, dv_machine_run(m, r.limit));
        dv_machine_free(m);
    }
    dv_setup_release(&r.setup);
    return code;
}

const cli_command dv_run_command = {
    .name = "run",
    .summary = "run an image until it ends",
    .usage = "run IMAGE [OPTION]...",
    .details = "IMAGE is an ELF program, or firmware, that starts in machine mode at\n"
               "0x80000000.  What it writes to the console goes to standard output.",
    .options = options,
    .run = run,
};
