// `welkin journal backup` and `restore`: docs/backup.md says what they promise.
#pragma once

#include <cstdint>
#include <string>

#include "app/journal_commands.hpp"

namespace welkin {

struct JournalBackupOptions {
  std::string url;
  std::string destination;
  bool verify = true;
};
int journal_backup(const JournalBackupOptions& options, Output output);

struct JournalRestoreOptions {
  std::string url;
  std::string source;     // a folder that `backup` has made
  bool in_place = false;  // instead: the journal at `url` was laid down by other means
  std::int64_t ask_hours = 72;
};
int journal_restore(const JournalRestoreOptions& options, Output output);

}  // namespace welkin
