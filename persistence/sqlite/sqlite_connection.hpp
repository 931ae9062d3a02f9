// A thin RAII wrapper over SQLite's C API, and the one place where its result codes become
// StoreErrors. A connection and its statements belong to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "persistence/journal_store.hpp"

namespace welkin::sqlite {

// What a function without a value returns: nothing when all went well.
using Failure = std::optional<StoreError>;

// A prepared statement. Text and blobs are bound without a copy: they must outlive the step.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, std::int64_t value) { note(sqlite3_bind_int64(handle_, index, value)); }
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }
  void bind(int index, std::string_view text) {
    // A null pointer would bind NULL, and an empty view may hold one.
    note(sqlite3_bind_text(handle_, index, text.data() ? text.data() : "",
                           static_cast<int>(text.size()), SQLITE_STATIC));
  }
  void bind(int index, const Hash& hash) { bind_blob(index, hash.data(), hash.size()); }
  void bind_blob(int index, const void* bytes, std::size_t size) {
    note(sqlite3_bind_blob(handle_, index, bytes, static_cast<int>(size), SQLITE_STATIC));
  }
  // One text for every stream the journal knows: copied, because the text is made on the spot.
  void bind(int index, const StreamId& stream) {
    const std::string text = stream.text();
    note(sqlite3_bind_text(handle_, index, text.data(), static_cast<int>(text.size()),
                           SQLITE_TRANSIENT));
  }

  // SQLITE_ROW, SQLITE_DONE or an error, a failed bind included.
  int step() { return bind_error_ != SQLITE_OK ? bind_error_ : sqlite3_step(handle_); }
  void reset() {
    sqlite3_reset(handle_);  // repeats the code step() already gave
    bind_error_ = SQLITE_OK;
  }

  std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  bool is_null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
  // Valid until the next step.
  std::string_view text(int column) const { return bytes(column); }
  std::string_view bytes(int column) const;

 private:
  void note(int code) {
    if (code != SQLITE_OK) bind_error_ = code;
  }

  sqlite3_stmt* handle_;
  int bind_error_ = SQLITE_OK;
};

// Resets a cached statement on every way out, so that no read transaction stays open behind it.
class StatementScope {
 public:
  explicit StatementScope(Statement* statement) : statement_(statement) {}
  ~StatementScope() {
    if (statement_) statement_->reset();
  }
  StatementScope(StatementScope&& other) noexcept
      : statement_(std::exchange(other.statement_, nullptr)) {}
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;
  StatementScope& operator=(StatementScope&&) = delete;
  Statement* operator->() const { return statement_; }
  Statement& operator*() const { return *statement_; }

 private:
  Statement* statement_;
};

enum class OpenMode : std::uint8_t {
  create,     // read and write, made when missing
  read_only,  // sees what a writer beside it commits
  immutable,  // no locks and no side files: only for a file nobody will ever change
};

class Connection {
 public:
  static StoreResult<std::unique_ptr<Connection>> open(const std::string& path, OpenMode mode);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Failure execute(const char* sql);
  // Prepared once a connection; `sql` must be a literal, its address is the key.
  StoreResult<StatementScope> prepare(const char* sql);
  // For statements put together at run time.
  StoreResult<std::unique_ptr<Statement>> prepare_once(const std::string& sql);
  // The first column of the first row as an integer; `otherwise` when there is no row or NULL.
  StoreResult<std::int64_t> query_integer(const char* sql, std::int64_t otherwise);

  // The error of a call on this connection that returned `code`.
  StoreError error(int code, std::string_view doing) const;
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  sqlite3* handle() const { return handle_; }
  const std::string& path() const { return path_; }

 private:
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

  sqlite3* handle_;
  std::string path_;
  std::vector<std::pair<const char*, std::unique_ptr<Statement>>> statements_;
};

// BEGIN IMMEDIATE … COMMIT; rolls back when it goes out of scope uncommitted.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  ~Transaction() { roll_back(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Failure begin();
  // On failure the transaction is rolled back as far as SQLite lets it.
  Failure commit();

 private:
  void roll_back();

  Connection& connection_;
  bool open_ = false;
};

// Pragmas of a database that is written: WAL, and an fsync at every commit when `full`.
Failure set_up_writer(Connection& connection, bool full);

// False, and nothing copied, when there are not 32 bytes.
bool copy_hash(std::string_view bytes, Hash& hash);

// The journal mode a database file's header names; false for a file too short to have one.
bool header_says_rollback_journal(const std::string& path);

}  // namespace welkin::sqlite
