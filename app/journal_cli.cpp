// The command line of `welkin journal …`: which store to open, and the options of each subcommand.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/exit_codes.hpp"
#include "app/journal_commands.hpp"
#include "app/stop_signals.hpp"
#include "protocol/breaker/state.hpp"
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

CLI::App* add_command(CLI::App* journal, const char* name, const char* help,
                      const Arguments& arguments, int& exit_code, Work work) {
  CLI::App* command = journal->add_subcommand(name, help);
  command->add_option("--db", arguments->db,
                      "The journal's URL: sqlite:FOLDER or postgresql://… (default: the store of "
                      "--config, else WELKIN_STORE_URL, else sqlite:./journal)");
  command->add_option("--config", arguments->config_path, "The TOML file of `welkin serve`");
  command->add_flag("--json", arguments->json, "JSON instead of text for people");
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
      ->add_option("id", arguments->show.id, "A stream's id, MERCHANT/ORDER_NO or breaker:ACCOUNT")
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
        const bool known = parse_payment_event_kind(name) || parse_breaker_event_kind(name);
        return known ? std::string() : name + " is not a type of event";
      });
  command->add_option("--stream", tail.stream,
                      "Only this one's: its id, MERCHANT/ORDER_NO or breaker:ACCOUNT");
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

}  // namespace

void add_journal(CLI::App& app, int& exit_code) {
  const auto arguments = std::make_shared<JournalArguments>();
  CLI::App* journal = app.add_subcommand(
      "journal", "Read the journal of a running or stopped node; writes nothing");
  journal->require_subcommand(1);
  add_list(journal, arguments, exit_code);
  add_show(journal, arguments, exit_code);
  add_tail(journal, arguments, exit_code);
  add_command(
      journal, "verify", "Check every hash chain and every transition", arguments, exit_code,
      [](const JournalStore& store, Output output) { return journal_verify(store, output); });
  add_export(journal, arguments, exit_code);
  add_command(
      journal, "stats", "How much there is and how far the views have come", arguments, exit_code,
      [](const JournalStore& store, Output output) { return journal_stats(store, output); });
}

}  // namespace welkin
