// StoreIo on plain threads: one writes the journal, one the views, a few read.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/metrics.hpp"
#include "actors/node_fate.hpp"
#include "actors/store_io.hpp"

namespace welkin {

// Runs tasks in order of arrival on `threads` threads. `stop` runs what is queued, then joins.
class TaskThreads {
 public:
  // `name` is what the system shows them as: at most 15 characters. A task that throws ends the
  // node; without a `fate`, the process. `niceness`: how far they stand back behind others where
  // processors are short, as of nice(2).
  TaskThreads(const char* name, int threads, NodeFate* fate = nullptr, int niceness = 0);
  ~TaskThreads() { stop(); }
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;

  void run(std::function<void()> task);
  // False, and nothing is run, when `limit` tasks wait already or the threads are being stopped.
  bool run_unless_full(std::function<void()> task, std::size_t limit);
  // True when the time has passed, false when the threads are being stopped.
  bool wait_ms(int milliseconds);
  void stop();

 private:
  void work(const char* name, int niceness);
  void perform(const char* name, const std::function<void()>& task);

  NodeFate* const fate_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

class StoreThreads : public StoreIo {
 public:
  StoreThreads(JournalStore& store, RuntimeMetrics& metrics, NodeFate* fate = nullptr);
  ~StoreThreads() override { stop(); }

  void write(AppendSourcePtr appends, const JournalEars& ears) override;
  void probe(const caf::actor& journal) override;
  void load(const StreamId& stream, const caf::actor& reply_to) override;
  void checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) override;
  void read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) override;

  void stop();

 private:
  using Verdict = JournalCommitter::Verdict;

  Verdict commit(const std::vector<AppendRequestPtr>& batch, const caf::actor& journal);
  void note(const std::vector<AppendRequestPtr>& batch);

  JournalStore& store_;
  RuntimeMetrics& metrics_;
  JournalCommitter committer_;
  TaskThreads writer_;
  TaskThreads viewer_;
  TaskThreads readers_;
};

}  // namespace welkin
