// `welkin sandbox`: the stand-in for payment channels, as a process of its own.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "app/commands.hpp"
#include "app/exit_codes.hpp"
#include "app/stop_signals.hpp"
#include "sandbox/sandbox_server.hpp"
#include "sandbox/test_keys.hpp"

namespace welkin {
namespace {

struct SandboxArguments {
  sandbox::SandboxConfig config;
  std::string secret_file;
  std::string control;
  bool no_auto_pay = false;
  std::string keys_folder;
  std::string accounts_path;
  sandbox::AccountsFile accounts;
};

constexpr auto default_keys_folder = "sandbox-keys";

int usage_error(const std::string& what) {
  std::cerr << "welkin sandbox: " << what << '\n';
  return exit_usage;
}

std::optional<Problem> take_keys(SandboxArguments& arguments) {
  auto loaded = sandbox::load_or_make_test_keys(arguments.keys_folder);
  if (auto* problem = std::get_if<Problem>(&loaded)) return std::move(*problem);
  sandbox::SandboxConfig& config = arguments.config;
  config.keys = std::get<sandbox::TestKeys>(std::move(loaded));
  arguments.accounts.own_secret_is_of_the_keys = config.secret.empty();
  if (config.secret.empty()) config.secret = config.keys->sandbox_secret;
  // Absolute, so that the accounts hold wherever `welkin serve` is started.
  arguments.accounts.keys_folder = std::filesystem::absolute(arguments.keys_folder).string();
  config.stripe_endpoint = sandbox::notify_url_of(arguments.accounts, "stripe");
  if (arguments.accounts_path.empty())
    arguments.accounts_path = arguments.accounts.keys_folder + "/accounts.toml";
  return std::nullopt;
}

int run_sandbox(SandboxArguments arguments) {
  sandbox::SandboxConfig& config = arguments.config;
  if (!arguments.secret_file.empty()) {
    std::ifstream in(arguments.secret_file);
    config.secret.clear();
    if (!std::getline(in, config.secret) || config.secret.empty())
      return usage_error("cannot read a secret from " + arguments.secret_file);
  }
  // Without a secret of its own the sandbox serves everything, with keys it makes itself.
  if (config.secret.empty() && arguments.keys_folder.empty())
    arguments.keys_folder = default_keys_folder;
  if (!arguments.keys_folder.empty())
    if (const auto problem = take_keys(arguments)) return usage_error(problem->detail);
  config.auto_pay.enabled = !arguments.no_auto_pay;
  if (!arguments.control.empty()) {
    const auto control =
        sandbox::parse_control(arguments.control, {config.misbehaviour, config.auto_pay});
    if (const auto* problem = std::get_if<Problem>(&control))
      return usage_error("--control " + problem->field + ": " + problem->detail);
    config.misbehaviour = std::get<sandbox::Control>(control).misbehaviour;
    config.auto_pay = std::get<sandbox::Control>(control).auto_pay;
  }

  const StopSignals signals;
  sandbox::SandboxServer server(config);
  const auto started = server.start();
  if (const auto* problem = std::get_if<Problem>(&started)) return usage_error(problem->detail);
  const std::string url = "http://" + config.host + ":" + std::to_string(std::get<int>(started));
  std::cout << "sandbox channel on " << url << std::endl;
  if (config.keys) {
    arguments.accounts.sandbox_url = url;
    if (!sandbox::write_private_file(arguments.accounts_path,
                                     sandbox::accounts_toml(arguments.accounts)))
      return usage_error("cannot write " + arguments.accounts_path);
    std::cout << "accounts for welkin serve --config: " << arguments.accounts_path << std::endl;
  }
  signals.wait();
  server.stop();
  return exit_fine;
}

}  // namespace

void add_sandbox(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<SandboxArguments>();
  sandbox::SandboxConfig& config = arguments->config;
  CLI::App* command = app.add_subcommand("sandbox", "Play payment channels that can misbehave");
  command->add_option("--host", config.host, "Address to listen on")->capture_default_str();
  command->add_option("--port", config.port, "Port to listen on; 0: any free one")
      ->check(CLI::Range(0, 65'535))
      ->capture_default_str();
  CLI::Option* secret =
      command->add_option("--secret", config.secret, "What signs requests and callbacks")
          ->envname("WELKIN_CHANNEL_SANDBOX_SECRET");
  command
      ->add_option("--secret-file", arguments->secret_file, "File whose first line is the secret")
      ->excludes(secret);
  command->add_option("--notify-url", config.notify_url, "Callbacks of orders that name no URL");
  command->add_option("--keys", arguments->keys_folder,
                      "Folder of test keys, made where there are none, for serving WeChat Pay, "
                      "Alipay, UnionPay and Stripe too; without any secret: sandbox-keys");
  command->add_option("--accounts", arguments->accounts_path,
                      "Where to write the accounts for `welkin serve`; by default accounts.toml "
                      "beside the keys");
  command
      ->add_option("--gateway", arguments->accounts.gateway_url,
                   "Where `welkin serve` is reached by the callbacks of those accounts")
      ->capture_default_str();
  command
      ->add_option("--route", arguments->accounts.route,
                   "What tells these accounts from another sandbox's: wechat_pay_ROUTE")
      ->capture_default_str();
  command
      ->add_option("--priority", arguments->accounts.priority,
                   "Of these accounts; the lowest first")
      ->capture_default_str();
  command->add_option("--seed", config.seed, "What the misbehaviour's rates draw from")
      ->capture_default_str();
  command->add_flag("--no-auto-pay", arguments->no_auto_pay,
                    "Orders wait until they are paid by hand");
  command
      ->add_option("--auto-pay-ms", config.auto_pay.after_ms, "How long the payer takes to pay, ms")
      ->check(CLI::Range(std::int64_t{0}, sandbox::fault_duration_max_ms))
      ->capture_default_str();
  command
      ->add_option("--refund-after-ms", config.auto_pay.refund_after_ms,
                   "How long a refund takes, ms; 0: its first answer settles it")
      ->check(CLI::Range(std::int64_t{0}, sandbox::fault_duration_max_ms))
      ->capture_default_str();
  command
      ->add_option("--workers", config.worker_threads,
                   "Threads that answer; of held answers at most three quarters of them at a time")
      ->check(CLI::Range(4, 4'096))
      ->capture_default_str();
  command->add_option(
      "--control", arguments->control,
      "How to misbehave, as JSON: {\"callback_duplicate_rate\":0.1}; the document of "
      "the sandbox's control endpoint");
  command->callback([arguments, &exit_code] { exit_code = run_sandbox(*arguments); });
}

}  // namespace welkin
