/* lines.c - a text file, or standard input, line by line. */
#include "frame/lines.h"

#include "frame/cli.h"
#include "frame/json.h"
#include "frame/file.h"
#include "frame/room.h"
#include "frame/signals.h"
#include "wire/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 65536, LOOKED_AT = 64 };

int cli_lines_open(cli_lines *lines, const char *path)
{
    *lines = (cli_lines){.name = path, .fd = STDIN_FILENO, .separator = '\n'};
    if (!path || strcmp(path, "-") == 0) {
        lines->name = "standard input";
        if (isatty(STDIN_FILENO)) cli_note("reading from the terminal; Ctrl-D ends");
        return CLI_SUCCESS;
    }
    lines->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (lines->fd < 0) return cli_fail("cannot open %s: %s", path, strerror(errno));
    cli_file_protect(path);
    return CLI_SUCCESS;
}

/* ---- What the bytes are ---- */

typedef struct signature {
    const char *bytes;
    size_t n;
    const char *name; /* what begins with them */
    const char *way;  /* what gives text, with %s for the file; NULL: nothing simple */
} signature;

#define SIGNATURE(bytes, name, way)           \
    {                                         \
        (bytes), sizeof(bytes) - 1, name, way \
    }
static const signature signatures[] = {
    SIGNATURE("\x1f\x8b", "compressed with gzip", "gzip -dc"),
    SIGNATURE("\x28\xb5\x2f\xfd", "compressed with zstd", "zstd -dc"),
    SIGNATURE("BZh91AY&SY", "compressed with bzip2", "bzip2 -dc"),
    SIGNATURE("\xfd"
              "7zXZ",
              "compressed with xz", "xz -dc"),
    SIGNATURE("\x04\x22\x4d\x18", "compressed with lz4", "lz4 -dc"),
    SIGNATURE("LZIP\x01", "compressed with lzip", "lzip -dc"),
    SIGNATURE("\x1f\x9d", "compressed with compress", "gzip -dc"),
    SIGNATURE("7z\xbc\xaf\x27\x1c", "a 7-Zip archive", NULL),
    SIGNATURE("Rar!\x1a\x07", "a RAR archive", NULL),
    SIGNATURE("Obj\x01", "an Avro file", NULL),
    SIGNATURE("ORC\x0a", "an ORC file", NULL),
    SIGNATURE("\x93NUMPY", "a NumPy array", NULL),
    SIGNATURE("\x80\x03", "a Python pickle", NULL),
    SIGNATURE("\x80\x04\x95", "a Python pickle", NULL),
    SIGNATURE("\x80\x05\x95", "a Python pickle", NULL),
    SIGNATURE("PK\x03\x04", "a zip archive (or a .docx, .xlsx, .epub)", NULL),
    SIGNATURE("%PDF-", "a PDF document", "pdftotext"),
    SIGNATURE("SQLite format 3\0", "an SQLite database", NULL),
    SIGNATURE("PAR1\x15", "a Parquet file", NULL),
    SIGNATURE("ARROW1\0", "an Arrow file", NULL),
    SIGNATURE("GGUF\x02\0", "a model (GGUF)", NULL),
    SIGNATURE("GGUF\x03\0", "a model (GGUF)", NULL),
    SIGNATURE("\x89PNG", "a PNG picture", NULL),
    SIGNATURE("\xff\xd8\xff", "a JPEG picture", NULL),
    SIGNATURE("GIF89a", "a GIF picture", NULL),
    SIGNATURE("\x7f"
              "ELF",
              "a program", NULL),
    SIGNATURE("\xd0\xcf\x11\xe0", "an Office document", NULL),
    SIGNATURE("{\\rtf", "an RTF document", NULL),
    SIGNATURE("\xff\xfe\0\0", "UTF-32 text", "iconv -f UTF-32 -t UTF-8"),
    SIGNATURE("\0\0\xfe\xff", "UTF-32 text", "iconv -f UTF-32 -t UTF-8"),
};

/* Most of every second byte, and none of the others, is 0 at the start, as in UTF-16
 * of Latin text: 1 or 2 tells which half, 0: it is not so. */
