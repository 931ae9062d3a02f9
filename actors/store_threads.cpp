#include "actors/store_threads.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace welkin {
namespace {

constexpr int reader_threads = 2;
constexpr int resolve_backoff_min_ms = 50;
constexpr int resolve_backoff_max_ms = 2'000;

}  // namespace

TaskThreads::TaskThreads(const char* name, int threads, NodeFate* fate, int niceness)
    : fate_(fate) {
  for (int i = 0; i < threads; ++i)
    threads_.emplace_back([this, name, niceness] { work(name, niceness); });
}

void TaskThreads::run(std::function<void()> task) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

bool TaskThreads::run_unless_full(std::function<void()> task, std::size_t limit) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_ || tasks_.size() >= limit) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

bool TaskThreads::wait_ms(int milliseconds) {
  std::unique_lock<std::mutex> lock(mutex_);
  return !wake_.wait_for(lock, std::chrono::milliseconds(milliseconds),
                         [this] { return stopping_; });
}

void TaskThreads::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void TaskThreads::work(const char* name, int niceness) {
  pthread_setname_np(pthread_self(), name);
  // Linux takes a thread for the process here. Who may not stand back works as all others do.
  if (niceness != 0 && ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness) != 0)
    spdlog::warn("{}: its priority cannot be lowered: {}", name, std::strerror(errno));
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    perform(name, task);
    task = nullptr;  // what it holds is released before the next wait
    lock.lock();
  }
}

void TaskThreads::perform(const char* name, const std::function<void()>& task) {
  if (!fate_) return task();
  try {
    task();
  } catch (const std::exception& failure) {
    fate_->end(part_failed_reason, std::string(name) + ": " + failure.what());
  }
}

StoreThreads::StoreThreads(JournalStore& store, RuntimeMetrics& metrics, NodeFate* fate)
    : store_(store),
      metrics_(metrics),
      committer_(store),
      writer_("welkin.journal", 1, fate),
      viewer_("welkin.views", 1, fate),
      readers_("welkin.reads", reader_threads, fate) {}

void StoreThreads::stop() {
  writer_.stop();
  readers_.stop();
  viewer_.stop();
}

void StoreThreads::write(AppendSourcePtr appends, const JournalEars& ears) {
  writer_.run([this, appends = std::move(appends), ears] {
    auto verdict = Verdict::settled;
    auto batch = appends->take();
    while (!batch.empty() && verdict == Verdict::settled) {
      note(batch);
      verdict = commit(batch, ears.journal);
      if (verdict == Verdict::in_doubt) return;
      deliver_acks(committer_, batch, ears);
      if (verdict == Verdict::settled) batch = appends->take();
    }
    caf::anon_send(ears.journal, written_atom::value, verdict == Verdict::settled);
  });
}

void StoreThreads::note(const std::vector<AppendRequestPtr>& batch) {
  std::size_t events = 0;
  for (const AppendRequestPtr& request : batch) events += request->recorded->size();
  metrics_.batches.Increment();
  metrics_.batch_events.Observe(static_cast<double>(events));
}

// Still in doubt only when the threads are being stopped: nobody is answered, and whoever asks
// again finds the truth.
JournalCommitter::Verdict StoreThreads::commit(const std::vector<AppendRequestPtr>& batch,
                                               const caf::actor& journal) {
  auto verdict = committer_.commit(batch);
  if (verdict == Verdict::in_doubt) {
    metrics_.commits_in_doubt.Increment();
    spdlog::warn("journal: a commit's answer was lost ({}); reading back {} appends",
                 committer_.error().detail, batch.size());
    int backoff_ms = resolve_backoff_min_ms;
    while ((verdict = committer_.resolve(batch)) == Verdict::in_doubt) {
      // This may last; whoever is not in the batch is refused at once rather than left to wait.
      if (backoff_ms == resolve_backoff_min_ms) caf::anon_send(journal, doubt_atom::value);
      if (!writer_.wait_ms(backoff_ms)) return verdict;
      backoff_ms = std::min(backoff_ms * 2, resolve_backoff_max_ms);
    }
  }
  if (verdict == Verdict::failed) {
    metrics_.store_failures.Increment();
    spdlog::error("journal: a batch of {} appends was not written: {}", batch.size(),
                  committer_.error().detail);
  }
  return verdict;
}

void StoreThreads::probe(const caf::actor& journal) {
  writer_.run([this, journal] {
    const auto result = store_.probe();
    caf::anon_send(journal, probed_atom::value, error_of(result) == nullptr);
  });
}

void StoreThreads::load(const StreamId& stream, const caf::actor& reply_to) {
  readers_.run([this, stream, reply_to] {
    caf::anon_send(reply_to, loaded_atom::value,
                   LoadResultPtr(std::make_shared<const LoadResult>(load_stream(store_, stream))));
  });
}

void StoreThreads::checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) {
  viewer_.run([this, delta = std::move(delta), reply_to] {
    const auto result = store_.checkpoint(*delta);
    if (const StoreError* error = error_of(result)) {
      metrics_.checkpoint_failures.Increment();
      if (error->kind != StoreErrorKind::fenced)
        spdlog::warn("views: a checkpoint failed and will be repeated: {}", error->detail);
    }
    tell_checkpointed(result, reply_to);
  });
}

void StoreThreads::read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) {
  viewer_.run([this, after, until, views] {
    caf::anon_send(views, missed_atom::value, welkin::read_missed(store_, after, until));
  });
}

}  // namespace welkin
