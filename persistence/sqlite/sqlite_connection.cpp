// SQLite's C API behind values.
#include "persistence/sqlite/sqlite_connection.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace welkin::sqlite {
namespace {

// How long a statement waits for a lock that a person's shell or a sealing thread may hold.
constexpr int busy_timeout_ms = 5'000;

StoreErrorKind kind_of(int code, int system_errno) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return StoreErrorKind::full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return StoreErrorKind::corrupt;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      // SQLite says FULL only for write(); quotas and the shared-memory file come out as I/O
      // errors.
      return system_errno == ENOSPC || system_errno == EDQUOT ? StoreErrorKind::full
                                                              : StoreErrorKind::unavailable;
    default:
      return StoreErrorKind::unavailable;
  }
}

// `?` and `#` would end the path part of a URI, and `%` would start an escape.
std::string as_uri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '?')
      uri += "%3f";
    else if (c == '#')
      uri += "%23";
    else if (c == '%')
      uri += "%25";
    else
      uri += c;
  }
  return uri + "?immutable=1";
}

// SQLite makes a database's side files with the database's own permissions, so the file is made
// before it is opened, for its owner alone. Never one that is there: closing it here would let go
// of the locks that other connections of this process hold on it. Where it cannot be made, SQLite
// says why.
void make_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) ::close(file);
}

}  // namespace

std::string_view Statement::bytes(int column) const {
  // The pointer first: asking for the size first may move the value.
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_, column));
  return data ? std::string_view(data, size) : std::string_view();
}

StoreResult<std::unique_ptr<Connection>> Connection::open(const std::string& path, OpenMode mode) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |=
      mode == OpenMode::create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  if (mode == OpenMode::immutable) flags |= SQLITE_OPEN_URI;
  if (mode == OpenMode::create) make_private(path);
  sqlite3* handle = nullptr;
  const std::string name = mode == OpenMode::immutable ? as_uri(path) : path;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  if (!handle) return StoreError{StoreErrorKind::unavailable, "no memory to open " + path};
  std::unique_ptr<Connection> connection(new Connection(handle, path));
  if (code != SQLITE_OK) return connection->error(code, "open");
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return connection;
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

Failure Connection::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  return {};
}

StoreResult<StatementScope> Connection::prepare(const char* sql) {
  for (auto& [text, statement] : statements_)
    if (text == sql) return StatementScope(statement.get());
  sqlite3_stmt* handle = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  statements_.emplace_back(sql, std::make_unique<Statement>(handle));
  return StatementScope(statements_.back().second.get());
}

StoreResult<std::unique_ptr<Statement>> Connection::prepare_once(const std::string& sql) {
  sqlite3_stmt* handle = nullptr;
  const int code = sqlite3_prepare_v2(handle_, sql.c_str(), -1, &handle, nullptr);
  if (code != SQLITE_OK) return error(code, sql);
  return std::make_unique<Statement>(handle);
}

StoreResult<std::int64_t> Connection::query_integer(const char* sql, std::int64_t otherwise) {
  auto prepared = prepare(sql);
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& statement = std::get<StatementScope>(prepared);
  const int code = statement->step();
  if (code == SQLITE_ROW) return statement->is_null(0) ? otherwise : statement->integer(0);
  if (code == SQLITE_DONE) return otherwise;
  return error(code, sql);
}

StoreError Connection::error(int code, std::string_view doing) const {
  std::string detail = path_ + ": " + sqlite3_errmsg(handle_) + " (" + std::to_string(code) +
                       ") in: " + std::string(doing.substr(0, 80));
  return {kind_of(code, sqlite3_system_errno(handle_)), std::move(detail)};
}

Failure Transaction::begin() {
  // A transaction that an earlier failure left behind would make every later BEGIN fail.
  if (connection_.in_transaction()) {
    if (auto failed = connection_.execute("ROLLBACK")) return failed;
  }
  auto begun = connection_.prepare("BEGIN IMMEDIATE");
  if (const auto* failed = error_of(begun)) return *failed;
  const int code = std::get<StatementScope>(begun)->step();
  if (code != SQLITE_DONE) return connection_.error(code, "BEGIN IMMEDIATE");
  open_ = true;
  return {};
}

Failure Transaction::commit() {
  auto prepared = connection_.prepare("COMMIT");
  if (const auto* failed = error_of(prepared)) return *failed;
  const int code = std::get<StatementScope>(prepared)->step();
  if (code == SQLITE_DONE) {
    open_ = false;
    return {};
  }
  return connection_.error(code, "COMMIT");
}

void Transaction::roll_back() {
  if (!open_) return;
  open_ = false;
  // SQLite may have rolled back by itself. If this fails, begin() reports it on the next use.
  if (connection_.in_transaction())
    sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

Failure set_up_writer(Connection& connection, bool full) {
  // Builds of SQLite differ in their defaults, so both pragmas are set and the first is checked:
  // a file system without shared memory quietly keeps the old journal mode.
  auto prepared = connection.prepare_once("PRAGMA journal_mode=WAL");
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& mode = *std::get<std::unique_ptr<Statement>>(prepared);
  const int code = mode.step();
  if (code != SQLITE_ROW) return connection.error(code, "PRAGMA journal_mode=WAL");
  if (mode.text(0) != "wal")
    return StoreError{StoreErrorKind::unavailable,
                      connection.path() + ": this file system does not support WAL"};
  mode.reset();
  return connection.execute(full ? "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY"
                                 : "PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY");
}

bool copy_hash(std::string_view bytes, Hash& hash) {
  if (bytes.size() != hash.size()) return false;
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return true;
}

bool header_says_rollback_journal(const std::string& path) {
  // Bytes 18 and 19 of the header are the write and read versions: 1 rollback journal, 2 WAL.
  std::ifstream file(path, std::ios::binary);
  char header[20] = {};
  return file.read(header, sizeof header) && header[18] == 1 && header[19] == 1;
}

}  // namespace welkin::sqlite
