/* tally.c - what an input that does not fit --memory holds, and the budget it needs. */
#include "frame/tally.h"

#include "frame/cli.h"
#include "frame/process.h"
#include "frame/progress.h"
#include "frame/room.h"
#include "frame/text.h"

/* Texts are looked at for so long, and read for so long. */
#define LOOKING_NS INT64_C(2000000000)
#define READING_NS INT64_C(4000000000)
/* What a named budget has room for beside what was counted. */
enum { NAMED_ROOM_BYTES = 1 << 20 };

static cli_planner planner;

void cli_tally_plan_with(const cli_planner *used)
{
    planner = used ? *used : (cli_planner){0};
}

/* Looking at the clock takes longer than counting a short text. */
static int goes_on(cli_tally *tally, size_t bytes)
{
    enum { OF_DOCUMENT = 256, LOOK_EVERY = 65536 };
    tally->n_unseen += bytes + OF_DOCUMENT;
    if (tally->begun_ns && tally->n_unseen < LOOK_EVERY) return !tally->is_endless;
    tally->n_unseen = 0;
    int64_t now = cli_now_ns();
    if (!tally->begun_ns) tally->begun_ns = now;
    tally->is_late |= now - tally->begun_ns > LOOKING_NS;
    tally->is_endless |= now - tally->begun_ns > READING_NS;
    return !tally->is_endless;
}

static void count(cli_tally *tally, const char *text, size_t bytes, uint64_t kept)
{
    tally->n_documents++;
    tally->kept_bytes += kept;
    if (planner.count)
        planner.count(tally, tally->is_late ? NULL : text, bytes, planner.payload);
}

int cli_tally_document(cli_tally *tally, const char *text, size_t bytes, size_t kept)
{
    int code = goes_on(tally, bytes);
    tally->read_bytes += bytes;
    count(tally, text, bytes, kept);
    return code;
}

int cli_tally_piece(cli_tally *tally, size_t bytes)
{
    tally->read_bytes += bytes;
    return goes_on(tally, bytes);
}

/* ---- JSON ---- */

/* A string that is no member's name may be a document. */
static void end_string(cli_tally *tally, cli_json_scan *scan)
{
    enum { AROUND = 32 }; /* of a text and its id, where documents are kept */
    count(tally, NULL, (size_t)scan->string_bytes, scan->string_bytes + AROUND);
}

static void take_byte(cli_tally *tally, cli_json_scan *scan, char c)
{
    if (scan->is_in_string) {
        int is_end = c == '"' && !scan->is_escaped;
        scan->is_escaped = c == '\\' && !scan->is_escaped;
        scan->is_in_string = !is_end;
        scan->is_behind_string = is_end;
        scan->string_bytes += !is_end;
        return;
    }
    if (scan->is_behind_string && c != ' ' && c != '\t') {
        if (c != ':') end_string(tally, scan);
        scan->is_behind_string = 0;
    }
    scan->n_objects += c == '{';
    scan->n_arrays += c == '[';
    scan->n_commas += c == ',';
    if (c != '"') return;
    scan->is_in_string = 1;
    scan->string_bytes = 0;
    scan->n_strings++;
}

int cli_tally_json(cli_tally *tally, cli_json_scan *scan, const char *text,
                   size_t bytes)
{
    enum { AT_ONCE = 65536 };
    for (size_t begin = 0; begin < bytes;) {
        size_t end = bytes - begin < AT_ONCE ? bytes : begin + AT_ONCE;
        for (; begin < end; begin++)
            take_byte(tally, scan, text[begin]);
        if (!goes_on(tally, AT_ONCE)) return 0;
    }
    scan->bytes += bytes;
    tally->read_bytes += bytes;
    return 1;
}

uint64_t cli_json_parsed_bytes(const cli_json_scan *scan)
{
    /* Of Jansson's values and of the allocator, rounded up. */
    enum { OF_OBJECT = 320, OF_ARRAY = 160, OF_STRING = 128, OF_VALUE = 64 };
    return scan->bytes + scan->n_objects * OF_OBJECT + scan->n_arrays * OF_ARRAY +
           scan->n_strings * OF_STRING + scan->n_commas * OF_VALUE;
}

/* ---- Refusing ---- */

/* Counted with care, so that it may be more than the least. */
static uint64_t enough_bytes(const cli_tally *tally)
{
    uint64_t taken = cli_room_taken() + tally->most_bytes, planned = 0;
    if (planner.smallest) planned = planner.smallest(tally, planner.payload);
    return (taken > planned ? taken : planned) + tally->kept_bytes + NAMED_ROOM_BYTES;
}

cli_tally_text cli_tally_enough(const cli_tally *tally)
{
    cli_tally_text out;
    if (tally->is_endless)
        snprintf(out.text, sizeof out.text, "no end was seen within %s",
                 cli_bytes_text(tally->read_bytes).text);
    else
        snprintf(out.text, sizeof out.text, "a budget of %llu MiB works",
                 (unsigned long long)((enough_bytes(tally) + (1 << 20) - 1) >> 20));
    return out;
}

int cli_tally_refuse(const cli_tally *tally, const char *what)
{
    cli_process_trim();
    cli_tally_text enough = cli_tally_enough(tally);
    return cli_fail("reading %s does not fit %s (%s document%s); %s", what,
                    cli_bytes_text(cli_room_budget()).text,
                    cli_grouped(tally->n_documents).text,
                    tally->n_documents == 1 ? "" : "s", enough.text);
}

int cli_fail_memory(const char *what)
{
    if (!cli_room_budget()) return cli_fail("out of memory");
    return cli_fail("%s does not fit %s", what, cli_bytes_text(cli_room_budget()).text);
}
