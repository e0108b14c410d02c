/* test_window.c - the layer window over a source that counts, and one that fails. */
#include "test.h"

#include "base/memory.h"
#include "stream/window.h"

#include <errno.h>

typedef struct fake_disk {
    int n_reads;
    int failing_read; /* this read and those after it fail; 0: none */
} fake_disk;

/* Byte i of the file is i * 7. */
static int64_t fake_read_at(void *payload, uint64_t offset, void *dst, size_t n)
{
    fake_disk *disk = payload;
    disk->n_reads++;
    if (disk->failing_read && disk->n_reads >= disk->failing_read) return -EIO;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)dst)[i] = (unsigned char)((offset + i) * 7);
    return (int64_t)n;
}

enum { N_LAYERS = 3, FILE_BYTES = 1000 };

static grt_part parts[N_LAYERS][2];
static grt_layer_plan layers[N_LAYERS];

static grt_file *open_fake(fake_disk *disk)
{
    grt_error err;
    grt_file *file = NULL;
    grt_file_source source = {fake_read_at, NULL, disk};
    assert_ok(grt_file_from_source(&file, "fake.bin", &source, FILE_BYTES, &err), &err);
    for (size_t i = 0; i < N_LAYERS; i++) {
        parts[i][0] = (grt_part){file, 100 * i, 33};
        parts[i][1] = (grt_part){file, 500 + 100 * i, 64 + i};
        layers[i] = (grt_layer_plan){parts[i], 2};
    }
    return file;
}

static void check_layer(const void *const *bytes, size_t layer)
{
    for (size_t part = 0; part < 2; part++) {
        const unsigned char *data = bytes[part];
        assert_int_equal((uintptr_t)data % 64, 0);
        for (size_t i = 0; i < parts[layer][part].n_bytes; i++)
            assert_int_equal(data[i],
                             (unsigned char)((parts[layer][part].offset + i) * 7));
    }
}

static void test_layers_are_read_once_and_kept(void **state)
{
    (void)state;
    grt_error err;
    fake_disk disk = {0, 0};
    grt_file *file = open_fake(&disk);
    grt_window *window = NULL;
    assert_ok(grt_window_create(&window, layers, N_LAYERS, &err), &err);
    for (int round = 0; round < 2; round++) {
        for (size_t layer = 0; layer < N_LAYERS; layer++) {
            const void *const *bytes;
            assert_ok(grt_window_acquire(window, layer, &bytes, &err), &err);
            check_layer(bytes, layer);
            grt_window_release(window, layer);
        }
    }
    assert_int_equal(disk.n_reads, 2 * N_LAYERS);
    assert_int_equal(grt_window_bytes_read(window), 3 * 33 + 64 + 65 + 66);
    grt_window_free(window);
    grt_file_close(file);
}

static void test_a_failed_read_is_an_error_and_can_be_tried_again(void **state)
{
    (void)state;
    for (int failing = 1; failing <= 2 * N_LAYERS; failing++) {
        grt_error err;
        fake_disk disk = {0, failing};
        grt_file *file = open_fake(&disk);
        grt_window *window = NULL;
        assert_ok(grt_window_create(&window, layers, N_LAYERS, &err), &err);
        size_t layer = 0;
        const void *const *bytes;
        while (grt_window_acquire(window, layer, &bytes, &err) == GRT_OK)
            grt_window_release(window, layer++);
        assert_int_equal(layer, (size_t)(failing - 1) / 2);
        assert_int_equal(err.status, GRT_E_IO);
        assert_non_null(strstr(err.text, "fake.bin"));
        assert_non_null(strstr(err.text, "layer"));
        disk.failing_read = 0;
        assert_ok(grt_window_acquire(window, layer, &bytes, &err), &err);
        check_layer(bytes, layer);
        grt_window_release(window, layer);
        grt_window_free(window);
        grt_file_close(file);
    }
}

static void test_every_failing_allocation_is_reported(void **state)
{
    (void)state;
    fake_disk disk = {0, 0};
    grt_file *file = open_fake(&disk);
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    for (uint64_t nth = 1; status != GRT_OK; nth++) {
        grt_error err;
        grt_window *window = NULL;
        const void *const *bytes;
        grt_memory_fail_nth(nth);
        status = grt_window_create(&window, layers, N_LAYERS, &err);
        if (status == GRT_OK) status = grt_window_acquire(window, 0, &bytes, &err);
        grt_memory_fail_nth(0);
        assert_true(status == GRT_OK || status == GRT_E_NO_MEMORY);
        grt_window_free(window);
        assert_int_equal(grt_memory_now(), before);
        assert_true(nth < 100);
    }
    grt_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers_are_read_once_and_kept),
        cmocka_unit_test(test_a_failed_read_is_an_error_and_can_be_tried_again),
        cmocka_unit_test(test_every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
