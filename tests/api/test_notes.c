/* test_notes.c - what the files of a checkpoint left open is told by the model. */
#include "opened.h"

#include "base/memory.h"
#include "golden/noted.h"

static grt_note note_at(const grt_model *model, size_t i)
{
    grt_note note = GRT_NOTE_INIT;
    assert_int_equal(grt_model_note(model, i, &note), GRT_OK);
    assert_int_equal(note.reserved, 0);
    return note;
}

static size_t count_notes(const grt_model *model)
{
    grt_model_info info = GRT_MODEL_INFO_INIT;
    grt_note past = {.struct_size = sizeof(past), .level = 7, .reserved = 7};
    grt_model_describe(model, &info);
    assert_int_equal(grt_model_note(model, info.n_notes, &past), GRT_E_INVALID_ARG);
    assert_int_equal(past.level, 7); /* not written */
    return info.n_notes;
}

/* The note that has `fragment`, and one only. */
static void check_note(const grt_model *model, grt_note_level level,
                       const char *fragment)
{
    size_t n_found = 0;
    for (size_t i = 0; i < N_NOTED; i++) {
        grt_note note = note_at(model, i);
        assert_null(strchr(note.text, '\n'));
        if (!strstr(note.text, fragment)) continue;
        assert_int_equal(note.level, level);
        n_found++;
    }
    if (n_found != 1) fail_msg("%zu notes say \"%s\"", n_found, fragment);
}

static void test_notes_of_three_kinds(void **state)
{
    (void)state;
    temp_dir dir;
    noted_make(&dir);
    grt_model *model = open_on(NULL, dir.path, NULL);
    assert_int_equal(count_notes(model), N_NOTED);
    check_note(model, GRT_NOTE_DETAIL, "\"my_rope_factor\" is not known here");
    check_note(model, GRT_NOTE_RESULT,
               "num_hidden_layers is 2, but the weights have 3");
    check_note(model, GRT_NOTE_RESULT, "a key appears twice");
    grt_model_close(model);
    temp_remove(&dir);
    assert_int_equal(grt_memory_now(), 0);
}

static void test_a_plain_checkpoint_has_none(void **state)
{
    (void)state;
    grt_model *model = open_on(NULL, GRT_TEST_DATA "/golden/bert-f32", NULL);
    assert_int_equal(count_notes(model), 0);
    grt_model_close(model);
}

static void test_a_piece_that_is_there_twice(void **state)
{
    (void)state;
    temp_dir dir;
    char path[128];
    size_t n;
    noted_make(&dir);
    /* the last line of the vocabulary takes the text of the one before it */
    char *text = (char *)read_whole(temp_path(&dir, "vocab.txt", path), &n);
    char *last = memrchr(text, '\n', n - 1);
    char *before = memrchr(text, '\n', (size_t)(last - text));
    size_t n_kept = (size_t)(last - text) + 1, n_line = (size_t)(last - before);
    char *changed = malloc(n_kept + n_line);
    assert_non_null(changed);
    memcpy(changed, text, n_kept);
    memcpy(changed + n_kept, before + 1, n_line);
    assert_int_equal(unlink(path), 0); /* it is a link */
    write_whole(path, changed, n_kept + n_line);
    free(changed);
    free(text);
    grt_model *model = open_on(NULL, dir.path, NULL);
    assert_int_equal(count_notes(model), N_NOTED + 1);
    grt_note note = note_at(model, N_NOTED);
    assert_int_equal(note.level, GRT_NOTE_DETAIL);
    assert_non_null(strstr(note.text, "1 piece of the vocabulary appears twice"));
    grt_model_close(model);
    temp_remove(&dir);
}

/* Hundreds of keys that nobody knows: an end is said, and all of it is accounted for.
 */
static void test_many_notes_are_reserved(void **state)
{
    (void)state;
    enum { N_KEYS = 300, MOST = 101 };
    temp_dir dir;
    char config[N_KEYS * 32 + 1000];
    char path[128];
    size_t n, used;
    noted_make(&dir);
    unsigned char *plain = read_whole(temp_path(&dir, "config.json", path), &n);
    grt_model *model = open_on(NULL, dir.path, NULL);
    uint64_t few = usage_of(model).reserved_bytes;
    grt_model_close(model);
    used = (size_t)snprintf(config, sizeof(config), "%.*s", (int)n - 1, (char *)plain);
    for (int i = 0; i < N_KEYS; i++)
        used += (size_t)snprintf(config + used, sizeof(config) - used,
                                 ",\"rope_extra_%03d\":1", i);
    (void)snprintf(config + used, sizeof(config) - used, "}");
    noted_write(&dir, "config.json", config);
    model = open_on(NULL, dir.path, NULL);
    assert_int_equal(count_notes(model), MOST);
    assert_non_null(strstr(note_at(model, MOST - 1).text, "there is more"));
    /* the list at least; the texts may fill a block that was there for three */
    assert_true(usage_of(model).reserved_bytes >=
                few + (MOST - 2 * N_NOTED) * sizeof(grt_note));
    grt_model_close(model);
    free(plain);
    temp_remove(&dir);
    assert_int_equal(grt_memory_now(), 0);
}

static void test_names_of_levels(void **state)
{
    (void)state;
    grt_note_level level = GRT_NOTE_DETAIL;
    assert_string_equal(grt_note_level_text(GRT_NOTE_DETAIL), "detail");
    assert_int_equal(grt_note_level_from_text(&level, "result"), GRT_OK);
    assert_int_equal(level, GRT_NOTE_RESULT);
    assert_int_equal(grt_note_level_from_text(&level, "warning"), GRT_E_INVALID_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notes_of_three_kinds),
        cmocka_unit_test(test_a_piece_that_is_there_twice),
        cmocka_unit_test(test_a_plain_checkpoint_has_none),
        cmocka_unit_test(test_many_notes_are_reserved),
        cmocka_unit_test(test_names_of_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
