#include "app/channel_accounts.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/channel/sandbox_format.hpp"
#include "protocol/channels/alipay/format.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "protocol/channels/union_pay/format.hpp"
#include "protocol/channels/wechat_pay/format.hpp"

namespace welkin {
namespace {

constexpr std::size_t largest_file_bytes = 1 << 20;

// Where a fault that an adapter finds in one of its fields comes from.
struct FieldKey {
  std::string_view kind;
  std::string_view field;  // up to a slash with an index behind
  std::string_view key;
};
constexpr FieldKey field_keys[] = {
    {"wechat_pay", "api_v3_key", "api_v3_key_file"},
    {"wechat_pay", "private_key", "private_key_file"},
    {"wechat_pay", "merchant_certificate", "certificate_file"},
    {"wechat_pay", "platform_certificates", "platform_certificate_files"},
    {"wechat_pay", "public_keys", "public_key_files"},
    {"alipay", "app_private_key", "private_key_file"},
    {"alipay", "alipay_public_key", "public_key_files"},
    {"alipay", "app_certificate", "certificate_file"},
    {"alipay", "alipay_certificates", "platform_certificate_files"},
    {"alipay", "alipay_root_certificates", "root_certificate_file"},
    {"union_pay", "pfx", "pfx_file"},
    {"union_pay", "private_key", "private_key_file"},
    {"union_pay", "certificate", "certificate_file"},
    {"union_pay", "middle_certificates", "middle_certificate_file"},
    {"union_pay", "root_certificates", "root_certificate_file"},
    {"union_pay", "secure_key", "secure_key_file"},
    {"stripe", "secret_key", "secret_key_file"},
    {"stripe", "webhook_secrets", "webhook_secret_files"},
};

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char block[1 << 14];
  while (in && text.size() <= largest_file_bytes) {
    in.read(block, sizeof block);
    text.append(block, static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof() || text.size() > largest_file_bytes) return std::nullopt;
  return text;
}

// Opens one account; what is wrong with it goes to `errors`.
class Opener {
 public:
  Opener(const ChannelAccountSection& section, UnixUs now_us, std::vector<ConfigError>& errors)
      : in_(section), now_us_(now_us), errors_(errors) {}

  std::optional<OpenedAccount> open() {
    const std::size_t errors_before = errors_.size();
    OpenedAccount account{in_, breaker(), nullptr};
    judge_ca_file();
    account.format = format();
    if (errors_.size() != errors_before || !account.format) return std::nullopt;
    return account;
  }

 private:
  void fail(std::string_view key, std::string what) {
    const auto line = in_.lines.find(std::string(key));
    errors_.push_back({line == in_.lines.end() ? in_.where : line->second,
                       "channel.account." + std::string(key), std::move(what) + of_account()});
  }
  std::string of_account() const { return " (account " + in_.name + ")"; }

  // ---- files

  // What could not be read is not nothing: a file is named.
  static constexpr auto unread = "unread";

