// The configuration: what is taken is within the table's bounds, a refusal says where, and no
// secret has any part in what is shown.
#include "app/config.hpp"

#include <set>

#include "app/config_keys.hpp"
#include "protocol/utf8.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

constexpr std::string_view environment_mark = "\n-- environment\n";

// What stands behind the mark, a variable a line: NAME=value.
Environment environment_in(std::string_view lines) {
  Environment out;
  while (!lines.empty()) {
    const std::string_view line = take_line(lines);
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos)
      out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  // No file is opened by a name that the fuzzer made up: the secret stands here.
  out.erase("WELKIN_CHANNEL_SANDBOX_SECRET_FILE");
  return out;
}

void check_refusal(const std::vector<ConfigError>& errors) {
  claim(!errors.empty(), "a refusal has a reason");
  for (const ConfigError& error : errors) {
    claim(error.where.rfind("fuzz.toml", 0) == 0 || error.where == "environment",
          "a refusal says where");
    // A variable's name is told as the operating system gave it, which may be any bytes.
    const std::string told = error.where == "environment" ? error.what : error.text();
    claim(!error.what.empty() && is_utf8(told), "a refusal says what, as text");
  }
}

void check_bounds(const ServeConfig& config) {
  config_keys::Input input;
  input.serve = config;
  if (config.sandbox) input.sandbox = *config.sandbox;
  for (const config_keys::KeySpec& key : config_keys::keys()) {
    if (!key.target) continue;
    const config_keys::Target target = key.target(input);
    if (auto* number = std::get_if<std::int64_t*>(&target))
      claim(**number >= key.min && **number <= key.max, "a number is within its bounds");
  }
  std::set<std::string> ids;
  for (const MerchantSection& merchant : config.merchants) {
    claim(!merchant.id.empty() && merchant.id.size() <= 64 && ids.insert(merchant.id).second,
          "a merchant's id is its own");
    claim(!merchant.api_key_sha256.empty(), "a merchant can sign in");
    for (const std::string& hash : merchant.api_key_sha256)
      claim(hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos,
            "a key is kept as its hash");
  }
  std::set<std::string> names;
  for (ChannelAccountSection account : config.accounts) {
    claim(!account.name.empty() && account.name.size() <= 64 && names.insert(account.name).second,
          "an account's name is its own");
    claim(!account.kind.empty() && !account.serves.empty(), "an account serves a channel");
    for (const config_keys::KeySpec& key : config_keys::keys()) {
      if (!key.account_target) continue;
      const config_keys::Target target = key.account_target(account);
      if (auto* number = std::get_if<std::int64_t*>(&target))
        claim(**number >= key.min && **number <= key.max, "a number is within its bounds");
    }
  }
  if (config.sandbox)
    claim(!config.sandbox->base_url.empty() && !config.sandbox->secret.empty(),
          "a channel has an address and a secret");
}

void check_shown(ServeConfig config) {
  const std::string shown = describe_config(config);
  const auto replaced = [](std::string& secret) {
    if (!secret.empty()) secret = "another";
  };
  replaced(config.operators.key_sha256);
  if (config.sandbox) replaced(config.sandbox->secret);
  for (ChannelAccountSection& account : config.accounts) replaced(account.secret);
  for (MerchantSection& merchant : config.merchants)
    for (std::string& hash : merchant.api_key_sha256) replaced(hash);
  claim_same(describe_config(config), shown, "no secret has a part in what is shown");

  const std::string& url = config.store.url;
  const std::size_t at = url.rfind('@');
  const std::size_t colon = url.find(':', std::min(url.find("://"), url.size() - 3) + 3);
  if (url.rfind("postgres", 0) != 0 || at == std::string::npos || colon > at) return;
  config.store.url.replace(colon + 1, at - colon - 1, "another");
  claim_same(describe_config(config), shown, "no password has a part in what is shown");
}

void check(std::string_view input) {
  const std::size_t mark = input.find(environment_mark);
  const std::string_view toml = input.substr(0, mark);
  Environment environment;
  if (mark != std::string_view::npos)
    environment = environment_in(input.substr(mark + environment_mark.size()));
  if (toml.find("secret_file") != std::string_view::npos ||
      toml.find('\\') != std::string_view::npos)
    environment.emplace("WELKIN_CHANNEL_SANDBOX_SECRET", "a secret");
  const ConfigResult result = parse_config(toml, "fuzz.toml", environment);
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&result))
    return check_refusal(*errors);
  const auto& config = std::get<ServeConfig>(result);
  check_bounds(config);
  check_shown(config);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