static int zero_half(const char *bytes, size_t n)
{
    size_t zeros[2] = {0, 0};
    if (n > LOOKED_AT) n = LOOKED_AT;
    n &= ~(size_t)1;
    for (size_t i = 0; i < n; i++)
        zeros[i % 2] += bytes[i] == 0;
    if (n < 4) return 0;
    size_t most = n / 2 - n / 8;
    if (zeros[0] >= most && !zeros[1]) return 1;
    return zeros[1] >= most && !zeros[0] ? 2 : 0;
}

/* More than a tenth of the first bytes are control characters that no text has; 0 is
 * looked at elsewhere, and so is what separates texts. */
static int is_binary(const char *bytes, size_t n)
{
    enum { SEEN = 4096, FEW = 16 };
    size_t n_controls = 0;
    if (n > SEEN) n = SEEN;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        int is_of_text =
            c == 0 || c >= 0x20 || (c >= '\a' && c <= '\r') || (c >= 0x1b && c <= 0x1f);
        n_controls += !is_of_text;
    }
    return n >= FEW && n_controls > n / 10;
}

static int refuse(const cli_lines *lines, const signature *found)
{
    if (!found->way) return cli_fail("%s is %s, not text", lines->name, found->name);
    return cli_fail("%s is %s; give its text: \"%s %s%s | grating ...\"", lines->name,
                    found->name, found->way,
                    lines->fd == STDIN_FILENO ? "FILE" : lines->name,
                    strcmp(found->way, "pdftotext") == 0 ? " -" : "");
}

static int find_encoding(cli_lines *lines)
{
    const char *bytes = lines->chunk;
    size_t n = lines->filled;
    lines->is_known = 1;
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        if (n >= signatures[i].n &&
            memcmp(bytes, signatures[i].bytes, signatures[i].n) == 0)
            return refuse(lines, &signatures[i]);
    }
    int half = zero_half(bytes, n);
    if (n >= 2 && memcmp(bytes, "\xff\xfe", 2) == 0)
        lines->encoding = CLI_ENCODING_UTF16LE;
    else if (n >= 2 && memcmp(bytes, "\xfe\xff", 2) == 0)
        lines->encoding = CLI_ENCODING_UTF16BE;
    else if (half && lines->separator)
        lines->encoding = half == 2 ? CLI_ENCODING_UTF16LE : CLI_ENCODING_UTF16BE;
    if (lines->encoding == CLI_ENCODING_UTF8 && is_binary(bytes, n))
        return cli_fail("%s is binary data, not text", lines->name);
    if (lines->encoding != CLI_ENCODING_UTF8)
        cli_note("%s is UTF-16; it is read as such", lines->name);
    return CLI_SUCCESS;
}

/* ---- Bytes ---- */

/* Reads more; 1: there is more, 0: the end, -1: an error was reported. */
static int fill(cli_lines *lines)
{
    if (lines->is_at_end) return 0;
    if (lines->at) {
        memmove(lines->chunk, lines->chunk + lines->at, lines->filled - lines->at);
        lines->filled -= lines->at;
        lines->at = 0;
    }
    if (!lines->chunk) {
        lines->chunk = malloc(CHUNK_BYTES);
        if (!lines->chunk) {
            cli_fail("out of memory");
            return -1;
        }
    }
    cli_begin_waiting();
    ssize_t n =
        read(lines->fd, lines->chunk + lines->filled, CHUNK_BYTES - lines->filled);
    int error = errno;
    cli_end_waiting();
    if (n < 0) {
        cli_fail("cannot read %s: %s", lines->name, strerror(error));
        return -1;
    }
    lines->is_at_end = n == 0;
    lines->filled += (size_t)n;
    if (n && !lines->is_known && find_encoding(lines)) return -1;
    return n > 0;
}

/* Finds the end of the line that goes on at lines->at: the bytes up to and with its
 * separator.  0: it is not there yet. */
