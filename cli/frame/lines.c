/* lines.c - a text file, or standard input, line by line. */
#include "frame/lines.h"

#include "frame/cli.h"
#include "frame/json.h"
#include "frame/file.h"
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
    if (lines->chunk_capacity - lines->filled < CHUNK_BYTES) {
        size_t capacity = lines->chunk_capacity * 2 + CHUNK_BYTES;
        char *chunk =
            capacity > lines->chunk_capacity ? realloc(lines->chunk, capacity) : NULL;
        if (!chunk) {
            cli_fail("out of memory: a line of %s is too long", lines->name);
            return -1;
        }
        lines->chunk = chunk;
        lines->chunk_capacity = capacity;
    }
    cli_begin_waiting();
    ssize_t n = read(lines->fd, lines->chunk + lines->filled, CHUNK_BYTES);
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

/* Finds the end of the line that begins at lines->at: the bytes up to and with its
 * separator.  0: it is not there yet. */
static size_t find_end(const cli_lines *lines, size_t searched)
{
    size_t n = lines->filled - lines->at;
    if (n == 0) return 0; /* there is no chunk before the first read */
    const char *begin = lines->chunk + lines->at;
    if (lines->encoding == CLI_ENCODING_UTF8) {
        const char *found =
            n > searched ? memchr(begin + searched, lines->separator, n - searched)
                         : NULL;
        return found ? (size_t)(found - begin) + 1 : 0;
    }
    size_t low = lines->encoding == CLI_ENCODING_UTF16LE ? 0 : 1;
    for (size_t i = searched & ~(size_t)1; i + 1 < n; i += 2) {
        if (begin[i + low] == lines->separator && begin[i + 1 - low] == 0) return i + 2;
    }
    return 0;
}

static int reserve_line(cli_lines *lines, size_t bytes)
{
    if (bytes <= lines->capacity) return 1;
    size_t capacity = lines->capacity * 2 > bytes ? lines->capacity * 2 : bytes;
    char *line = realloc(lines->line, capacity);
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
    if (n > SIZE_MAX / 2 - lines->bytes - 4 ||
        !reserve_line(lines, lines->bytes + n * 2 + 4))
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

/* Takes `n` bytes of the chunk as the next line, or as more of it. */
static int take(cli_lines *lines, size_t n)
{
    if (n && !append(lines, lines->chunk + lines->at, n)) {
        cli_fail("out of memory: a line of %s is too long", lines->name);
        return 0;
    }
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

/* The next line, blank or not. */
static int next_line(cli_lines *lines)
{
    size_t searched = 0, n;
    while ((n = find_end(lines, searched)) == 0) {
        searched = lines->filled - lines->at;
        int more = fill(lines);
        if (more < 0) return -1;
        if (more) continue;
        n = lines->filled - lines->at;
        if (n == 0) return 0;
        break;
    }
    lines->number++;
    lines->bytes = 0;
    lines->begin = lines->end;
    if (!take(lines, n)) return -1;
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
    while ((next = next_line(lines)) > 0) {
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
        if (!take(lines, lines->filled - lines->at)) return -1;
    } while ((more = fill(lines)) > 0);
    if (more < 0) return -1;
    if (!reserve_line(lines, lines->bytes + 1)) {
        cli_fail("out of memory: %s is too long", lines->name);
        return -1;
    }
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

json_t *cli_lines_json(cli_lines *lines)
{
    json_error_t error;
    int is_repaired = 0;
    json_t *value = cli_json_parse(lines->line, lines->bytes, &is_repaired, &error);
    if (!value) cli_lines_fail(lines, "column %d: %s", error.column, error.text);
    lines->n_repaired += is_repaired && wire_is_utf8(lines->line, lines->bytes);
    return value;
}
