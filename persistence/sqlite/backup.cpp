#include "persistence/sqlite/backup.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "persistence/sqlite/journal_folder.hpp"
#include "persistence/sqlite/sqlite_connection.hpp"

namespace welkin {
namespace sqlite {
namespace {

StoreError failed_at(const std::string& doing, const std::string& why) {
  return {StoreErrorKind::unavailable, doing + ": " + why};
}

Failure refuse_unless_empty(const std::string& folder) {
  std::error_code failed;
  if (!std::filesystem::exists(folder, failed)) return {};
  if (std::filesystem::is_directory(folder, failed) && std::filesystem::is_empty(folder, failed))
    return {};
  return failed_at(folder, "is there already and not an empty folder");
}

// In one piece, while others may read and write the source.
Failure copy_database(const std::string& from, const std::string& to) {
  auto source = Connection::open(
      from, header_says_rollback_journal(from) ? OpenMode::immutable : OpenMode::read_only);
  if (const auto* failed = error_of(source)) return *failed;
  auto target = Connection::open(to, OpenMode::create);
  if (const auto* failed = error_of(target)) return *failed;
  auto& copy = *std::get<std::unique_ptr<Connection>>(target);
  sqlite3_backup* work = sqlite3_backup_init(
      copy.handle(), "main", std::get<std::unique_ptr<Connection>>(source)->handle(), "main");
  if (!work) return copy.error(sqlite3_errcode(copy.handle()), "begin to copy " + from);
  const int stepped = sqlite3_backup_step(work, -1);
  const int finished = sqlite3_backup_finish(work);
  if (stepped != SQLITE_DONE) return copy.error(stepped, "copy " + from);
  if (finished != SQLITE_OK) return copy.error(finished, "copy " + from);
  // One plain file, whatever the source was: nothing lies beside it that could be forgotten.
  auto prepared = copy.prepare_once("PRAGMA journal_mode=DELETE");
  if (const auto* failed = error_of(prepared)) return *failed;
  auto& mode = *std::get<std::unique_ptr<Statement>>(prepared);
  if (mode.step() != SQLITE_ROW || mode.text(0) != "delete")
    return failed_at(to, "cannot be made one plain file");
  return {};
}

Failure sync_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed_at("open " + path, std::strerror(errno));
  const int code = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  if (code != 0) return failed_at("sync " + path, std::strerror(code));
  return {};
}

Failure lay_file(const std::string& from, const std::string& to) {
  // Made before it is filled, so that it is nobody else's at any time.
  const int file = ::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return failed_at("make " + to, std::strerror(errno));
  ::close(file);
  std::error_code failed;
  std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing, failed);
  if (failed) return failed_at("copy " + from, failed.message());
  std::filesystem::permissions(
      to, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, failed);
  if (failed) return failed_at(to, failed.message());
  return sync_file(to);
}

template <class Copy>
StoreResult<Done> copy_all(const JournalFolder& source, const JournalFolder& target, Copy copy) {
  if (auto failed = refuse_unless_empty(target.path())) return *failed;
  if (!source.has_meta()) return failed_at(source.meta_path(), "is missing");
  if (auto failed = target.create()) return *failed;
  if (source.has_views()) {
    if (auto failed = copy(source.views_path(), target.views_path())) return *failed;
  }
  if (auto failed = copy(source.meta_path(), target.meta_path())) return *failed;
  // Asked only now: what the views know of lies in these, and those made later hold only rows that
  // came after.
  auto numbers = source.segment_numbers();
  if (const auto* failed = error_of(numbers)) return *failed;
  for (const std::uint32_t number : std::get<std::vector<std::uint32_t>>(numbers))
    if (auto failed = copy(source.segment_path(number), target.segment_path(number)))
      return *failed;
  if (auto failed = target.sync()) return *failed;
  return Done{};
}

}  // namespace
}  // namespace sqlite

StoreResult<Done> copy_sqlite_journal(const std::string& folder, const std::string& destination) {
  const sqlite::JournalFolder source(folder);
  if (!source.exists())
    return StoreError{StoreErrorKind::unavailable, folder + ": no such journal"};
  return sqlite::copy_all(source, sqlite::JournalFolder(destination), sqlite::copy_database);
}

StoreResult<Done> lay_sqlite_journal(const std::string& backup, const std::string& folder) {
  return sqlite::copy_all(sqlite::JournalFolder(backup), sqlite::JournalFolder(folder),
                          sqlite::lay_file);
}

}  // namespace welkin
