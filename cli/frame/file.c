/* file.c - a file that the command writes: whole, or not at all. */
#include "frame/file.h"

#include "frame/cli.h"
#include "frame/json.h"
#include "frame/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const cli_file *out, int error)
{
    return cli_fail("cannot write %s: %s", out->path, strerror(error));
}

/* ---- What is read ---- */

typedef struct identity {
    dev_t device;
    ino_t number;
} identity;

static struct {
    identity *files; /* and folders; until cli_file_unprotect_all */
    size_t n, capacity;
} inputs;

static int is_input(const struct stat *found)
{
    for (size_t i = 0; i < inputs.n; i++) {
        if (inputs.files[i].device == found->st_dev &&
            inputs.files[i].number == found->st_ino)
            return 1;
    }
    return 0;
}

void cli_file_protect(const char *path)
{
    struct stat found;
    if (!path || strcmp(path, "-") == 0 || stat(path, &found) != 0) return;
    if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) return;
    if (inputs.n == inputs.capacity) {
        size_t capacity = inputs.capacity * 2 + 16;
        identity *files = realloc(inputs.files, capacity * sizeof *files);
        if (!files) return; /* what follows needs memory too, and says so */
        inputs.files = files;
        inputs.capacity = capacity;
    }
    inputs.files[inputs.n++] = (identity){found.st_dev, found.st_ino};
}

void cli_file_unprotect_all(void)
{
    free(inputs.files);
    inputs.files = NULL;
    inputs.n = inputs.capacity = 0;
}

/* Whether the regular file `target` is one that is read, or lies in such a folder. */
static int would_replace_input(const char *target)
{
    struct stat found, parent;
    if (stat(target, &found) != 0 || !S_ISREG(found.st_mode)) return 0;
    if (is_input(&found)) return 1;
    const char *slash = strrchr(target, '/');
    char *folder = slash ? strndup(target, (size_t)(slash - target) + 1) : strdup(".");
    int is_inside = folder && stat(folder, &parent) == 0 && is_input(&parent);
    free(folder);
    return is_inside;
}

static int refuse_input(const cli_file *out)
{
    return cli_fail("%s is read by this command, and is not replaced: name another "
                    "file",
                    out->path);
}

/* ---- What is written ---- */

/* Opens "<target>.<process>.tmp", which must be new. */
static int open_temporary(cli_file *out)
{
    size_t capacity = strlen(out->target) + 32;
    out->temporary = malloc(capacity);
    if (!out->temporary) return -1;
    snprintf(out->temporary, capacity, "%s.%ld.tmp", out->target, (long)getpid());
    int fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0) {
        cli_remove_when_interrupted(out->temporary);
    } else { /* nothing of ours to remove */
        free(out->temporary);
        out->temporary = NULL;
    }
    return fd;
}

/* A standard stream that writes to this file already, or -1.  Sharing its place in the
 * file keeps what it has written. */
static int same_stream(const struct stat *found)
{
    struct stat stream;
    for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fstat(fd, &stream) == 0 && stream.st_dev == found->st_dev &&
            stream.st_ino == found->st_ino)
            return fd;
    }
    return -1;
}

int cli_file_create(cli_file *out, const char *path)
{
    struct stat found;
    *out = (cli_file){.path = path};
    int exists = stat(path, &found) == 0;
    if (exists && S_ISDIR(found.st_mode)) return fail(out, EISDIR);
    if (would_replace_input(path)) return refuse_input(out);
    int stream = exists ? same_stream(&found) : -1, fd;
    if (stream >= 0) {
        fd = dup(stream);
    } else if (exists && !S_ISREG(found.st_mode)) {
        fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        out->target = exists ? realpath(path, NULL) : strdup(path);
        fd = out->target ? open_temporary(out) : -1;
    }
    /* Who may read the file that was there may read the new one. */
    if (fd >= 0 && exists && out->temporary)
        (void)!fchmod(fd, found.st_mode & (mode_t)07777);
    if (fd >= 0) out->file = fdopen(fd, "w");
    if (out->file) return CLI_SUCCESS;
    int error = errno;
    if (fd >= 0) close(fd);
    cli_file_discard(out);
    return fail(out, error);
}

int cli_file_check(cli_file *out)
{
    if (ferror(out->file) && !out->error) out->error = errno ? errno : EIO;
    return out->error ? CLI_FAILURE : CLI_SUCCESS;
}

int cli_file_commit(cli_file *out)
{
    if (fflush(out->file) != 0 && !out->error) out->error = errno;
    (void)cli_file_check(out);
    if (cli_json_lacked_memory() && !out->error) out->error = ENOMEM;
    if (fclose(out->file) != 0 && !out->error) out->error = errno;
    out->file = NULL;
    /* Inputs that were found meanwhile count as well. */
    if (!out->error && out->temporary && would_replace_input(out->target)) {
        int code = refuse_input(out);
        cli_file_discard(out);
        return code;
    }
    if (!out->error && out->temporary && rename(out->temporary, out->target) != 0)
        out->error = errno;
    int error = out->error;
    if (!error) { /* the temporary name is gone */
        cli_keep_when_interrupted(out->temporary);
        free(out->temporary);
        out->temporary = NULL;
    }
    cli_file_discard(out);
    return error ? fail(out, error) : CLI_SUCCESS;
}

void cli_file_discard(cli_file *out)
{
    if (out->file) fclose(out->file);
    if (out->temporary) {
        unlink(out->temporary);
        cli_keep_when_interrupted(out->temporary);
    }
    free(out->temporary);
    free(out->target);
    *out = (cli_file){.path = out->path};
}
