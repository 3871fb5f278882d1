#include "turnbuckle/base/log.hpp"

#include <pthread.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <shared_mutex>
#include <system_error>
#include <utility>

#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

namespace turnbuckle::log {

namespace detail {
constinit std::atomic<Level> threshold{Level::Off};
}

namespace {

constexpr spdlog::level::level_enum spdlog_level(Level level) {
    switch (level) {
        case Level::Trace:
            return spdlog::level::trace;
        case Level::Debug:
            return spdlog::level::debug;
        case Level::Info:
            return spdlog::level::info;
        case Level::Warn:
            return spdlog::level::warn;
        case Level::Error:
            return spdlog::level::err;
        case Level::Off:
            break;
    }
    return spdlog::level::off;
}

void write_to_stderr(std::string_view line) {
    // Unbuffered, so one line is one write and lines of other processes do not cut into it. There
    // is nowhere to report a failure to.
    (void)std::fwrite(line.data(), 1, line.size(), stderr);
}

// Receives rendered lines: spdlog is the queue and the thread, not the formatter.
class LineSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    explicit LineSink(std::function<void(std::string_view)> output) : output_(std::move(output)) {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        output_({message.payload.data(), message.payload.size()});
    }
    void flush_() override {}

    std::function<void(std::string_view)> output_;
};

struct Backend {
    explicit Backend(Options options)
        : pool(std::make_shared<spdlog::details::thread_pool>(
              std::max<std::size_t>(options.queue_lines, 1), 1,
              [] { pthread_setname_np(pthread_self(), "turnbuckle-log"); })),
          logger(std::make_shared<spdlog::async_logger>(
              "", std::make_shared<LineSink>(std::move(options.output)), pool,
              spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_level(spdlog::level::trace);  // detail::threshold is the only filter
    }
    // The thread is joined first, so that the logger ends on the thread that made it.
    ~Backend() { pool.reset(); }
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

// Producers hold it shared while they queue a line. stop() holds it exclusively to take the backend
// away: a line queued after the pool's end marker could push that marker out of a full queue.
std::shared_mutex backend_mutex;
std::unique_ptr<Backend> backend;  // guarded by backend_mutex
Capture* capture = nullptr;        // guarded by backend_mutex

constinit std::atomic<Format> current_format{Format::Text};
constinit std::atomic<std::uint64_t> dropped_before{0};  // by earlier backends, or never queued

}  // namespace

void start(Options options) {
    stop();
    if (!options.output) options.output = write_to_stderr;
    const Level level = options.level;
    set_format(options.format);
    auto fresh = std::make_unique<Backend>(std::move(options));
    {
        const std::unique_lock lock(backend_mutex);
        backend = std::move(fresh);
    }
    set_level(level);
}

void stop() {
    set_level(Level::Off);
    std::unique_ptr<Backend> ending;
    {
        const std::unique_lock lock(backend_mutex);
        ending = std::move(backend);
        if (ending) dropped_before += ending->pool->overrun_counter();
    }
    // Here the pool's destructor writes out the queue and joins its thread.
}

void set_level(Level level) noexcept {
    detail::threshold.store(level, std::memory_order_relaxed);
}

Level level() noexcept {
    return detail::threshold.load(std::memory_order_relaxed);
}

void set_format(Format format) noexcept {
    current_format.store(format, std::memory_order_relaxed);
}

std::uint64_t dropped() noexcept {
    const std::shared_lock lock(backend_mutex);
    return dropped_before + (backend ? backend->pool->overrun_counter() : 0);
}

void write(Level level, std::string_view message, std::span<const Field> fields) noexcept {
    try {
        const auto now =
            std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
        std::string line =
            render(current_format.load(std::memory_order_relaxed), now, level, message, fields);
        const std::shared_lock lock(backend_mutex);
        if (capture != nullptr) {
            const std::lock_guard keep(capture->mutex_);
            capture->lines_.push_back(std::move(line));
        } else if (backend) {
            line += '\n';
            backend->logger->log(spdlog_level(level), spdlog::string_view_t(line));
        }
    } catch (...) {
        ++dropped_before;
    }
}

Capture::Capture(Level level, Format format)
    : earlier_level_(log::level()), earlier_format_(current_format.load()) {
    {
        const std::unique_lock lock(backend_mutex);
        capture = this;
    }
    set_format(format);
    set_level(level);
}

Capture::~Capture() {
    set_level(earlier_level_);
    set_format(earlier_format_);
    const std::unique_lock lock(backend_mutex);
    capture = nullptr;
}

std::vector<std::string> Capture::lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
}

bool Capture::contains(std::string_view part) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(
        lines_, [part](const std::string& line) { return line.find(part) != std::string::npos; });
}

}  // namespace turnbuckle::log
