/*
 * grating.hpp - grating.h for C++17: objects that free themselves, columns as spans,
 * and exceptions where they are switched on.
 *
 *     grating::model model("models/grating-mini");
 *     grating::result result = model.rank("how do owls hunt", documents, {.k = 5});  //
 * C++20 for (grating::item item : result) std::cout << item.score << ' ' <<
 * documents[item.index] << '\n';
 *
 * Each operation has a form that takes a grt_error last: it throws nothing, and gives
 * an object that is false when it failed.  The others throw grating::error; they are
 * not there when exceptions are switched off.  Units, ownership and thread safety are
 * those of grating.h: objects here are its handles, may be moved and not copied, and
 * must be destroyed before what they were made on.
 */
#ifndef GRATING_HPP
#define GRATING_HPP

#include "grating.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define GRATING_HAS_EXCEPTIONS 1
#endif

namespace grating
{

/* n values that belong to somebody else, as std::span<const T> of C++20. */
template <typename T> class span
{
  public:
    constexpr span() noexcept = default;
    constexpr span(const T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    constexpr const T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr const T &operator[](std::size_t i) const noexcept
    {
        return data_[i];
    }
    constexpr const T *begin() const noexcept
    {
        return data_;
    }
    constexpr const T *end() const noexcept
    {
        return data_ + size_;
    }

  private:
    const T *data_ = nullptr;
    std::size_t size_ = 0;
};

/* What a grt_error says; what() is its line. */
class error : public std::runtime_error
{
  public:
    explicit error(const grt_error &from)
        : std::runtime_error(from.text), status_(static_cast<grt_status>(from.status)),
          offset_(from.offset), smallest_bytes_(from.smallest_bytes)
    {
    }
    grt_status status() const noexcept
    {
        return status_;
    }
    std::int64_t offset() const noexcept
    {
        return offset_;
    }
    std::uint64_t smallest_bytes() const noexcept
    {
        return smallest_bytes_;
    }

  private:
    grt_status status_;
    std::int64_t offset_;
    std::uint64_t smallest_bytes_;
};

namespace detail
{
template <typename T, void (*Free)(T *)> struct freer {
    void operator()(T *object) const noexcept
    {
        Free(object);
    }
};
template <typename T, void (*Free)(T *)>
using handle = std::unique_ptr<T, freer<T, Free>>;

#ifdef GRATING_HAS_EXCEPTIONS
inline void check(grt_status status, const grt_error &err)
{
    if (status != GRT_OK) throw error(err);
}
template <typename T> T checked(T object, const grt_error &err)
{
    if (!object) throw error(err);
    return object;
}
#endif
}  // namespace detail

using item = grt_item;

/* What came out; outlives everything else.  As a range it holds the top K, best first.
 */
class result
{
  public:
    result() noexcept = default;
    explicit result(grt_result *owned) noexcept : handle_(owned)
    {
    }
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    const grt_result *get() const noexcept
    {
        return handle_.get();
    }

    std::size_t count() const noexcept
    {
        return grt_result_count(get());
    }
    std::size_t size() const noexcept
    {
        return grt_result_top(get());
    }
    bool empty() const noexcept
    {
        return size() == 0;
    }

    /* Columns of count() values. */
    span<std::size_t> indices() const noexcept
    {
        return {grt_result_indices(get()), count()};
    }
    span<float> scores() const noexcept
    {
        return {grt_result_scores(get()), count()};
    }
    span<float> logits() const noexcept
    {
        return {grt_result_logits(get()), count()};
    }
    span<std::int32_t> states() const noexcept
    {
        return {grt_result_states(get()), count()};
    }
    span<std::size_t> layers() const noexcept
    {
        return {grt_result_layers(get()), count()};
    }
    span<std::size_t> tokens() const noexcept
    {
        return {grt_result_tokens(get()), count()};
    }
    span<std::uint32_t> flags() const noexcept
    {
        return {grt_result_flags(get()), count()};
    }

    /* Candidate i, i < count(). */
    item operator[](std::size_t i) const noexcept
    {
        item found = GRT_ITEM_INIT;
        if (grt_result_item(get(), i, &found) != GRT_OK)
            found.index = static_cast<std::size_t>(-1);
        return found;
    }
    grt_stats stats() const noexcept
    {
        grt_stats out = GRT_STATS_INIT;
        grt_result_stats(get(), &out);
        return out;
    }

    class iterator
    {
      public:
        using iterator_category = std::input_iterator_tag;
        using value_type = item;
        using difference_type = std::ptrdiff_t;
        using pointer = const item *;
        using reference = item;
        iterator(const result *of, std::size_t i) noexcept : of_(of), i_(i)
        {
        }
        item operator*() const noexcept
        {
            return (*of_)[i_];
        }
        iterator &operator++() noexcept
        {
            return ++i_, *this;
        }
        iterator operator++(int) noexcept
        {
            return {of_, i_++};
        }
        bool operator==(const iterator &other) const noexcept
        {
            return i_ == other.i_;
        }
        bool operator!=(const iterator &other) const noexcept
        {
            return i_ != other.i_;
        }

      private:
        const result *of_;
        std::size_t i_;
    };
    iterator begin() const noexcept
    {
        return {this, 0};
    }
    iterator end() const noexcept
    {
        return {this, size()};
    }

  private:
    detail::handle<grt_result, grt_result_free> handle_;
};

/* What a request may say beside query and documents; grt_request has the meanings. */
struct options {
    std::size_t k = 10;  /* 0: all */
    float precision = 0; /* 0: 0.99 */
    grt_promise promise = GRT_PROMISE_DEFAULT;
    grt_policy policy = GRT_POLICY_DEFAULT;
    std::chrono::nanoseconds deadline{0}; /* 0: none */
    grt_long_documents long_documents = GRT_LONG_CUT;
    std::size_t max_document_tokens = 0;
    float min_score = 0;
    const float *priors = nullptr;  /* one for each document */
    std::string_view instruction{}; /* empty: the model's own */
};

/* A request as C takes it.  Borrows the texts; moving it would move what it points to.
 */
class request
{
  public:
    template <typename Texts>
    request(std::string_view query, const Texts &documents, const options &wanted)
    {
        for (const auto &text : documents) {
            std::string_view view(text);
            texts_.push_back(view.data() ? view.data() : "");
            bytes_.push_back(view.size());
        }
        policy_.policy = wanted.policy;
        policy_.promise = wanted.promise;
        policy_.precision = wanted.precision;
        raw_.query = query.data() ? query.data() : "";
        raw_.query_bytes = query.size();
        raw_.documents = texts_.data();
        raw_.document_bytes = bytes_.data();
        raw_.n_documents = texts_.size();
        raw_.k = wanted.k;
        raw_.policy = &policy_;
        raw_.deadline_ns = static_cast<std::uint64_t>(wanted.deadline.count());
        raw_.long_documents = wanted.long_documents;
        raw_.max_document_tokens = wanted.max_document_tokens;
        raw_.min_score = wanted.min_score;
        raw_.priors = wanted.priors;
        if (!wanted.instruction.empty()) {
            raw_.instruction = wanted.instruction.data();
            raw_.instruction_bytes = wanted.instruction.size();
        }
    }
    request(const request &) = delete;
    request &operator=(const request &) = delete;
    const grt_request *get() const noexcept
    {
        return &raw_;
    }

  private:
    std::vector<const char *> texts_;
    std::vector<std::size_t> bytes_;
    grt_policy_options policy_ = GRT_POLICY_OPTIONS_INIT;
    grt_request raw_ = GRT_REQUEST_INIT;
};

/* One request in progress, a layer at a time. */
class ranking
{
  public:
    ranking() noexcept = default;
    explicit ranking(grt_ranking *owned) noexcept : handle_(owned)
    {
    }
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    grt_ranking *get() const noexcept
    {
        return handle_.get();
    }

    /* Computes a layer into `step`, whose arrays live until the next one. */
    grt_status step(grt_step &step, grt_error &err) noexcept
    {
        return grt_ranking_step(&step, get(), &err);
    }
    void cancel() noexcept
    {
        grt_ranking_cancel(get());
    }
    grating::result result(grt_error &err) noexcept
    {
        grt_result *out = nullptr;
        if (grt_ranking_result(&out, get(), &err) != GRT_OK) return {};
        return grating::result(out);
    }
#ifdef GRATING_HAS_EXCEPTIONS
    grt_step step()
    {
        grt_error err{};
        grt_step out = GRT_STEP_INIT;
        detail::check(step(out, err), err);
        return out;
    }
    grating::result result()
    {
        grt_error err{};
        return detail::checked(result(err), err);
    }
#endif

  private:
    detail::handle<grt_ranking, grt_ranking_free> handle_;
};

/* Threads and a budget, for several models. */
class engine
{
  public:
    engine() noexcept = default;
    static engine create(const grt_engine_options *wanted, grt_error &err) noexcept
    {
        engine made;
        grt_engine *out = nullptr;
        if (grt_engine_create(&out, wanted, &err) == GRT_OK) made.handle_.reset(out);
        return made;
    }
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    grt_engine *get() const noexcept
    {
        return handle_.get();
    }
    void set_memory(std::uint64_t bytes) noexcept
    {
        grt_engine_set_memory(get(), bytes);
    }
#ifdef GRATING_HAS_EXCEPTIONS
    explicit engine(const grt_engine_options &wanted)
    {
        grt_error err{};
        *this = detail::checked(create(&wanted, err), err);
    }
#endif

  private:
    detail::handle<grt_engine, grt_engine_free> handle_;
};

/* An open checkpoint; thread safe. */
class model
{
  public:
    model() noexcept = default;
    /* `on` and `wanted` may be nullptr. */
    static model open(const char *path, grt_engine *on, const grt_model_options *wanted,
                      grt_error &err) noexcept
    {
        model opened;
        grt_model *out = nullptr;
        if (grt_model_open(&out, on, path, wanted, &err) == GRT_OK)
            opened.handle_.reset(out);
        return opened;
    }
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    grt_model *get() const noexcept
    {
        return handle_.get();
    }

    grt_model_info info() const noexcept
    {
        grt_model_info out = GRT_MODEL_INFO_INIT;
        grt_model_describe(get(), &out);
        return out;
    }

    /* Documents are a range of what a std::string_view can be made of.  bad_alloc apart
     * nothing is thrown. */
    template <typename Texts>
    grating::result rank(std::string_view query, const Texts &documents,
                         const options &wanted, grt_error &err) const
    {
        request asked(query, documents, wanted);
        grt_result *out = nullptr;
        if (grt_rank(&out, get(), asked.get(), &err) != GRT_OK) return {};
        return grating::result(out);
    }
    /* `asked` and its texts must live until the first step has returned. */
    grating::ranking start(const request &asked, grt_error &err) const noexcept
    {
        grt_ranking *out = nullptr;
        if (grt_ranking_open(&out, get(), asked.get(), &err) != GRT_OK) return {};
        return grating::ranking(out);
    }
#ifdef GRATING_HAS_EXCEPTIONS
    explicit model(const std::string &path, grt_engine *on = nullptr,
                   const grt_model_options *wanted = nullptr)
    {
        grt_error err{};
        *this = detail::checked(open(path.c_str(), on, wanted, err), err);
    }
    template <typename Texts>
    grating::result rank(std::string_view query, const Texts &documents,
                         const options &wanted = {}) const
    {
        grt_error err{};
        return detail::checked(rank(query, documents, wanted, err), err);
    }
    grating::ranking start(const request &asked) const
    {
        grt_error err{};
        return detail::checked(start(asked, err), err);
    }
#endif

  private:
    detail::handle<grt_model, grt_model_close> handle_;
};

}  // namespace grating
#endif /* GRATING_HPP */
