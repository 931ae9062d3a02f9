// The command line of `welkin journal …`: which store to open, and the options of each subcommand.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/exit_codes.hpp"
#include "app/journal_backup.hpp"
#include "app/journal_commands.hpp"
#include "app/stop_signals.hpp"
#include "protocol/breaker/state.hpp"
#include "protocol/journal/event.hpp"
#include "protocol/payment/state.hpp"

namespace welkin {
namespace {

struct JournalArguments {
  std::string db;
  std::string config_path;
  bool json = false;
  JournalListOptions list;
  JournalShowOptions show;
  JournalTailOptions tail;
  JournalExportOptions export_range;
  JournalBackupOptions backup;
  JournalRestoreOptions restore;
};

// --db, or the configuration's store, or where `welkin serve` would put it by default.
std::optional<std::string> store_url(const JournalArguments& arguments) {
  if (!arguments.db.empty()) return arguments.db;
  std::vector<std::string> paths;
  if (!arguments.config_path.empty()) paths.push_back(arguments.config_path);
  const ConfigResult result = load_config(paths, welkin_environment());
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&result)) {
    for (const ConfigError& error : *errors) std::cerr << "welkin: " << error.text() << '\n';
    return std::nullopt;
  }
  return std::get<ServeConfig>(result).store.url;
}

using Work = std::function<int(const JournalStore&, Output)>;

int on_store(const JournalArguments& arguments, const Work& work) {
  const auto url = store_url(arguments);
  if (!url) return exit_usage;
  StoreOptions options;
  options.url = *url;
  options.read_only = true;
  const auto opened = open_store(options);
  if (const StoreError* error = error_of(opened)) {
    std::cerr << "welkin: cannot open the journal: " << error->detail << '\n';
    return exit_store;
  }
  const auto& store = *std::get<std::unique_ptr<JournalStore>>(opened);
  const int exit_code = work(store, Output{std::cout, std::cerr, arguments.json});
  std::cout.flush();
  return exit_code;
}

using Arguments = std::shared_ptr<JournalArguments>;

void add_store_options(CLI::App* command, const Arguments& arguments) {
  command->add_option("--db", arguments->db,
                      "The journal's URL: sqlite:FOLDER or postgresql://… (default: the store of "
                      "--config, else WELKIN_STORE_URL, else sqlite:./journal)");
  command->add_option("--config", arguments->config_path, "The TOML file of `welkin serve`");
  command->add_flag("--json", arguments->json, "JSON instead of text for people");
}

CLI::App* add_command(CLI::App* journal, const char* name, const char* help,
                      const Arguments& arguments, int& exit_code, Work work) {
  CLI::App* command = journal->add_subcommand(name, help);
  add_store_options(command, arguments);
  command->callback(
      [arguments, &exit_code, work = std::move(work)] { exit_code = on_store(*arguments, work); });
  return command;
}

