/* test_window.c - the layer window over sources that are whole, short, failing,
 * truncated and slow, and over real files. */
#include "test.h"

#include "base/clock.h"
#include "base/memory.h"
#include "stream/window.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/* A file whose bytes follow from their offset; the reader's thread calls it. */
typedef struct fake_disk {
    unsigned char salt; /* tells files apart */
    uint64_t size;
    size_t piece;                      /* most bytes of one read; 0: no limit */
    long delay_ns;                     /* of every read */
    atomic_uint_fast64_t ends_at;      /* reads from here on give nothing */
    atomic_uint_fast64_t fails_at;     /* a read that touches this byte is -EIO */
    atomic_bool is_stuck;              /* reads wait until this is false */
    atomic_int n_reads;                /* calls so far */
    atomic_uint_fast64_t offsets[256]; /* of the first reads */
} fake_disk;

#define NOWHERE UINT64_MAX

static unsigned char byte_at(unsigned char salt, uint64_t offset)
{
    return (unsigned char)(offset * 7 + (offset >> 8) * 31 + (offset >> 16) * 3 + salt);
}

static int64_t fake_read_at(void *payload, uint64_t offset, void *dst, size_t n)
{
    fake_disk *disk = payload;
    int index = atomic_fetch_add(&disk->n_reads, 1);
    if (index < 256) atomic_store(&disk->offsets[index], offset);
    struct timespec delay = {0, disk->delay_ns ? disk->delay_ns : 100000};
    if (disk->delay_ns) (void)nanosleep(&delay, NULL);
    while (atomic_load(&disk->is_stuck))
        (void)nanosleep(&delay, NULL);
    uint64_t end = atomic_load(&disk->ends_at);
    uint64_t bad = atomic_load(&disk->fails_at);
    if (end > disk->size) end = disk->size;
    if (offset >= end) return 0;
    if (disk->piece && n > disk->piece) n = disk->piece;
    if (n > end - offset) n = (size_t)(end - offset);
    if (bad >= offset && bad - offset < n) return -EIO;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)dst)[i] = byte_at(disk->salt, offset + i);
    return (int64_t)n;
}

static grt_file *open_fake(fake_disk *disk, const char *name)
{
    grt_error err;
    grt_file *file = NULL;
    grt_file_source source = {fake_read_at, NULL, disk};
    atomic_store(&disk->ends_at, NOWHERE);
    atomic_store(&disk->fails_at, NOWHERE);
    assert_ok(grt_file_from_source(&file, name, &source, disk->size, &err), &err);
    return file;
}

/* ---- A model of N_LAYERS layers in two files ---- */

enum { N_LAYERS = 7, N_PARTS = 6, LAYER_BYTES = 300000, TAIL_BYTES = 100 };

typedef struct fixture {
    fake_disk disks[2];
    grt_file *files[2];
    grt_part parts[N_LAYERS][N_PARTS];
    grt_layer_plan layers[N_LAYERS];
} fixture;

/* Unsorted, unaligned, far apart, close together, overlapping, empty, and two files. */
static void plan_layers(fixture *f)
{
    for (size_t i = 0; i < N_LAYERS; i++) {
        uint64_t at = 777 + i * LAYER_BYTES;
        const grt_part parts[N_PARTS] = {
            {f->files[0], at + 150000, 33000 + i}, {f->files[0], at, 4096},
            {f->files[1], 555 * i + 3, 100 + i},   {f->files[0], at + 5000, 1},
            {f->files[0], at + 160000, 30000},     {f->files[1], 555 * i + 400, 0}};
        memcpy(f->parts[i], parts, sizeof(parts));
        /* Some layers are smaller than others. */
        f->layers[i] = (grt_layer_plan){f->parts[i], i % 3 == 2 ? 3 : N_PARTS};
    }
}

static void set_up(fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->disks[0].size = N_LAYERS * LAYER_BYTES;
    f->disks[1].size = 555 * N_LAYERS + TAIL_BYTES;
    f->disks[1].salt = 99;
    f->files[0] = open_fake(&f->disks[0], "first.bin");
    f->files[1] = open_fake(&f->disks[1], "second.bin");
    plan_layers(f);
}

static void tear_down(fixture *f)
{
    grt_file_close(f->files[0]);
    grt_file_close(f->files[1]);
}

static grt_window *open_window(fixture *f, size_t n_slots, bool is_direct)
{
    grt_error err;
    grt_window *window = NULL;
    grt_window_options options = {n_slots, is_direct};
    assert_ok(grt_window_create(&window, f->layers, N_LAYERS, &options, &err), &err);
    return window;
}

