#include "app/journal_backup.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "actors/journal_remarks.hpp"
#include "app/exit_codes.hpp"
#include "app/journal_verifier.hpp"
#include "app/text_table.hpp"
#include "persistence/sqlite/backup.hpp"
#include "persistence/sqlite/sqlite_store.hpp"
#include "protocol/json_bytes.hpp"

namespace welkin {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* note_name = "/backup.json";
constexpr UnixUs us_per_hour = 3'600 * us_per_s;

// What `backup` notes beside its files, last, so that a folder without it is no backup.
struct BackupNote {
  std::uint64_t position = 0;
  UnixUs at_us = 0;
};

UnixUs now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

bool is_sqlite(const std::string& url) { return url.rfind("sqlite:", 0) == 0; }

bool write_note(const std::string& folder, const BackupNote& note) {
  const std::string path = folder + note_name;
  std::ofstream file(path);
  file << Json({{"welkin_backup", 1},
                {"position", note.position},
                {"at_us", note.at_us},
                {"at", format_time(note.at_us)}})
              .dump()
       << '\n';
  file.close();
  std::error_code failed;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read, failed);
  return file.good() && !failed;
}

std::optional<BackupNote> read_note(const std::string& folder) {
  std::ifstream file(folder + note_name);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (unjudged_json_byte(text)) return std::nullopt;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || json.value("welkin_backup", 0) != 1) return std::nullopt;
  const auto number = [&json](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : -1;
  };
  if (number("position") < 0 || number("at_us") < 0) return std::nullopt;
  return BackupNote{static_cast<std::uint64_t>(number("position")), number("at_us")};
}

int fail(Output output, int exit_code, const std::string& what) {
  output.err << "welkin: " << what << '\n';
  return exit_code;
}

// The journal's last position when every row of it holds; else what is wrong has been said.
std::optional<std::uint64_t> verified_end(const std::string& url, Output output, int& exit_code) {
  StoreOptions options;
  options.url = url;
  options.read_only = true;
  const auto opened = open_store(options);
  if (const StoreError* error = error_of(opened)) {
    exit_code = fail(output, exit_store, "cannot open " + url + ": " + error->detail);
    return std::nullopt;
  }
  const auto& store = *std::get<std::unique_ptr<JournalStore>>(opened);
  const VerifyReport report = verify_journal(store);
  if (report.fault || report.error) {
    exit_code = fail(output, report.fault ? exit_found_wrong : exit_store,
                     report.fault ? "position " + std::to_string(report.fault->position) + " " +
                                        report.fault->what
                                  : report.error->detail);
    return std::nullopt;
  }
  return report.events;
}

std::optional<std::uint64_t> last_position(const std::string& url, Output output, int& exit_code) {
  StoreOptions options;
  options.url = url;
  options.read_only = true;
  const auto opened = open_store(options);
  if (const StoreError* error = error_of(opened)) {
    exit_code = fail(output, exit_store, error->detail);
    return std::nullopt;
  }
  const auto stats = std::get<std::unique_ptr<JournalStore>>(opened)->stats();
  if (const StoreError* error = error_of(stats)) {
    exit_code = report_store_error(*error, output);
    return std::nullopt;
  }
  return std::get<StoreStats>(stats).last_position;
}

// Claims every shard, so that whoever wrote this journal before is fenced out, and leaves the
// remark that makes the next start ask the channels.
StoreResult<Done> note_restore(const JournalRestoreOptions& options, BackupNote note) {
  StoreOptions store_options;
  store_options.url = options.url;
  auto opened = open_store(store_options);
  if (const StoreError* error = error_of(opened)) return *error;
  JournalStore& store = *std::get<std::unique_ptr<JournalStore>>(opened);
  auto checked = check_before_start(store, false);
  if (const StoreError* error = error_of(checked)) return *error;
  auto epochs = store.claim_epochs(0);
  if (const StoreError* error = error_of(epochs)) return *error;
  if (options.in_place && note.position > 0) {
    auto last = store.read_all(note.position - 1, 1);
    if (const StoreError* error = error_of(last)) return *error;
    const auto& rows = std::get<std::vector<EventRow>>(last);
    if (!rows.empty()) note.at_us = rows.front().at_us;
  }
  JournalRestored remark;
  remark.backup_position = static_cast<std::int64_t>(note.position);
  remark.backup_at_us = note.at_us;
  remark.ask_since_us = note.at_us - options.ask_hours * us_per_hour;
  return append_remark(store, std::get<std::vector<std::uint64_t>>(epochs), remark, now_us());
}

