// Files of a SQLite journal.
#include "persistence/sqlite/journal_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace welkin::sqlite {
namespace {

constexpr std::string_view segment_prefix = "segment-";
constexpr std::string_view segment_suffix = ".db";

StoreError system_error(int code, const std::string& doing) {
  const bool no_space = code == ENOSPC || code == EDQUOT;
  return {no_space ? StoreErrorKind::full : StoreErrorKind::unavailable,
          doing + ": " + std::strerror(code)};
}

// 0 for any other file.
std::uint32_t segment_number_of(std::string_view name) {
  if (name.size() <= segment_prefix.size() + segment_suffix.size()) return 0;
  if (name.substr(0, segment_prefix.size()) != segment_prefix) return 0;
  if (name.substr(name.size() - segment_suffix.size()) != segment_suffix) return 0;
  name.remove_prefix(segment_prefix.size());
  name.remove_suffix(segment_suffix.size());
  if (name.size() > 9) return 0;
  std::uint32_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return 0;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

}  // namespace

std::string JournalFolder::segment_path(std::uint32_t number) const {
  char name[32];
  std::snprintf(name, sizeof name, "/segment-%06u.db", number);
  return path_ + name;
}

Failure JournalFolder::create() const {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::absolute(path_, failed).lexically_normal();
  const auto parent = path.has_filename() ? path.parent_path() : path.parent_path().parent_path();
  std::filesystem::create_directories(parent, failed);
  if (failed) return system_error(failed.value(), "make the folder " + path_);
  if (::mkdir(path_.c_str(), 0700) != 0 && !(errno == EEXIST && exists()))
    return system_error(errno, "make the folder " + path_);
  return {};
}

bool JournalFolder::has_meta() const {
  std::error_code ignored;
  return std::filesystem::exists(meta_path(), ignored);
}

bool JournalFolder::has_views() const {
  std::error_code ignored;
  return std::filesystem::exists(views_path(), ignored);
}

std::vector<std::string> JournalFolder::open_to_others() const {
  std::vector<std::string> wide;
  const auto look = [&wide](const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) wide.push_back(path);
  };
  look(path_);
  std::error_code failed;
  std::filesystem::directory_iterator entry(path_, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed))
    look(entry->path().string());
  std::sort(wide.begin(), wide.end());
  return wide;
}

bool JournalFolder::exists() const {
  std::error_code ignored;  // a folder that cannot be looked at is as good as none to a reader
  return std::filesystem::is_directory(path_, ignored);
}

StoreResult<std::vector<std::uint32_t>> JournalFolder::segment_numbers() const {
  std::error_code failed;
  std::vector<std::uint32_t> numbers;
  std::filesystem::directory_iterator entry(path_, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const auto number = segment_number_of(entry->path().filename().string());
    if (number != 0) numbers.push_back(number);
  }
  if (failed) return system_error(failed.value(), "list " + path_);
  std::sort(numbers.begin(), numbers.end());
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] != i + 1)
      return StoreError{StoreErrorKind::corrupt,
                        segment_path(static_cast<std::uint32_t>(i + 1)) + " is missing"};
  return numbers;
}

StoreResult<std::uint64_t> JournalFolder::bytes() const {
  std::error_code failed;
  std::uint64_t total = 0;
  std::filesystem::directory_iterator entry(path_, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    std::error_code gone;  // side files come and go while we look
    const auto size = entry->file_size(gone);
    if (!gone) total += size;
  }
  if (failed) return system_error(failed.value(), "list " + path_);
  return total;
}

Failure JournalFolder::sync() const {
  const int folder = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return system_error(errno, "open " + path_);
  const int code = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  if (code != 0) return system_error(code, "sync " + path_);
  return {};
}

WriterLock::~WriterLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Failure WriterLock::acquire(const JournalFolder& folder) {
  const std::string path = folder.path() + "/writer.lock";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return system_error(errno, "open " + path);
  char pid[32] = {};
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    const auto size = ::pread(file, pid, sizeof pid - 1, 0);
    ::close(file);
    if (code != EWOULDBLOCK) return system_error(code, "lock " + path);
    return StoreError{StoreErrorKind::unavailable,
                      folder.path() + " is being written by process " +
                          (size > 0 ? std::string(pid) : std::string("(not known)"))};
  }
  // The pid is there for people; the lock itself is what counts, so a full disk may leave it out.
  const int length = std::snprintf(pid, sizeof pid, "%d", static_cast<int>(::getpid()));
  if (::ftruncate(file, 0) == 0)
    static_cast<void>(::pwrite(file, pid, static_cast<std::size_t>(length), 0) == length);
  descriptor_ = file;
  return {};
}

}  // namespace welkin::sqlite