static void check_layer(const fixture *f, const void *const *bytes, size_t layer)
{
    for (size_t part = 0; part < f->layers[layer].n_parts; part++) {
        const grt_part *wanted = &f->parts[layer][part];
        unsigned char salt = wanted->file == f->files[0] ? 0 : 99;
        const unsigned char *data = bytes[part];
        for (size_t i = 0; i < wanted->n_bytes; i++)
            if (data[i] != byte_at(salt, wanted->offset + i))
                fail_msg("layer %zu, part %zu, byte %zu", layer, part, i);
    }
}

/* One pass over the layers before `end`. */
static void run_pass(const fixture *f, grt_window *window, size_t end)
{
    grt_error err;
    grt_window_begin(window, 0);
    for (size_t layer = 0; layer < end; layer++) {
        const void *const *bytes;
        assert_ok(grt_window_acquire(window, layer, NULL, &bytes, &err), &err);
        check_layer(f, bytes, layer);
        grt_window_release(window, layer);
    }
    grt_window_end(window);
}

/* A pass that stops at the first error; returns the layer and fills err. */
static size_t run_until_error(grt_window *window, grt_error *err)
{
    size_t layer = 0;
    const void *const *bytes;
    err->status = GRT_OK;
    grt_window_begin(window, 0);
    for (; layer < N_LAYERS; layer++) {
        if (grt_window_acquire(window, layer, NULL, &bytes, err) != GRT_OK) break;
        grt_window_release(window, layer);
    }
    grt_window_end(window);
    return layer;
}

/* ---- Contents ---- */

static void test_every_layer_has_its_bytes_for_every_number_of_slots(void **state)
{
    (void)state;
    for (size_t n_slots = 1; n_slots <= N_LAYERS + 1; n_slots++)
        for (int is_direct = 0; is_direct < 2; is_direct++)
            for (size_t piece = 0; piece <= 5000; piece += 2500) {
                fixture f;
                set_up(&f);
                f.disks[0].piece = f.disks[1].piece = piece;
                grt_window *window = open_window(&f, n_slots, is_direct != 0);
                for (int pass = 0; pass < 3; pass++)
                    run_pass(&f, window, N_LAYERS);
                grt_window_free(window);
                tear_down(&f);
            }
}

static void test_a_pass_may_end_early_and_the_next_one_starts_over(void **state)
{
    (void)state;
    for (size_t n_slots = 1; n_slots <= N_LAYERS; n_slots++)
        for (size_t end = 0; end <= N_LAYERS; end++) {
            fixture f;
            set_up(&f);
            grt_window *window = open_window(&f, n_slots, false);
            run_pass(&f, window, end);
            run_pass(&f, window, N_LAYERS - end);
            run_pass(&f, window, N_LAYERS);
            grt_window_free(window);
            tear_down(&f);
        }
}

static void test_layers_may_be_passed_over(void **state)
{
    (void)state;
    for (size_t n_slots = 1; n_slots <= N_LAYERS; n_slots++)
        for (unsigned chosen = 0; chosen < 1u << N_LAYERS; chosen += 3) {
            fixture f;
            set_up(&f);
            grt_window *window = open_window(&f, n_slots, false);
            grt_window_begin(window, 0);
            for (size_t layer = 0; layer < N_LAYERS; layer++) {
                grt_error err;
                const void *const *bytes;
                if (!(chosen >> layer & 1)) continue;
                assert_ok(grt_window_acquire(window, layer, NULL, &bytes, &err), &err);
                check_layer(&f, bytes, layer);
                grt_window_release(window, layer);
            }
            grt_window_end(window);
            grt_window_free(window);
            tear_down(&f);
        }
}

static void test_a_single_layer_needs_one_slot_and_several_need_two(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    grt_error err;
    grt_window *window = NULL;
    const void *const *bytes;
    grt_window_options options = {1, false};
    assert_ok(grt_window_create(&window, f.layers, 1, &options, &err), &err);
    for (int pass = 0; pass < 2; pass++) {
        grt_window_begin(window, 0);
        assert_ok(grt_window_acquire(window, 0, NULL, &bytes, &err), &err);
        check_layer(&f, bytes, 0);
        grt_window_release(window, 0);
        grt_window_end(window);
    }
    grt_window_free(window);
    window = NULL;
    options.n_slots = 0;
    assert_refused(grt_window_create(&window, f.layers, 2, &options, &err),
                   GRT_E_INVALID_ARG, &err, "0 slots for 2 layers");
    assert_null(window);
    assert_true(grt_window_bytes(f.layers, 2, 0) == SIZE_MAX);
    tear_down(&f);
}

