// The only way into a worker from another thread: a bounded queue of tasks and a wake-up.
//
// post() from any thread; drain() on the worker's. Shared ownership, so that a credential store
// that answers after its worker has gone posts into the void instead of into freed memory.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "turnbuckle/net/poller.hpp"

namespace turnbuckle::server {

class Mailbox {
public:
    using Task = std::move_only_function<void()>;

    static constexpr std::size_t kCapacity = 65536;

    // False if it is full or closed: the task is gone, and with it what it would have done.
    bool post(Task task) {
        const std::lock_guard lock(mutex_);
        if (poller_ == nullptr || tasks_.size() >= kCapacity) return false;
        tasks_.push_back(std::move(task));
        poller_->wake();
        return true;
    }
    // The poller is woken by what is posted from now on.
    void open(net::Poller& poller) {
        const std::lock_guard lock(mutex_);
        poller_ = &poller;
    }
    [[nodiscard]] bool is_open() {
        const std::lock_guard lock(mutex_);
        return poller_ != nullptr;
    }
    void close() {
        const std::lock_guard lock(mutex_);
        poller_ = nullptr;
        tasks_.clear();
    }
    // Runs what was there when it was called; what that posts waits for the next time.
    void drain() {
        std::vector<Task> tasks;
        {
            const std::lock_guard lock(mutex_);
            tasks.swap(tasks_);
        }
        for (Task& task : tasks)
            task();
    }

private:
    std::mutex mutex_;
    net::Poller* poller_ = nullptr;
    std::vector<Task> tasks_;
};

}  // namespace turnbuckle::server