  std::string text_of(std::string_view key, const std::string& path) {
    if (path.empty()) return {};
    if (auto text = read_file(path)) return *std::move(text);
    unreadable_.emplace(key);
    fail(key, "names a file that cannot be read: " + path);
    return unread;
  }
  std::string first_line_of(std::string_view key, const std::string& path) {
    std::string text = text_of(key, path);
    text.resize(std::min(text.size(), text.find_first_of("\r\n")));
    if (path.empty() || !text.empty()) return text;
    unreadable_.emplace(key);
    fail(key, "names a file whose first line is empty: " + path);
    return unread;
  }
  // Without one every call would fail, long after the start.
  void judge_ca_file() {
    const std::string text = text_of("ca_file", in_.ca_file);
    if (!in_.ca_file.empty() && text != unread &&
        text.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
      fail("ca_file", "names a file without a certificate in PEM: " + in_.ca_file);
  }
  std::vector<std::string> texts_of(std::string_view key, const std::vector<std::string>& paths) {
    std::vector<std::string> texts;
    texts.reserve(paths.size());
    for (const std::string& path : paths) texts.push_back(text_of(key, path));
    return texts;
  }

  // The file a key names; of a list, the one at the index that stands in the field behind a slash.
  std::string file_of(std::string_view key, std::string_view field) const {
    const std::pair<std::string_view, const std::string*> single[] = {
        {"api_v3_key_file", &in_.api_v3_key_file},
        {"private_key_file", &in_.private_key_file},
        {"certificate_file", &in_.certificate_file},
        {"root_certificate_file", &in_.root_certificate_file},
        {"middle_certificate_file", &in_.middle_certificate_file},
        {"pfx_file", &in_.pfx_file},
        {"secure_key_file", &in_.secure_key_file},
        {"secret_key_file", &in_.secret_key_file},
    };
    for (const auto& [name, path] : single)
      if (name == key) return *path;
    const std::pair<std::string_view, const std::vector<std::string>*> lists[] = {
        {"platform_certificate_files", &in_.platform_certificate_files},
        {"public_key_files", &in_.public_key_files},
        {"webhook_secret_files", &in_.webhook_secret_files},
    };
    std::size_t index = 0;
    const std::size_t slash = field.find('/');
    if (slash != std::string_view::npos)
      std::from_chars(field.data() + slash + 1, field.data() + field.size(), index);
    for (const auto& [name, paths] : lists)
      if (name == key && index < paths->size()) return (*paths)[index];
    return {};
  }

  void fail(const Problem& problem) {
    std::string_view field = problem.field;
    std::string_view key = field.substr(0, field.find('/'));
    for (const FieldKey& known : field_keys)
      if (known.kind == in_.kind && known.field == key) {
        key = known.key;
        break;
      }
    if (field.size() > 3 && field.substr(field.size() - 3) == "/id") key = "public_key_ids";
    // What could not be read has been named already, and what it is instead is no news.
    if (unreadable_.count(key) != 0) return;
    const std::string file = file_of(key, field);
    fail(key, "is not good: " + problem.detail + (file.empty() ? "" : " File: " + file));
  }

  template <class Account, class Make>
  WireFormatPtr made(std::variant<Account, AccountFaults> account, Make make) {
    if (const auto* faults = std::get_if<AccountFaults>(&account)) {
      for (const Problem& fault : *faults) fail(fault);
      return nullptr;
    }
    return make(std::get<Account>(std::move(account)));
  }

  // ---- kinds

  WireFormatPtr format() {
    if (in_.kind == "wechat_pay") return wechat_pay();
    if (in_.kind == "alipay") return alipay();
    if (in_.kind == "union_pay") return union_pay();
    if (in_.kind == "stripe") return stripe();
    if (in_.kind == "sandbox") return sandbox();
    return nullptr;  // of no known kind, which has been told
  }

  WireFormatPtr wechat_pay() {
    wechat_pay::AccountConfig config;
    if (!in_.base_url.empty()) config.base_url = in_.base_url;
    config.app_id = in_.app_id;
    config.merchant_id = in_.merchant_id;
    config.api_v3_key = first_line_of("api_v3_key_file", in_.api_v3_key_file);
    config.notify_url = in_.notify_url;
    config.private_key = text_of("private_key_file", in_.private_key_file);
    config.merchant_certificate = text_of("certificate_file", in_.certificate_file);
    config.platform_certificates =
        texts_of("platform_certificate_files", in_.platform_certificate_files);
    if (in_.public_key_ids.size() != in_.public_key_files.size())
      fail("public_key_ids", "must name as many ids as public_key_files names files");
    const std::size_t pairs = std::min(in_.public_key_ids.size(), in_.public_key_files.size());
    for (std::size_t i = 0; i < pairs; ++i)
      config.public_keys.push_back(
          {in_.public_key_ids[i], text_of("public_key_files", in_.public_key_files[i])});
    const bool knows_keys = !config.platform_certificates.empty() || !in_.public_key_files.empty();
    const bool download =
        in_.certificate_download == "on" || (in_.certificate_download == "auto" && !knows_keys);
    if (!download && !knows_keys)
      fail("certificate_download",
           "is off, and there are no platform_certificate_files or public_key_files");
    return made(wechat_pay::make_account(config, now_us_), [download](wechat_pay::Account account) {
      return wechat_pay::wire_format_of(
          std::move(account),
          download ? wechat_pay::Certificates::fetched : wechat_pay::Certificates::as_configured);
    });
  }

  WireFormatPtr alipay() {
    alipay::AccountConfig config;
    if (!in_.base_url.empty()) config.base_url = in_.base_url;
    config.app_id = in_.app_id;
    config.seller_id = in_.seller_id;
    config.notify_url = in_.notify_url;
    config.app_private_key = text_of("private_key_file", in_.private_key_file);
    if (in_.public_key_files.size() > 1)
      fail("public_key_files", "names several files, and Alipay has one public key");
    for (const std::string& path : in_.public_key_files)
      config.alipay_public_key = text_of("public_key_files", path);
    config.app_certificate = text_of("certificate_file", in_.certificate_file);
    for (const std::string& path : in_.platform_certificate_files)
      config.alipay_certificates += text_of("platform_certificate_files", path) + "\n";
    config.alipay_root_certificates = text_of("root_certificate_file", in_.root_certificate_file);
    return made(alipay::make_account(config, now_us_), alipay::wire_format_of);
  }

  WireFormatPtr union_pay() {
    union_pay::AccountConfig config;
    if (!in_.base_url.empty()) config.base_url = in_.base_url;
    config.merchant_id = in_.merchant_id;
    config.notify_url = in_.notify_url;
    config.return_url = in_.return_url;
    config.test_environment = in_.test_environment;
    config.undo_same_day = in_.undo_same_day;
    config.pfx = text_of("pfx_file", in_.pfx_file);
    config.pfx_password = first_line_of("pfx_password_file", in_.pfx_password_file);
    // No other password opens it.
    if (unreadable_.count("pfx_password_file") != 0) unreadable_.emplace("pfx_file");
    config.private_key = text_of("private_key_file", in_.private_key_file);
    config.certificate = text_of("certificate_file", in_.certificate_file);
    config.middle_certificates = text_of("middle_certificate_file", in_.middle_certificate_file);
    config.root_certificates = text_of("root_certificate_file", in_.root_certificate_file);
    config.secure_key = first_line_of("secure_key_file", in_.secure_key_file);
    return made(union_pay::make_account(config, now_us_), union_pay::wire_format_of);
  }

  WireFormatPtr stripe() {
    stripe::AccountConfig config;
    if (!in_.base_url.empty()) config.base_url = in_.base_url;
    config.secret_key = first_line_of("secret_key_file", in_.secret_key_file);
    for (const std::string& path : in_.webhook_secret_files)
      config.webhook_secrets.push_back(first_line_of("webhook_secret_files", path));
    if (!in_.api_version.empty()) config.api_version = in_.api_version;
    return made(stripe::make_account(config), stripe::wire_format_of);
  }

  WireFormatPtr sandbox() {
    if (in_.base_url.empty())
      fail("base_url", "is required: the sandbox has no address of its own");
    if (in_.secret.empty() == in_.secret_file.empty()) {
      fail("secret", in_.secret.empty() ? "or secret_file is required"
                                        : "and secret_file exclude each other");
      return nullptr;
    }
    const std::string secret =
        in_.secret.empty() ? first_line_of("secret_file", in_.secret_file) : in_.secret;
    return sandbox_wire::wire_format_of({in_.base_url, secret, in_.notify_url});
  }

  // ---- the breaker

  BreakerConfig breaker() {
    const auto& from = in_.breaker;
    BreakerConfig config;
    config.minimum_calls = static_cast<int>(from.minimum_calls);
    config.failure_percent = static_cast<int>(from.failure_percent);
    config.slow_percent = static_cast<int>(from.slow_percent);
    config.slow_call_ms = from.slow_call_ms;
    config.open_ms = from.open_ms;
    config.open_growth_percent = static_cast<int>(from.open_growth_percent);
    config.max_open_ms = from.max_open_ms;
    config.probes = static_cast<int>(from.probes);
    config.ramp_ms = from.ramp_ms;
    config.ramp_start_percent = static_cast<int>(from.ramp_start_percent);
    if (!take_window(config)) {
      fail("window", "must be seconds such as 20s, or a number of calls");
      config.window = WindowKind::time;
      config.window_ms = BreakerConfig{}.window_ms;
    }
    for (const BreakerConfigFault& fault : check(config)) {
      const bool of_window = fault.field.substr(0, 7) == "window_";
      fail(of_window ? "window" : fault.field, fault.rule);
    }
    return config;
  }

  bool take_window(BreakerConfig& config) const {
    const std::string& text = in_.breaker.window;
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < 1) return false;
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    config.window = unit == "s" ? WindowKind::time : WindowKind::calls;
    if (unit == "s")
      config.window_ms = std::int64_t{value} * 1'000;
    else
      config.window_calls = value;
    return unit == "s" || unit.empty();
  }

  const ChannelAccountSection& in_;
  const UnixUs now_us_;
  std::vector<ConfigError>& errors_;
  std::set<std::string, std::less<>> unreadable_;  // keys that name a file that says nothing
};

}  // namespace

OpenedAccounts open_accounts(const ServeConfig& config, UnixUs now_us,
                             const std::vector<ConfigError>& told) {
  std::vector<OpenedAccount> accounts;
  std::vector<ConfigError> errors;
  for (const ChannelAccountSection& section : config.accounts)
    if (auto account = Opener(section, now_us, errors).open())
      accounts.push_back(std::move(*account));
  const auto is_told = [&told](const ConfigError& error) {
    return std::any_of(told.begin(), told.end(), [&error](const ConfigError& earlier) {
      return earlier.where == error.where && earlier.key == error.key;
    });
  };
  errors.erase(std::remove_if(errors.begin(), errors.end(), is_told), errors.end());
  if (!errors.empty()) return errors;
  return accounts;
}

}  // namespace welkin