/* ---- What is read, and when ---- */

static void test_layers_with_slots_of_their_own_are_read_once(void **state)
{
    (void)state;
    for (size_t n_slots = 1; n_slots <= N_LAYERS + 1; n_slots++) {
        fixture f;
        set_up(&f);
        size_t n_rolling = n_slots >= N_LAYERS ? 0 : N_LAYERS + 2 - n_slots;
        if (n_slots == 1) n_rolling = N_LAYERS;
        grt_window *window = open_window(&f, n_slots, false);
        run_pass(&f, window, N_LAYERS);
        uint64_t first_pass = grt_window_count(window).bytes_read;
        uint64_t wanted = 0;
        for (size_t i = 0; i < N_LAYERS; i++)
            for (size_t part = 0; part < f.layers[i].n_parts; part++)
                wanted += f.parts[i][part].n_bytes;
        assert_true(first_pass >= wanted - N_LAYERS * 23000); /* the overlap */
        assert_true(first_pass <= wanted + N_LAYERS * 5 * 8192);
        int reads_before = atomic_load(&f.disks[0].n_reads);
        run_pass(&f, window, N_LAYERS);
        int n_reads = atomic_load(&f.disks[0].n_reads) - reads_before;
        uint64_t second_pass = grt_window_count(window).bytes_read - first_pass;
        if (n_rolling == 0) {
            assert_int_equal(second_pass, 0);
            assert_int_equal(n_reads, 0);
        } else {
            assert_true(second_pass > 0 && second_pass <= first_pass);
            assert_true(n_reads <= 2 * (int)n_rolling);
        }
        assert_true(grt_window_count(window).read_ns > 0);
        grt_window_free(window);
        tear_down(&f);
    }
}

/* Layers 0 to 3 roll in two slots, 4 to 6 have their own. */
static void test_the_layer_that_is_needed_first_is_read_first(void **state)
{
    (void)state;
    static const uint64_t order[] = {0, 1, 4, 5, 6, 2};
    enum { N_ORDER = sizeof(order) / sizeof(order[0]) };
    fixture f;
    set_up(&f);
    for (size_t i = 0; i < N_LAYERS; i++)
        f.layers[i].n_parts = 1;
    atomic_store(&f.disks[0].is_stuck, true);
    grt_window *window = open_window(&f, 5, false);
    grt_window_begin(window, 0);
    atomic_store(&f.disks[0].is_stuck, false);
    grt_error err;
    const void *const *bytes;
    assert_ok(grt_window_acquire(window, 0, NULL, &bytes, &err), &err);
    while (atomic_load(&f.disks[0].n_reads) < N_ORDER - 1) /* all ahead of a release */
        (void)nanosleep(&(struct timespec){0, 100000}, NULL);
    grt_window_release(window, 0);
    assert_ok(grt_window_acquire(window, 2, NULL, &bytes, &err), &err);
    for (size_t i = 0; i < N_ORDER; i++)
        assert_int_equal(atomic_load(&f.disks[0].offsets[i]) / LAYER_BYTES, order[i]);
    grt_window_release(window, 2);
    grt_window_end(window);
    grt_window_free(window);
    tear_down(&f);
}

/* Forty spans a layer, two milliseconds each: the end waits for the one under way. */
static void test_the_end_of_a_pass_stops_a_slow_read(void **state)
{
    (void)state;
    enum { N = 4, N_SPANS = 40 };
    static grt_part parts[N][N_SPANS];
    grt_layer_plan layers[N];
    fake_disk disk = {.size = (uint64_t)N * N_SPANS << 17, .delay_ns = 2000000};
    grt_file *file = open_fake(&disk, "slow.bin");
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N_SPANS; j++)
            parts[i][j] = (grt_part){file, (uint64_t)(i * N_SPANS + j) << 17, 10};
        layers[i] = (grt_layer_plan){parts[i], N_SPANS};
    }
    for (size_t n_slots = 1; n_slots <= N; n_slots++) {
        grt_error err;
        grt_window *window = NULL;
        const void *const *bytes;
        grt_window_options options = {n_slots, false};
        assert_ok(grt_window_create(&window, layers, N, &options, &err), &err);
        grt_window_begin(window, 0);
        assert_ok(grt_window_acquire(window, 0, NULL, &bytes, &err), &err);
        assert_true(grt_window_count(window).wait_ns > 0);
        grt_window_release(window, 0);
        int n_reads = atomic_load(&disk.n_reads);
        grt_window_end(window);
        /* One or two, more only if this thread is kept from running. */
        assert_true(atomic_load(&disk.n_reads) <= n_reads + N_SPANS / 2);
        grt_window_begin(window, 0); /* freed in the middle of a pass */
        grt_window_free(window);
    }
    grt_file_close(file);
}

