// `welkin sandbox`: the stand-in for a payment channel, as a process of its own.
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "app/commands.hpp"
#include "app/exit_codes.hpp"
#include "app/stop_signals.hpp"
#include "sandbox/sandbox_server.hpp"

namespace welkin {
namespace {

struct SandboxArguments {
  sandbox::SandboxConfig config;
  std::string secret_file;
  std::string control;
  bool no_auto_pay = false;
};

int usage_error(const std::string& what) {
  std::cerr << "welkin sandbox: " << what << '\n';
  return exit_usage;
}

int run_sandbox(SandboxArguments arguments) {
  sandbox::SandboxConfig& config = arguments.config;
  if (!arguments.secret_file.empty()) {
    std::ifstream in(arguments.secret_file);
    config.secret.clear();
    if (!std::getline(in, config.secret) || config.secret.empty())
      return usage_error("cannot read a secret from " + arguments.secret_file);
  }
  if (config.secret.empty()) return usage_error("--secret or --secret-file is required");
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
  std::cout << "sandbox channel on http://" << config.host << ':' << std::get<int>(started)
            << std::endl;
  signals.wait();
  server.stop();
  return exit_fine;
}

}  // namespace

void add_sandbox(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<SandboxArguments>();
  sandbox::SandboxConfig& config = arguments->config;
  CLI::App* command = app.add_subcommand("sandbox", "Play a payment channel that can misbehave");
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
  command->add_option(
      "--control", arguments->control,
      "How to misbehave, as JSON: {\"callback_duplicate_rate\":0.1}; the document of "
      "the sandbox's control endpoint");
  command->callback([arguments, &exit_code] { exit_code = run_sandbox(*arguments); });
}

}  // namespace welkin
