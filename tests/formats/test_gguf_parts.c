/* test_gguf_parts.c - a GGUF in several files, whole and with each kind of fault. */
#include "test.h"

#include "base/memory.h"
#include "formats/checkpoint.h"
#include "formats/writer.h"
#include "temp_dir.h"

static temp_dir dir;
static grt_checkpoint c;
static grt_error err;

static int make_dir(void **state)
{
    (void)state;
    temp_make(&dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    temp_remove(&dir);
    return 0;
}

typedef struct part {
    const char *file;
    const char *tensor; /* of 4 F32 values */
    uint64_t no, count;
    uint64_t n_tensors; /* that all parts are said to hold; 0: it is not said */
} part;

static void write_part(const part *p)
{
    static writer w;
    char path[128];
    const uint64_t four = 4;
    gguf_start(&w, 3, 1, 3 + (p->n_tensors != 0));
    gguf_key(&w, p->no ? "unread" : "general.architecture", 8);
    put_text(&w, "qwen3");
    gguf_key(&w, "split.no", 2);
    put_le(&w, p->no, 2);
    gguf_key(&w, "split.count", 2);
    put_le(&w, p->count, 2);
    if (p->n_tensors) {
        gguf_key(&w, "split.tensors.count", 5);
        put_le(&w, p->n_tensors, 4);
    }
    gguf_tensor(&w, p->tensor, 1, &four, 0, 0);
    gguf_data(&w, 32, 16);
    write_whole(temp_path(&dir, p->file, path), w.data, w.size);
}

static const part good[] = {{"m-00001-of-00003.gguf", "a", 0, 3, 3},
                            {"m-00002-of-00003.gguf", "b", 1, 3, 3},
                            {"m-00003-of-00003.gguf", "c", 2, 3, 0}};

static void write_good(void)
{
    for (size_t i = 0; i < 3; i++)
        write_part(&good[i]);
}

static grt_status open_file(const char *name)
{
    char path[128];
    return grt_checkpoint_open(&c, temp_path(&dir, name, path), &err);
}

static void opens_all_parts(void **state)
{
    (void)state;
    write_good();
    assert_ok(open_file(good[0].file), &err);
    assert_int_equal(c.format, GRT_FORMAT_GGUF);
    assert_int_equal(c.catalogue.n_files, 3);
    assert_int_equal(c.catalogue.n_tensors, 3);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        const grt_tensor *tensor = grt_catalogue_get(&c.catalogue, good[i].tensor);
        assert_non_null(tensor);
        assert_string_equal(grt_file_path(c.catalogue.files[tensor->file]),
                            temp_path(&dir, good[i].file, path));
    }
    /* the first part speaks for all */
    assert_non_null(grt_metadata_get(&c.metadata, "general.architecture"));
    assert_null(grt_metadata_get(&c.metadata, "unread"));
    grt_checkpoint_release(&c);
}

static void names_a_part_that_is_missing(void **state)
{
    (void)state;
    char path[128];
    write_good();
    assert_int_equal(unlink(temp_path(&dir, good[2].file, path)), 0);
    assert_refused(open_file(good[0].file), GRT_E_NOT_FOUND, &err,
                   "m-00003-of-00003.gguf: part 3 of 3 is not there");
    write_good();
    assert_int_equal(truncate(temp_path(&dir, good[1].file, path), 100), 0);
    assert_refused(open_file(good[0].file), GRT_E_FORMAT, &err,
                   "m-00002-of-00003.gguf: ");
}

static void wants_the_first_part(void **state)
{
    (void)state;
    write_good();
    assert_refused(open_file(good[1].file), GRT_E_FORMAT, &err,
                   "is part 2 of 3; give the first, whose name ends in "
                   "-00001-of-00003.gguf");
}

static void wants_names_that_lead_to_the_others(void **state)
{
    (void)state;
    static const char *const names[] = {"m.gguf", "m-00001-of-00002.gguf",
                                        "m-00002-of-00003.gguf"};
    for (size_t i = 0; i < 3; i++) {
        part renamed = good[0];
        renamed.file = names[i];
        write_part(&renamed);
        assert_refused(open_file(names[i]), GRT_E_FORMAT, &err,
                       "name does not end in -00001-of-00003.gguf");
    }
}

static void refuses_parts_that_do_not_belong_together(void **state)
{
    (void)state;
    static const struct {
        part second;
        const char *text;
    } cases[] = {
        {{"m-00002-of-00003.gguf", "b", 2, 3, 3}, "part 3 of 3, its name"},
        {{"m-00002-of-00003.gguf", "b", 1, 4, 3}, "part 2 of 4, its name"},
        {{"m-00002-of-00003.gguf", "b", 0, 1, 3}, "part 1 of 1, its name"},
        {{"m-00002-of-00003.gguf", "a", 1, 3, 3}, "tensor \"a\" appears twice"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_good();
        write_part(&cases[i].second);
        assert_refused(open_file(good[0].file), GRT_E_FORMAT, &err, cases[i].text);
        assert_non_null(strstr(err.text, "m-00002-of-00003.gguf: "));
    }
    write_good();
    part first = good[0];
    first.n_tensors = 5;
    write_part(&first);
    assert_refused(open_file(first.file), GRT_E_FORMAT, &err,
                   "its 3 parts hold 3 tensors, not the 5 that it says");
    first = (part){"m-00001-of-65535.gguf", "a", 0, 65535, 0};
    write_part(&first);
    assert_refused(open_file(first.file), GRT_E_TOO_LONG, &err,
                   "one of 65535 parts; a checkpoint may have at most 1000");
}

static void frees_all_when_allocation_fails(void **state)
{
    (void)state;
    write_good();
    uint64_t before = grt_memory_now();
    grt_status status = GRT_E_NO_MEMORY;
    uint64_t nth = 0;
    while (status != GRT_OK && nth < 200) {
        grt_memory_fail_nth(++nth);
        status = open_file(good[0].file);
        grt_memory_fail_nth(0);
        if (status != GRT_OK && status != GRT_E_NO_MEMORY)
            fail_msg("allocation %d: %s", (int)nth, err.text);
        if (status == GRT_OK) grt_checkpoint_release(&c);
        assert_int_equal(grt_memory_now(), before);
    }
    assert_int_equal(status, GRT_OK);
    assert_true(nth > 15);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opens_all_parts),
        TEST(names_a_part_that_is_missing),
        TEST(wants_the_first_part),
        TEST(wants_names_that_lead_to_the_others),
        TEST(refuses_parts_that_do_not_belong_together),
        TEST(frees_all_when_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