/* ---- Failures ---- */

static void test_a_failed_read_is_that_layers_error_and_is_tried_again(void **state)
{
    (void)state;
    for (size_t n_slots = 1; n_slots <= N_LAYERS; n_slots++)
        for (size_t bad = 0; bad < N_LAYERS; bad++) {
            fixture f;
            set_up(&f);
            grt_window *window = open_window(&f, n_slots, n_slots % 2 == 1);
            atomic_store(&f.disks[0].fails_at, f.parts[bad][0].offset + 17);
            grt_error err;
            char name[32];
            (void)snprintf(name, sizeof(name), "layer %zu: first.bin: reading", bad);
            for (int pass = 0; pass < 2; pass++) {
                assert_int_equal(run_until_error(window, &err), bad);
                assert_int_equal(err.status, GRT_E_IO);
                assert_ptr_equal(strstr(err.text, name), err.text);
            }
            atomic_store(&f.disks[0].fails_at, NOWHERE);
            run_pass(&f, window, N_LAYERS);
            grt_window_free(window);
            tear_down(&f);
        }
}

static void test_a_failed_layer_may_be_asked_for_again_in_the_pass(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    grt_window *window = open_window(&f, 3, false);
    atomic_store(&f.disks[0].fails_at, f.parts[0][0].offset);
    grt_error err;
    const void *const *bytes;
    grt_window_begin(window, 0);
    assert_refused(grt_window_acquire(window, 0, NULL, &bytes, &err), GRT_E_IO, &err,
                   "layer 0: ");
    assert_int_equal(grt_window_acquire(window, 0, NULL, &bytes, NULL), GRT_E_IO);
    atomic_store(&f.disks[0].fails_at, NOWHERE);
    assert_ok(grt_window_acquire(window, 0, NULL, &bytes, &err), &err);
    check_layer(&f, bytes, 0);
    grt_window_release(window, 0);
    grt_window_end(window);
    grt_window_free(window);
    tear_down(&f);
}

static void test_a_file_that_shrank_is_said_to_be_truncated(void **state)
{
    (void)state;
    for (int is_direct = 0; is_direct < 2; is_direct++) {
        fixture f;
        set_up(&f);
        grt_window *window = open_window(&f, 3, is_direct != 0);
        run_pass(&f, window, 1);
        atomic_store(&f.disks[0].ends_at, f.parts[4][0].offset + 5);
        grt_error err;
        assert_int_equal(run_until_error(window, &err), 4);
        assert_int_equal(err.status, GRT_E_FORMAT);
        assert_non_null(strstr(err.text, "layer 4: first.bin: truncated"));
        atomic_store(&f.disks[0].ends_at, NOWHERE);
        run_pass(&f, window, N_LAYERS);
        grt_window_free(window);
        tear_down(&f);
    }
}

static void test_a_part_past_the_end_is_truncated_too(void **state)
{
    (void)state;
    for (int is_direct = 0; is_direct < 2; is_direct++)
        for (uint64_t past = 1; past < 20000; past += 5000) {
            fixture f;
            set_up(&f);
            grt_error err;
            f.parts[1][0].offset =
                f.disks[0].size - f.parts[1][0].n_bytes + past * past;
            grt_window *window = open_window(&f, 3, is_direct != 0);
            assert_int_equal(run_until_error(window, &err), 1);
            assert_int_equal(err.status, GRT_E_FORMAT);
            assert_non_null(strstr(err.text, "layer 1: first.bin: truncated"));
            grt_window_free(window);
            tear_down(&f);
        }
}

/* ---- Memory ---- */

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    uint64_t nth = 1;
    for (; status != GRT_OK; nth++) {
        grt_error err;
        grt_window *window = NULL;
        grt_window_options options = {4, false};
        grt_memory_fail_nth(nth);
        status = grt_window_create(&window, f.layers, N_LAYERS, &options, &err);
        if (status == GRT_OK) run_pass(&f, window, N_LAYERS);
        grt_memory_fail_nth(0);
        assert_true(status == GRT_OK || status == GRT_E_NO_MEMORY);
        grt_window_free(window);
        assert_int_equal(grt_memory_now(), before);
        assert_true(nth < 100);
    }
    assert_true(nth > 11); /* four slots and what describes them */
    grt_window_free(NULL);
    tear_down(&f);
}

