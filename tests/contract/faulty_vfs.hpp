// A disk that fails on command: a SQLite VFS around the real one. Made the default for as long as
// the object lives, so the product under test knows nothing of it.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <memory>
#include <string>

namespace welkin::test {

enum class DiskOp : int { write = 1, sync = 2, truncate = 4, all = 7 };

class FaultyVfs {
 public:
  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  // From the `nth` such operation on (1 is the next), `count` of them return `code` and do nothing.
  // Only files whose path holds `name_part` are meant.
  void fail(DiskOp operations, int code, long nth = 1, long count = 1'000'000'000,
            std::string name_part = "");
  void heal();
  // Operations that have failed since the last `fail`.
  long failed() const { return failed_; }

  // For the VFS's own functions: SQLITE_OK, or the code to fail with.
  int judge(DiskOp operation, const std::string& path);

 private:
  struct Registered;

  std::unique_ptr<Registered> registered_;
  std::atomic<bool> armed_{false};
  int operations_ = 0;
  int code_ = 0;
  std::atomic<long> countdown_{0};
  long count_ = 0;
  std::string name_part_;
  std::atomic<long> failed_{0};
};

}  // namespace welkin::test