static size_t find_end(const cli_lines *lines)
{
    size_t n = lines->filled - lines->at;
    if (n == 0) return 0; /* there is no chunk before the first read */
    const char *begin = lines->chunk + lines->at;
    if (lines->encoding == CLI_ENCODING_UTF8) {
        const char *found = memchr(begin, lines->separator, n);
        return found ? (size_t)(found - begin) + 1 : 0;
    }
    size_t low = lines->encoding == CLI_ENCODING_UTF16LE ? 0 : 1;
    for (size_t i = 0; i + 1 < n; i += 2) {
        if (begin[i + low] == lines->separator && begin[i + 1 - low] == 0) return i + 2;
    }
    return 0;
}

static int reserve_line(cli_lines *lines, size_t bytes)
{
    size_t capacity = lines->capacity ? lines->capacity : bytes;
    if (bytes <= lines->capacity) return 1;
    while (capacity < bytes)
        capacity = cli_room_grown(capacity);
    char *line = cli_room_resize(lines->line, lines->capacity, capacity);
    if (!line) return 0;
    lines->line = line;
    lines->capacity = capacity;
    return 1;
}

static uint32_t unit_at(const cli_lines *lines, const char *bytes)
{
    const unsigned char *s = (const unsigned char *)bytes;
    int is_little = lines->encoding == CLI_ENCODING_UTF16LE;
    return is_little ? s[0] | (uint32_t)s[1] << 8 : s[1] | (uint32_t)s[0] << 8;
}

/* Appends n bytes of the chunk to the line, as UTF-8; half a surrogate, or half a unit
 * at the end, is U+FFFD. */
static int append(cli_lines *lines, const char *bytes, size_t n)
{
    size_t most = lines->encoding == CLI_ENCODING_UTF8 ? n : n / 2 * 3 + 3;
    if (n > SIZE_MAX / 2 - lines->bytes - 4 ||
        !reserve_line(lines, lines->bytes + most + 4))
        return 0;
    if (lines->encoding == CLI_ENCODING_UTF8) {
        if (n) memcpy(lines->line + lines->bytes, bytes, n);
        lines->bytes += n;
        return 1;
    }
    for (size_t i = 0; i < n; i += 2) {
        uint32_t point = i + 1 < n ? unit_at(lines, bytes + i) : WIRE_REPLACEMENT;
        if (point >= 0xD800 && point < 0xDC00 && i + 3 < n) {
            uint32_t low = unit_at(lines, bytes + i + 2);
            if (low >= 0xDC00 && low < 0xE000) {
                point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
                i += 2;
            }
        }
        if (point >= 0xD800 && point < 0xE000) point = WIRE_REPLACEMENT;
        lines->bytes += wire_encode(lines->line + lines->bytes, point);
    }
    return 1;
}

/* Bytes of the chunk that are whole characters, all of them at the end of the file. */
static size_t whole_bytes(const cli_lines *lines)
{
    size_t n = lines->filled - lines->at;
    if (lines->encoding == CLI_ENCODING_UTF8 || lines->is_at_end) return n;
    n &= ~(size_t)1;
    if (n < 2) return 0;
    uint32_t last = unit_at(lines, lines->chunk + lines->at + n - 2);
    return last >= 0xD800 && last < 0xDC00 ? n - 2 : n;
}

/* Takes `n` bytes of the chunk as the next line, or as more of it; 0: they do not fit.
 */
static int take(cli_lines *lines, size_t n)
{
    if (n && !append(lines, lines->chunk + lines->at, n)) return 0;
    lines->at += n;
    lines->end += n;
    return 1;
}

/* ---- Lines ---- */

static int is_blank(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (!text[i] || !strchr(" \t\r\n\v\f", text[i])) return 0;
    }
    return 1;
}

/* Removes the line's end and, from the first line, a byte order mark. */
static void trim_line(cli_lines *lines)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t skip = 0;
    if (lines->number == 1 && lines->bytes >= 3 && memcmp(lines->line, mark, 3) == 0)
        skip = 3;
    if (lines->bytes > skip && lines->line[lines->bytes - 1] == lines->separator)
        lines->bytes--;
    if (lines->separator && lines->bytes > skip &&
        lines->line[lines->bytes - 1] == '\r')
        lines->bytes--;
    lines->bytes -= skip;
    memmove(lines->line, lines->line + skip, lines->bytes);
    lines->line[lines->bytes] = 0;
}