static void test_the_memory_is_known_beforehand(void **state)
{
    (void)state;
    fixture f;
    set_up(&f);
    size_t last = 0;
    for (size_t n_slots = 1; n_slots <= N_LAYERS + 2; n_slots++) {
        size_t counted = grt_window_bytes(f.layers, N_LAYERS, n_slots);
        uint64_t before = grt_memory_now();
        grt_window *window = open_window(&f, n_slots, false);
        uint64_t taken = grt_memory_now() - before;
        run_pass(&f, window, N_LAYERS);
        assert_int_equal(grt_memory_now() - before, taken);
        assert_true(taken <= counted && counted <= taken + 8192);
        if (n_slots > N_LAYERS)
            assert_int_equal(counted, last);
        else
            assert_true(counted > last);
        last = counted;
        grt_window_free(window);
    }
    grt_part huge[2] = {{f.files[0], 5, SIZE_MAX - 6000}, {f.files[1], 0, 9000}};
    grt_layer_plan plan = {huge, 2};
    assert_true(grt_window_bytes(&plan, 1, 1) == SIZE_MAX);
    huge[0] = (grt_part){f.files[0], UINT64_MAX - 5, 100};
    assert_true(grt_window_bytes(&plan, 1, 1) == SIZE_MAX);
    grt_error err;
    grt_window *window = NULL;
    grt_window_options options = {1, true};
    assert_refused(grt_window_create(&window, &plan, 1, &options, &err),
                   GRT_E_NO_MEMORY, &err, "too large");
    tear_down(&f);
}

/* ---- Real files ---- */

static void write_file(const char *path, unsigned char salt, uint64_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (uint64_t i = 0; i < size; i++)
        (void)putc(byte_at(salt, i), file);
    assert_int_equal(fclose(file), 0);
}

static void run_in_directory(const char *directory)
{
    char names[2][128];
    fixture f;
    set_up(&f);
    for (size_t i = 0; i < 2; i++) {
        grt_error err;
        (void)snprintf(names[i], sizeof(names[i]), "%s/grating_window_%ld_%zu",
                       directory, (long)getpid(), i);
        write_file(names[i], f.disks[i].salt, f.disks[i].size);
        grt_file_close(f.files[i]);
        assert_ok(grt_file_open(&f.files[i], names[i], &err), &err);
    }
    plan_layers(&f);
    /* The last part ends with the file, which is not a multiple of a page. */
    f.parts[6][0].offset = f.disks[0].size - f.parts[6][0].n_bytes;
    for (size_t n_slots = 1; n_slots <= N_LAYERS; n_slots++) {
        grt_window *window = open_window(&f, n_slots, true);
        run_pass(&f, window, N_LAYERS);
        run_pass(&f, window, N_LAYERS);
        grt_window_free(window);
    }
    grt_error err;
    grt_window *window = open_window(&f, 3, true);
    run_pass(&f, window, 1);
    assert_int_equal(truncate(names[0], (off_t)f.parts[3][0].offset + 9), 0);
    assert_int_equal(run_until_error(window, &err), 3);
    assert_int_equal(err.status, GRT_E_FORMAT);
    assert_non_null(strstr(err.text, "truncated"));
    grt_window_free(window);
    tear_down(&f);
    (void)unlink(names[0]);
    (void)unlink(names[1]);
}

static void test_real_files_are_read_directly(void **state)
{
    (void)state;
    run_in_directory(GRT_BUILD_DIR);
    if (access("/dev/shm", W_OK) == 0) run_in_directory("/dev/shm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_layer_has_its_bytes_for_every_number_of_slots),
        cmocka_unit_test(test_a_pass_may_end_early_and_the_next_one_starts_over),
        cmocka_unit_test(test_layers_may_be_passed_over),
        cmocka_unit_test(test_a_single_layer_needs_one_slot_and_several_need_two),
        cmocka_unit_test(test_layers_with_slots_of_their_own_are_read_once),
        cmocka_unit_test(test_the_layer_that_is_needed_first_is_read_first),
        cmocka_unit_test(test_the_end_of_a_pass_stops_a_slow_read),
        cmocka_unit_test(test_a_failed_read_is_that_layers_error_and_is_tried_again),
        cmocka_unit_test(test_a_failed_layer_may_be_asked_for_again_in_the_pass),
        cmocka_unit_test(test_a_file_that_shrank_is_said_to_be_truncated),
        cmocka_unit_test(test_a_part_past_the_end_is_truncated_too),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
        cmocka_unit_test(test_the_memory_is_known_beforehand),
        cmocka_unit_test(test_real_files_are_read_directly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
