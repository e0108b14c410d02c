// grating.hpp: ranks, frees, moves; built once with exceptions and once without.
#include <grating.hpp>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <list>
#include <string>
#include <vector>

static int n_failed;

static void check(bool is_true, const char *what, int line)
{
    if (is_true) return;
    std::printf("line %d: %s\n", line, what);
    n_failed++;
}
#define CHECK(condition) check((condition), #condition, __LINE__)

static const std::vector<std::string> texts = {
    "Bread rises because of yeast.", "Owls hunt at night by sound.",
    std::string("Eagles\0 hunt by day.", 20), ""};
static const char question[] = "how do owls hunt";

static void without_exceptions(const char *path)
{
    grt_error err{};
    grating::model none = grating::model::open("no/such/model", nullptr, nullptr, err);
    CHECK(!none && err.status == GRT_E_NOT_FOUND && std::strstr(err.text, "no/such/model"));

    grt_engine_options wanted = GRT_ENGINE_OPTIONS_INIT;
    wanted.n_threads = 1;
    grating::engine engine = grating::engine::create(&wanted, err);
    grating::model model = grating::model::open(path, engine.get(), nullptr, err);
    CHECK(engine && model && model.info().n_layers > 0);

    grating::options options;
    options.k = 2;
    grating::result result = model.rank(question, texts, options, err);
    CHECK(result && result.count() == 4 && result.size() == 2 && !result.empty());
    CHECK(result[0].index == 1 && result.indices()[0] == 1 && result.scores().size() == 4);
    std::size_t n = 0;
    float before = 1;
    for (grating::item item : result) {
        CHECK(item.score <= before && item.score == result.scores()[n]);
        before = item.score;
        n++;
    }
    CHECK(n == 2 && result.stats().n_documents == 4);

    grating::result moved = std::move(result);
    CHECK(moved && !result); // NOLINT: what was moved from is false
    CHECK(!model.rank(question, std::vector<std::string>(), options, err));
    CHECK(err.status == GRT_E_INVALID_ARG);

    const char *c_texts[] = {"Owls hunt.", "Bread."};
    std::list<std::string_view> views(c_texts, c_texts + 2);
    grating::request asked(question, views, options);
    grating::ranking ranking = model.start(asked, err);
    grt_step step = GRT_STEP_INIT;
    while (ranking.step(step, err) == GRT_OK && !step.is_done) continue;
    CHECK(step.is_done && ranking.result(err)[0].index == 0);
    ranking.cancel();
}

#ifdef GRATING_HAS_EXCEPTIONS
static void with_exceptions(const char *path)
{
    try {
        grating::model none("no/such/model");
        CHECK(false);
    } catch (const grating::error &error) {
        CHECK(error.status() == GRT_E_NOT_FOUND && error.offset() == -1);
        CHECK(std::strstr(error.what(), "no/such/model"));
    }
    grating::model model(path);
    grating::result result = model.rank(question, texts);
    CHECK(result.size() == 4 && result[0].index == 1);
    try {
        (void)model.rank(question, std::vector<const char *>{});
        CHECK(false);
    } catch (const std::runtime_error &) {
    }
    grating::options late;
    late.deadline = std::chrono::nanoseconds(1);
    CHECK(model.rank(question, texts, late).stats().deadline_hit);
    grating::request asked(question, texts, {});
    grating::ranking ranking = model.start(asked);
    grt_step step = ranking.step();
    while (!step.is_done) step = ranking.step();
    CHECK(ranking.result()[0].index == 1);
}
#endif

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    without_exceptions(argv[1]);
#ifdef GRATING_HAS_EXCEPTIONS
    with_exceptions(argv[1]);
#endif
    return n_failed != 0;
}