static int check_text(cli_lines *lines)
{
    if (lines->separator && memchr(lines->line, 0, lines->bytes)) {
        cli_lines_fail(lines, "a NUL byte: this is no text");
        return -1;
    }
    lines->n_invalid += !wire_is_utf8(lines->line, lines->bytes);
    return 1;
}

/* ---- What does not fit ---- */

/* Counts a piece of what is passed over; 0: it is time to give up. */
static int see_skipped(cli_lines *lines, cli_tally *tally, cli_json_scan *scan,
                       const char *text, size_t bytes)
{
    lines->skipped_bytes += bytes;
    if (lines->is_json) return cli_tally_json(tally, scan, text, bytes);
    return cli_tally_piece(tally, bytes);
}

static void free_line(cli_lines *lines)
{
    free(lines->line);
    lines->line = NULL;
    lines->bytes = lines->capacity = 0;
}

/* Keeping the bytes and, of JSON, the values at once. */
static void end_skipped(const cli_lines *lines, cli_tally *tally,
                        const cli_json_scan *scan)
{
    uint64_t parsed = cli_json_parsed_bytes(scan), most = lines->skipped_bytes;
    if (lines->is_json) most += parsed;
    if (most > tally->most_bytes) tally->most_bytes = most;
    if (!lines->is_json)
        (void)cli_tally_document(tally, NULL, lines->skipped_bytes,
                                 lines->skipped_bytes);
}

/* Passes over the rest of the line that was begun, or of the file. */
static int skip(cli_lines *lines, cli_tally *tally, int is_to_end)
{
    cli_json_scan scan = {0};
    int goes_on = see_skipped(lines, tally, &scan, lines->line, lines->bytes), more = 1;
    free_line(lines);
    while (goes_on && more > 0) {
        size_t end = is_to_end ? 0 : find_end(lines);
        size_t n = end ? end : whole_bytes(lines);
        if (n) goes_on = see_skipped(lines, tally, &scan, lines->chunk + lines->at, n);
        lines->at += n;
        lines->end += n;
        if (end || !goes_on) break;
        more = fill(lines);
    }
    end_skipped(lines, tally, &scan);
    return more < 0 ? -1 : 1;
}

/* A line, or the rest of a file, that does not fit. */
static int pass_over(cli_lines *lines, int is_to_end)
{
    cli_tally own = {0}, *tally = lines->tally ? lines->tally : &own;
    lines->skipped_bytes = 0;
    if (!cli_room_budget()) {
        cli_fail("out of memory: %s%s is too long", is_to_end ? "" : "a line of ",
                 lines->name);
        return -1;
    }
    if (skip(lines, tally, is_to_end) < 0) return -1;
    if (lines->tally) return CLI_LINES_TOO_LARGE;
    cli_tally_refuse(tally, lines->name);
    return -1;
}

/* ---- Lines ---- */

/* The next line, blank or not. */
static int next_line(cli_lines *lines)
{
    int is_begun = 0, is_whole = 0, more = 1;
    lines->bytes = 0;
    lines->begin = lines->end;
    while (!is_whole) {
        size_t end = find_end(lines), n = end ? end : whole_bytes(lines);
        is_whole = end || !more;
        if (!n && is_whole && !is_begun) return 0;
        if (n && !is_begun++) lines->number++;
        if (!take(lines, n)) return pass_over(lines, 0);
        if (is_whole) break;
        more = fill(lines);
        if (more < 0) return -1;
    }
    trim_line(lines);
    return 1;
}

/* JSON text sequences (RFC 7464) have a mark before each value. */
static void drop_record_mark(cli_lines *lines)
{
    if (lines->bytes < 2 || lines->line[0] != '\x1e') return;
    if (lines->line[1] != '{' && lines->line[1] != '[' && lines->line[1] != '"') return;
    memmove(lines->line, lines->line + 1, lines->bytes--); /* with its NUL */
}

