// `welkin serve`: the gateway and the runtime, from a configuration file.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <vector>

#include "app/channel_accounts.hpp"
#include "app/commands.hpp"
#include "app/config.hpp"
#include "app/exit_codes.hpp"
#include "app/wiring.hpp"

namespace welkin {
namespace {

struct ServeArguments {
  std::vector<std::string> config_paths;
  bool check_config = false;
  bool help_config = false;
  bool accept_truncated_journal = false;
};

int refuse(const std::vector<ConfigError>& errors) {
  for (const ConfigError& error : errors) std::cerr << "welkin: " << error.text() << '\n';
  return exit_usage;
}

UnixUs now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

int serve(const ServeArguments& arguments) {
  if (arguments.help_config) {
    std::cout << config_help();
    return exit_fine;
  }
  const Environment environment = welkin_environment();
  auto [config, errors] = read_config(arguments.config_paths, environment);
  // Accounts are opened whatever else is wrong, so that one run tells everything.
  OpenedAccounts accounts = open_accounts(config, now_us(), errors);
  if (const auto* faults = std::get_if<std::vector<ConfigError>>(&accounts))
    errors.insert(errors.end(), faults->begin(), faults->end());
  if (!errors.empty()) return refuse(errors);
  if (arguments.check_config) {
    std::cout << describe_config(config);
    return exit_fine;
  }
  return run_server(config, std::get<std::vector<OpenedAccount>>(std::move(accounts)),
                    arguments.accept_truncated_journal);
}

}  // namespace

void add_serve(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ServeArguments>();
  CLI::App* command = app.add_subcommand("serve", "Take payments over HTTP");
  command
      ->add_option("--config", arguments->config_paths,
                   "TOML file, several by repeating it; without one, defaults and WELKIN_… "
                   "variables")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--check-config", arguments->check_config,
                    "Say what is wrong with the configuration or what is in force, and end");
  command->add_flag("--help-config", arguments->help_config,
                    "Print every key with its unit, default and environment variable, and end");
  command->add_flag("--accept-truncated-journal", arguments->accept_truncated_journal,
                    "Start once on a journal whose last events or meta.db are lost, and note that "
                    "in it");
  command->callback([arguments, &exit_code] { exit_code = serve(*arguments); });
}

}  // namespace welkin