void add_list(CLI::App* journal, const Arguments& arguments, int& exit_code) {
  CLI::App* command = add_command(journal, "list", "Payments, newest first", arguments, exit_code,
                                  [arguments](const JournalStore& store, Output output) {
                                    return journal_list(store, arguments->list, output);
                                  });
  JournalListOptions& list = arguments->list;
  command->add_option("--merchant", list.merchant_id, "Only this merchant's");
  command->add_option("--state", list.state, "Only those in this state, such as PAID")
      ->check([](const std::string& name) {
        return parse_payment_state(name) ? std::string() : name + " is not a state of a payment";
      });
  command->add_flag("--open", list.open_only, "Only those that still wait for something");
  command->add_option("--limit", list.limit, "At most so many")
      ->check(CLI::Range(std::size_t{1}, std::size_t{100'000}))
      ->capture_default_str();
}

void add_show(CLI::App* journal, const Arguments& arguments, int& exit_code) {
  CLI::App* command =
      add_command(journal, "show", "The timeline of a payment or a breaker", arguments, exit_code,
                  [arguments](const JournalStore& store, Output output) {
                    return journal_show(store, arguments->show, output);
                  });
  command
      ->add_option("id", arguments->show.id,
                   "A stream's id, MERCHANT/ORDER_NO, breaker:ACCOUNT or journal")
      ->required();
  command->add_option("--at", arguments->show.at_seq, "The whole state after this event");
}

void add_tail(CLI::App* journal, const Arguments& arguments, int& exit_code) {
  CLI::App* command = add_command(
      journal, "tail", "The last events, and with -f those to come", arguments, exit_code,
      [arguments](const JournalStore& store, Output output) {
        // Taken over only to follow: otherwise Ctrl-C ends the program as usual.
        if (!arguments->tail.follow)
          return journal_tail(store, arguments->tail, output, [](std::int64_t) { return false; });
        const StopSignals signals;
        return journal_tail(store, arguments->tail, output,
                            [&signals](std::int64_t time_ms) { return signals.wait_for(time_ms); });
      });
  JournalTailOptions& tail = arguments->tail;
  command->add_flag("-f,--follow", tail.follow, "Go on with new events until Ctrl-C");
  command->add_option("-n,--rows", tail.rows, "How many to begin with")
      ->check(CLI::Range(std::size_t{0}, std::size_t{20'000}))
      ->capture_default_str();
  command->add_option("--from", tail.from_position, "Begin at this position instead");
  command->add_option("--type", tail.type, "Only events of this type, such as payment_paid")
      ->check([](const std::string& name) {
        const bool known = parse_payment_event_kind(name) || parse_breaker_event_kind(name) ||
                           parse_journal_event_kind(name);
        return known ? std::string() : name + " is not a type of event";
      });
  command->add_option("--stream", tail.stream,
                      "Only this one's: its id, MERCHANT/ORDER_NO, breaker:ACCOUNT or journal");
}

void add_export(CLI::App* journal, const Arguments& arguments, int& exit_code) {
  CLI::App* command =
      add_command(journal, "export", "Every column of every event, one JSON object a line",
                  arguments, exit_code, [arguments](const JournalStore& store, Output output) {
                    return journal_export(store, arguments->export_range, output);
                  });
  command->add_option("--from", arguments->export_range.from_position, "First position")
      ->capture_default_str();
  command->add_option("--to", arguments->export_range.to_position, "Last position");
}

void add_backup(CLI::App* journal, const Arguments& arguments, int& exit_code) {
  CLI::App* command =
      journal->add_subcommand("backup", "Copy an embedded journal, beside the node that writes it");
  add_store_options(command, arguments);
  command->add_option("destination", arguments->backup.destination, "A folder to be made")
      ->required();
  command->add_flag("!--no-verify", arguments->backup.verify, "Do not read the copy through");
  command->callback([arguments, &exit_code] {
    const auto url = store_url(*arguments);
    if (!url) {
      exit_code = exit_usage;
      return;
    }
    arguments->backup.url = *url;
    exit_code = journal_backup(arguments->backup, {std::cout, std::cerr, arguments->json});
  });
}

void add_restore(CLI::App* journal, const Arguments& arguments, int& exit_code) {
  CLI::App* command = journal->add_subcommand(
      "restore", "Lay a backup down, so that the next start asks the channels what is not in it");
  add_store_options(command, arguments);
  JournalRestoreOptions& restore = arguments->restore;
  command->add_option("source", restore.source, "A folder that `backup` has made");
  command->add_flag("--in-place", restore.in_place,
                    "The journal was laid down by other means: verify it and note the restore");
  command
      ->add_option("--ask-hours", restore.ask_hours,
                   "Ask about all payments begun so long before the backup, and all open ones")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{24 * 366}))
      ->capture_default_str();
  command->callback([arguments, &exit_code] {
    const auto url = store_url(*arguments);
    if (!url) {
      exit_code = exit_usage;
      return;
    }
    arguments->restore.url = *url;
    exit_code = journal_restore(arguments->restore, {std::cout, std::cerr, arguments->json});
  });
}

}  // namespace

void add_journal(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<JournalArguments>();
  CLI::App* journal = app.add_subcommand(
      "journal", "Read the journal of a running or stopped node; only restore writes to one");
  journal->require_subcommand(1);
  add_list(journal, arguments, exit_code);
  add_show(journal, arguments, exit_code);
  add_tail(journal, arguments, exit_code);
  add_command(
      journal, "verify", "Check every hash chain and every transition", arguments, exit_code,
      [](const JournalStore& store, Output output) { return journal_verify(store, output); });
  add_export(journal, arguments, exit_code);
  add_backup(journal, arguments, exit_code);
  add_restore(journal, arguments, exit_code);
  add_command(
      journal, "stats", "How much there is and how far the views have come", arguments, exit_code,
      [](const JournalStore& store, Output output) { return journal_stats(store, output); });
}

}  // namespace welkin