int cli_lines_next(cli_lines *lines)
{
    int next;
    while ((next = next_line(lines)) == 1) {
        drop_record_mark(lines);
        if (!is_blank(lines->line, lines->bytes)) return check_text(lines);
        lines->n_blank++;
    }
    return next;
}

int cli_lines_rest(cli_lines *lines)
{
    int more;
    size_t before = lines->bytes;
    if (lines->number) { /* its line break, which was trimmed */
        lines->line[lines->bytes++] = '\n';
        before = lines->bytes;
    }
    do {
        if (!take(lines, whole_bytes(lines))) return pass_over(lines, 1);
    } while ((more = fill(lines)) > 0);
    if (more < 0) return -1;
    if (!take(lines, whole_bytes(lines)) || !reserve_line(lines, lines->bytes + 1))
        return pass_over(lines, 1);
    if (before == 0) {
        lines->number = 1;
        trim_line(lines);
    }
    lines->line[lines->bytes] = 0;
    return check_text(lines);
}

int cli_lines_seek(cli_lines *lines, uint64_t begin, size_t number)
{
    if (lines->encoding != CLI_ENCODING_UTF8)
        return cli_fail("%s is UTF-16, and parts of it are read again: make it UTF-8 "
                        "first, with iconv",
                        lines->name);
    if (lseek(lines->fd, (off_t)begin, SEEK_SET) < 0)
        return cli_fail("cannot read %s again: %s", lines->name, strerror(errno));
    lines->at = lines->filled = 0;
    lines->is_at_end = 0;
    lines->end = begin;
    lines->number = number - 1;
    return CLI_SUCCESS;
}

int cli_lines_fail(const cli_lines *lines, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return cli_fail("%s, line %zu: %s", lines->name, lines->number, text);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

void cli_lines_report(const cli_lines *lines)
{
    size_t blank = lines->n_blank, invalid = lines->n_invalid;
    if (blank)
        cli_note("%zu empty line%s of %s passed over", blank, plural(blank),
                 lines->name);
    if (invalid)
        cli_note("%zu line%s of %s %s not valid UTF-8: bad bytes are read as U+FFFD",
                 invalid, plural(invalid), lines->name, invalid == 1 ? "is" : "are");
    if (lines->n_repaired)
        cli_note(
            "%zu line%s of %s %s no strict JSON: half a surrogate is read as U+FFFD, "
            "NaN as null, and the last of two members of one name counts",
            lines->n_repaired, plural(lines->n_repaired), lines->name,
            lines->n_repaired == 1 ? "is" : "are");
}

void cli_lines_close(cli_lines *lines)
{
    if (lines->fd > STDIN_FILENO) close(lines->fd);
    free(lines->line);
    free(lines->chunk);
    *lines = (cli_lines){.fd = -1};
}

int cli_lines_count_json(cli_lines *lines, const json_error_t *error)
{
    cli_json_scan scan = {0};
    if (!cli_room_budget() || !lines->tally || !cli_json_is_out_of_memory(error))
        return 0;
    int was_json = lines->is_json;
    lines->is_json = 1;
    lines->skipped_bytes = 0;
    (void)see_skipped(lines, lines->tally, &scan, lines->line, lines->bytes);
    end_skipped(lines, lines->tally, &scan);
    lines->is_json = was_json;
    free_line(lines);
    return 1;
}

json_t *cli_lines_json(cli_lines *lines, int *is_counted)
{
    json_error_t error;
    int is_repaired = 0;
    json_t *value = cli_json_parse(lines->line, lines->bytes, &is_repaired, &error);
    if (!value && is_counted && cli_lines_count_json(lines, &error)) {
        *is_counted = 1;
        return NULL;
    }
    if (!value && cli_json_is_out_of_memory(&error))
        cli_fail_memory(lines->name);
    else if (!value)
        cli_lines_fail(lines, "column %d: %s", error.column, error.text);
    lines->n_repaired += is_repaired && wire_is_utf8(lines->line, lines->bytes);
    return value;
}
