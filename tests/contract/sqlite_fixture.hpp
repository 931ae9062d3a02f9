// Folders for tests of the SQLite store, gone when the test is over.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "persistence/sqlite/sqlite_store.hpp"
#include "tests/contract/journal_store_contract.hpp"

namespace welkin::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "welkin-test-XXXXXX").string();
    if (!mkdtemp(name.data())) FAIL("no temporary folder");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;  // a leftover is no reason to fail
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class SqliteFixture final : public StoreFixture {
 public:
  explicit SqliteFixture(std::uint64_t segment_rows = 500'000) : segment_rows_(segment_rows) {}

  StoreOptions options(bool read_only = false) const {
    return {"sqlite:" + folder(), read_only, segment_rows_};
  }
  std::unique_ptr<JournalStore> open() override { return must_open(open_sqlite_store(options())); }
  std::unique_ptr<JournalStore> open_claimed() {
    auto store = open();
    epoch = must(store->claim_epochs(shard_count))[0];
    return store;
  }
  std::unique_ptr<JournalStore> open_read_only() const {
    return must_open(open_sqlite_store(options(true)));
  }
  std::string folder() const { return temporary_.path() + "/journal"; }
  std::string segment(unsigned number) const {
    std::string digits = std::to_string(number);
    return folder() + "/segment-" + std::string(6 - digits.size(), '0') + digits + ".db";
  }

  std::uint64_t epoch = 0;  // of the last open_claimed

 private:
  TemporaryFolder temporary_;
  std::uint64_t segment_rows_;
};

}  // namespace welkin::test