int lay_down(const JournalRestoreOptions& options, const std::string& folder, BackupNote& note,
             Output output) {
  const auto found = read_note(options.source);
  if (!found)
    return fail(output, exit_found_wrong,
                options.source + ": has no backup.json of `welkin journal backup`");
  note = *found;
  int exit_code = exit_fine;
  const auto end = verified_end("sqlite:" + options.source, output, exit_code);
  if (!end) return exit_code;
  if (*end != note.position)
    return fail(output, exit_found_wrong,
                options.source + ": ends at position " + std::to_string(*end) + ", not " +
                    std::to_string(note.position) + " as when it was made");
  const auto laid = lay_sqlite_journal(options.source, folder);
  if (const StoreError* error = error_of(laid)) return fail(output, exit_store, error->detail);
  return exit_fine;
}

}  // namespace

int journal_backup(const JournalBackupOptions& options, Output output) {
  if (!is_sqlite(options.url))
    return fail(output, exit_usage,
                "backup copies an embedded journal; for PostgreSQL use pg_dump or pg_basebackup "
                "(docs/backup.md)");
  BackupNote note;
  note.at_us = now_us();  // what was acknowledged before this is in the copy
  const auto copied = copy_sqlite_journal(sqlite_folder_of(options.url), options.destination);
  if (const StoreError* error = error_of(copied)) return fail(output, exit_store, error->detail);
  int exit_code = exit_fine;
  const std::string copy = "sqlite:" + options.destination;
  const auto end = options.verify ? verified_end(copy, output, exit_code)
                                  : last_position(copy, output, exit_code);
  if (!end) return exit_code;
  note.position = *end;
  if (!write_note(options.destination, note))
    return fail(output, exit_store, options.destination + ": backup.json cannot be written");
  if (output.json)
    output.out << Json({{"position", note.position}, {"verified", options.verify}}).dump() << '\n';
  else
    output.out << "Copied up to position " << note.position
               << (options.verify ? ", and every row of the copy holds.\n" : ", not verified.\n");
  return exit_fine;
}

int journal_restore(const JournalRestoreOptions& options, Output output) {
  if (options.in_place == !options.source.empty())
    return fail(output, exit_usage, "restore takes a backup's folder or --in-place");
  if (!options.in_place && !is_sqlite(options.url))
    return fail(output, exit_usage,
                "restore lays down an embedded journal; load a PostgreSQL dump with its own "
                "programs, then use --in-place (docs/backup.md)");
  BackupNote note;
  JournalRestoreOptions how = options;
  const std::string target = options.in_place ? "" : sqlite_folder_of(options.url);
  if (!options.in_place) {
    std::error_code ignored;
    if (std::filesystem::exists(target, ignored) &&
        !(std::filesystem::is_directory(target, ignored) &&
          std::filesystem::is_empty(target, ignored)))
      return fail(output, exit_store, target + ": is there already and not an empty folder");
    // Beside it and moved there last: without the remark a journal would ask no channel.
    const std::string laid_in = target + ".restoring";
    std::filesystem::remove_all(laid_in, ignored);  // of a restore that was cut off
    if (const int failed = lay_down(options, laid_in, note, output); failed != exit_fine)
      return failed;
    how.url = "sqlite:" + laid_in;
  } else {
    int exit_code = exit_fine;
    const auto end = verified_end(options.url, output, exit_code);
    if (!end) return exit_code;
    note.position = *end;
  }
  const auto noted = note_restore(how, note);
  if (const StoreError* error = error_of(noted))
    return fail(output, error->kind == StoreErrorKind::corrupt ? exit_found_wrong : exit_store,
                error->detail);
  if (!options.in_place) {
    std::error_code failed;
    std::filesystem::rename(sqlite_folder_of(how.url), target, failed);
    if (failed) return fail(output, exit_store, target + ": " + failed.message());
  }
  if (output.json)
    output.out << Json({{"position", note.position}, {"ask_hours", options.ask_hours}}).dump()
               << '\n';
  else
    output.out << "Every row up to position " << note.position
               << " holds. The next start asks the channels about each open payment and those of "
                  "the last "
               << options.ask_hours << " hours before the backup.\n";
  return exit_fine;
}

}  // namespace welkin
